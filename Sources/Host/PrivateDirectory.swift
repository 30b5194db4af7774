package import Diagnostics
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// An open directory of piflash's own, such as the image cache or a rack's `.piflash`, and the directories in it.
///
/// It belongs to the user, nobody else can write to it, and neither it nor anything in it is reached through a link.
/// So everything in it was put there by the user's own programs: who can write to the directory above can put another
/// directory in its place, but not one that passes this check. Directories have mode 0700 and files 0600, from their
/// first moment on and whatever the umask is.
package final class PrivateDirectory: Sendable {
    /// Whose rules a directory follows.
    package enum Use: Sendable {
        /// piflash's own state. It is checked, and closed to others if it is the user's and still open to them.
        case state
        /// A directory for results that the user named: it only must not be a link. Its mode stays as it is, or is `mode`
        /// if it is made.
        case output(mode: UInt16)

        fileprivate var mode: UInt16 {
            switch self {
            case .state: 0o700
            case .output(let mode): mode
            }
        }
    }

    /// For messages, and for programs that can open only names.
    package let path: FilePath
    package let descriptor: FileDescriptor
    let use: Use

    private init(_ descriptor: FileDescriptor, at path: FilePath, for use: Use) {
        self.descriptor = descriptor
        self.path = path
        self.use = use
    }

    deinit { try? descriptor.close() }

    /// Opens the directory at `path`; nil if there is nothing.
    package static func open(_ path: FilePath, for use: Use = .state) throws(Failure) -> PrivateDirectory? {
        try open(path.string, in: AT_FDCWD, at: path, for: use)
    }

    /// Opens the directory at `path`, or makes it, with the missing ones above it.
    package static func make(_ path: FilePath, for use: Use = .state) throws(Failure) -> PrivateDirectory {
        try DurableFile.makeDirectories(path, mode: use.mode)
        guard let made = try open(path, for: use) else { throw .vanished(path) }
        return made
    }

    /// Makes the directory at `path` for results, with the missing ones above it. It is a failure if there is something.
    package static func makeNew(_ path: FilePath, mode: UInt16) throws(Failure) -> PrivateDirectory {
        let parent = path.removingLastComponent()
        if !parent.isEmpty { try DurableFile.makeDirectories(parent, mode: mode) }
        guard path.withPlatformString({ mkdir($0, mode_t(mode)) }) == 0 else {
            throw .system("making the directory \(path)", Errno.current)
        }
        return try make(path, for: .output(mode: mode))
    }

    /// Opens the directory `name` in this one; nil if there is nothing.
    package func directory(_ name: String) throws(Failure) -> PrivateDirectory? {
        try Self.open(name, in: descriptor.rawValue, at: path.appending(name), for: use)
    }

    /// Opens the directory `name` in this one, or makes it.
    package func makeDirectory(_ name: String) throws(Failure) -> PrivateDirectory {
        if let known = try directory(name) { return known }
        do throws(Errno) {
            if mkdirat(descriptor.rawValue, name, mode_t(use.mode)) == 0 {
                try DurableFile.synchronize(directory: descriptor)
            } else if Errno.current != .fileExists {
                throw .current
            }
        } catch {
            throw .system("making the directory \(path.appending(name))", error)
        }
        guard let made = try directory(name) else { throw .vanished(path.appending(name)) }
        return made
    }

    private static func open(
        _ name: String, in parent: CInt, at path: FilePath, for use: Use
    ) throws(Failure) -> PrivateDirectory? {
        // A path without a last component is "/" or the working directory: neither is a link.
        let name = name.isEmpty ? "." : name
        let raw = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard raw >= 0 else {
            let reason = Errno.current
            if reason == .noSuchFileOrDirectory { return nil }
            // Both are what the kernel says of a link, depending on its version.
            if reason == .notDirectory || reason == .tooManySymbolicLinkLevels {
                var status = Glibc.stat()
                if fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 {
                    throw .misplaced(path, Stat(rawValue: status).type, isDirectory: true)
                }
            }
            throw .system("opening \(path)", reason)
        }
        let made = PrivateDirectory(FileDescriptor(rawValue: raw), at: path, for: use)
        guard case .state = use else { return made }
        let status: Stat
        do { status = try made.descriptor.stat() } catch { throw .system("opening \(path)", error) }
        try FileTrust.check(status, .directory, at: path)
        made.descriptor.closeToOthers(status)
        return made
    }
}

extension FileDescriptor {
    /// Takes all rights from the group and others, if the open file is the user's. It is a second wall: if the file
    /// system refuses, the check that was made before still counts.
    func closeToOthers(_ status: Stat) {
        let mode = status.permissions.rawValue
        guard mode & 0o077 != 0, status.userID.rawValue == geteuid() else { return }
        _ = fchmod(rawValue, mode & 0o700)
    }
}

extension Failure {
    static func vanished(_ path: FilePath) -> Failure {
        Failure(.system, "\(path) was removed by another program", hint: "try again")
    }
}
