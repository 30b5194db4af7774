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
}

extension Failure {
    /// A failed system call as a failure: what was being done, and the system's own reason.
    package static func system(_ activity: String, _ errno: Errno, hint: String? = nil) -> Failure {
        Failure(.system, "\(activity): \(errno.description.lowercased())", hint: hint, cause: errno)
    }

    /// The same for an error of any type: swift-system throws an `Errno`, as `any Error`.
    package static func system(_ activity: String, _ error: any Error, hint: String? = nil) -> Failure {
        error as? Failure ?? .system(activity, error as? Errno ?? .ioError, hint: hint)
    }
}
