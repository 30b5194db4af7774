package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// The person at the keyboard: under sudo, the user who called it, not root.
///
/// What piflash keeps for its user (the image cache, a rack's `.piflash`) is in that person's home and belongs to them.
package struct InvokingUser: Hashable, Sendable {
    package let userID: UInt32
    package let groupID: UInt32
    package let home: FilePath

    package init(userID: UInt32, groupID: UInt32, home: FilePath) {
        self.userID = userID
        self.groupID = groupID
        self.home = home
    }

    /// Finds the invoking user from SUDO_UID and SUDO_GID (set by sudo, sudo(8)) when the effective user is root, and
    /// from the process otherwise.
    package init(environment: [String: String]) {
        if geteuid() == 0, let user = environment["SUDO_UID"].flatMap(UInt32.init),
            let group = environment["SUDO_GID"].flatMap(UInt32.init), user != 0
        {
            self.init(
                userID: user, groupID: group,
                home: Self.home(of: user) ?? FilePath(environment["HOME"] ?? "/root"))
        } else {
            let home = environment["HOME"].map { FilePath($0) } ?? Self.home(of: getuid()) ?? "/"
            self.init(userID: geteuid(), groupID: getegid(), home: home)
        }
    }

    /// Whether files that this process makes belong to someone else unless they are handed over.
    package var needsHandOver: Bool { geteuid() != userID }

    /// Replaces a leading "~" with the user's home directory.
    package func expandingTilde(_ path: String) -> String {
        if path == "~" { return home.string }
        guard path.utf8.starts(with: "~/".utf8) else { return path }
        return home.string + path.dropFirst(1)
    }

    /// Gives the file at `path` (or the link itself) to the user. Does nothing when the user runs the process.
    package func own(_ path: FilePath) throws(Errno) {
        guard needsHandOver else { return }
        let result = path.withPlatformString { lchown($0, userID, groupID) }
        guard result == 0 else { throw Errno(rawValue: errno) }
    }

    private static func home(of user: UInt32) -> FilePath? {
        var buffer = [CChar](repeating: 0, count: 16384)
        var entry = passwd()
        var result: UnsafeMutablePointer<passwd>?
        guard getpwuid_r(user, &entry, &buffer, buffer.count, &result) == 0, result != nil,
            let directory = entry.pw_dir
        else { return nil }
        return FilePath(platformString: directory)
    }
}
