package import Diagnostics
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Where the invoking user's files go (XDG Base Directory Specification).
package struct UserDirectories: Sendable {
    package let cache: FilePath

    package init(user: InvokingUser, environment: [String: String]) {
        // The specification: a relative path is invalid and ignored. Under sudo the variable, if it came through, was
        // root's or the caller's; a caller's is theirs to set, so an absolute one is honoured.
        if let set = environment["XDG_CACHE_HOME"], set.utf8.starts(with: "/".utf8) {
            cache = FilePath(set).appending("piflash")
        } else {
            cache = user.home.appending(".cache").appending("piflash")
        }
    }
}

extension DurableFile {
    /// Makes the directory at `path` and the missing ones above it, each with `mode`. Their names are
    /// on the medium when this returns: what is kept in them must not be lost with them.
    package static func makeDirectories(_ path: FilePath, mode: UInt16 = 0o700) throws(Failure) {
        var missing: [FilePath] = []
        var current = path
        while !current.string.isEmpty, current.withPlatformString({ access($0, F_OK) }) != 0 {
            missing.append(current)
            current = current.removingLastComponent()
        }
        for directory in missing.reversed() {
            let result = directory.withPlatformString { mkdir($0, mode_t(mode)) }
            let reason = Errno(rawValue: errno)
            guard result == 0 || reason == .fileExists else {
                throw Failure(.system, "making the directory \(directory): \(reason.description.lowercased())")
            }
            if result == 0 {
                do throws(Errno) { try DurableFile.synchronize(directoryAt: directory.removingLastComponent()) } catch {
                    // A directory that may be written to but not read cannot be waited for.
                    guard error == .permissionDenied else { throw .system("making the directory \(directory)", error) }
                }
            }
        }
    }
}
