/// A number of bytes as people read it: "512 bytes", "1.5 GiB" (powers of 1024), one decimal place.
package func formatBytes(_ count: Int64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB"]
    guard count >= 1024 else { return "\(count) bytes" }
    var value = Double(count)
    var unit = ""
    for next in units where value >= 1024 {
        value /= 1024
        unit = next
    }
    let tenths = Int64((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
}
