package import Diagnostics
package import SystemPackage

extension Failure {
    /// A failed system call as a failure: what was being done, and the system's own reason.
    package static func system(_ activity: String, _ errno: Errno, hint: String? = nil) -> Failure {
        Failure(.system, "\(activity): \(errno.description.lowercased())", hint: hint, cause: errno)
    }
}
