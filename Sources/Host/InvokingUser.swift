package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// The user of this process: the person at the keyboard, under sudo, too (``PrivilegeSeparation``).
///
/// What piflash keeps for its user (the image cache, a rack's `.piflash`) is in that person's home.
package struct InvokingUser: Hashable, Sendable {
    package let userID: UInt32
    package let groupID: UInt32
    package let home: FilePath

    package init(userID: UInt32, groupID: UInt32, home: FilePath) {
        self.userID = userID
        self.groupID = groupID
        self.home = home
    }

    /// The process's user, whose home is in HOME.
    package init(environment: [String: String]) {
        let home = environment["HOME"].map { FilePath($0) } ?? Account(user: geteuid())?.home ?? "/"
        self.init(userID: geteuid(), groupID: getegid(), home: home)
    }

    /// Replaces a leading "~" with the user's home directory.
    package func expandingTilde(_ path: String) -> String {
        if path == "~" { return home.string }
        guard path.utf8.starts(with: "~/".utf8) else { return path }
        return home.string + path.dropFirst(1)
    }
}
