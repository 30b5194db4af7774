/// Writes a tar archive of files that only their owner can read.
///
/// Each file is a header of 512 bytes and its contents, padded to a multiple of 512 bytes; two empty blocks end the archive
/// (POSIX pax, "ustar Interchange Format"). Times and owners are zero: equal files give equal bytes.
struct TarArchive: Sendable {
    private static let block = 512
    private(set) var bytes: [UInt8] = []

    /// `name` has at most 100 bytes.
    mutating func add(_ name: String, _ contents: [UInt8]) {
        var header = [UInt8](repeating: 0, count: Self.block)
        func put(_ text: String, at offset: Int) {
            header.replaceSubrange(offset..<offset + text.utf8.count, with: Array(text.utf8))
        }
        func octal(_ number: Int, digits: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: digits - text.count) + text
        }
        put(String(name.prefix(100)), at: 0)
        put(octal(0o600, digits: 7), at: 100)
        put(octal(0, digits: 7), at: 108)
        put(octal(0, digits: 7), at: 116)
        put(octal(contents.count, digits: 11), at: 124)
        put(octal(0, digits: 11), at: 136)
        // For the checksum, its own field counts as blanks.
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar\u{0}00", at: 257)
        put(octal(header.reduce(0) { $0 + Int($1) }, digits: 6) + "\u{0} ", at: 148)
        bytes += header + contents
        bytes += [UInt8](repeating: 0, count: (Self.block - contents.count % Self.block) % Self.block)
    }

    var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 2 * Self.block) }
}
