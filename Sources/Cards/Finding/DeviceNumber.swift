import CLinux
import SystemPackage

/// Device numbers as sysfs and /proc write them.
enum DeviceNumber {
    /// "major:minor" of a `dev_t`.
    static func text(_ raw: UInt64) -> String { "\(clinux_major(raw)):\(clinux_minor(raw))" }

    /// "major:minor" of the block device at `path`, links followed; nil if it is not a block device.
    @Sendable static func ofNode(_ path: FilePath) -> String? {
        guard let status = try? path.stat(), status.type == .blockSpecial else { return nil }
        return text(UInt64(status.specialDeviceID.rawValue))
    }
}
