import CLinux
package import SystemPackage

/// A device's number, which says what a device is; its name may pass to another one.
package struct DeviceNumber: Hashable, Sendable {
    package let major: UInt32
    package let minor: UInt32

    package init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }

    /// The numbers in a `dev_t`, as the C library has it (sys/sysmacros.h).
    package init(_ raw: UInt64) {
        self.init(major: clinux_major(raw), minor: clinux_minor(raw))
    }

    /// Of the block device whose node is at `path`, links followed; nil if there is none.
    package init?(ofNode path: FilePath) {
        guard let status = try? path.stat(), status.type == .blockSpecial else { return nil }
        self.init(UInt64(status.specialDeviceID.rawValue))
    }
}

extension DeviceNumber: CustomStringConvertible {
    /// "major:minor", as sysfs and /proc write it.
    package var description: String { "\(major):\(minor)" }
}
