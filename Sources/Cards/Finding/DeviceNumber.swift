import CLinux
import SystemPackage

/// Device numbers as sysfs and /proc spell them.
enum DeviceNumber {
    /// "major:minor" of a `dev_t`.
    static func text(_ raw: UInt64) -> String { "\(clinux_major(raw)):\(clinux_minor(raw))" }

    /// "major:minor" of the block device that the node at `path` stands for, links followed; nil when it is none.
    @Sendable static func ofNode(_ path: FilePath) -> String? {
        guard let status = try? path.stat(), status.type == .blockSpecial else { return nil }
        return text(UInt64(status.specialDeviceID.rawValue))
    }
}
