import CLinux

/// Device numbers as sysfs and /proc spell them.
enum DeviceNumber {
    /// "major:minor" of a `dev_t`.
    static func text(_ raw: UInt64) -> String { "\(clinux_major(raw)):\(clinux_minor(raw))" }
}
