package import Diagnostics
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

extension Errno {
    /// What the last failed C call of this thread left in errno.
    package static var current: Errno { Errno(rawValue: errno) }

    /// ENOMEDIUM (asm-generic/errno.h): the reader has no card. swift-system does not name it.
    package static let noMedium = Errno(rawValue: 123)
    /// EREMOTEIO, as drivers of card readers answer. swift-system does not name it.
    static let remoteIO = Errno(rawValue: 121)
}

extension Failure {
    /// A failed system call as a failure: what was being done, and the system's own reason. Without `hint`, it has the
    /// usual one.
    package static func system(_ activity: String, _ errno: Errno, hint: String? = nil) -> Failure {
        Failure(
            .system, "\(activity): \(errno.description.lowercased())", hint: hint ?? usualHint(errno), cause: errno)
    }

    /// The next step after an error that any file or device can give; nil if the reason says enough.
    package static func usualHint(_ errno: Errno) -> String? {
        switch errno {
        case .noSpace, .diskQuotaExceeded: "free some space there, and run the same command again"
        case .ioError, .noSuchAddressOrDevice, .operationNotSupportedByDevice, .noMedium, .remoteIO, .timedOut,
            .illegalByteSequence:
            "the disk or its connection fails (`dmesg` says more): try again, then use another disk"
        case .readOnlyFileSystem: "its file system can only be read: mount it to be written, or use another place"
        case .noMemory, .tooManyOpenFiles, .tooManyOpenFilesInSystem:
            "end some other programs, and run the same command again"
        case .interrupted, .resourceTemporarilyUnavailable, .resourceBusy: "run the same command again"
        case .permissionDenied, .notPermitted: "you need the rights on it: see `ls -l`"
        // Of these, the reason says enough.
        case .noSuchFileOrDirectory, .notDirectory, .isDirectory, .fileExists, .tooManySymbolicLinkLevels,
            .fileNameTooLong:
            nil
        default: "run the same command again; if it fails again, use another disk or place"
        }
    }

    /// The same for an error of any type: swift-system throws an `Errno`, as `any Error`.
    package static func system(_ activity: String, _ error: any Error, hint: String? = nil) -> Failure {
        error as? Failure ?? .system(activity, error as? Errno ?? .ioError, hint: hint)
    }
}
