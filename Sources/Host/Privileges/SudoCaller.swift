package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Who called piflash through sudo, doas or pkexec: the user that it works as.
package struct SudoCaller: Hashable, Sendable {
    package let userID: UInt32
    package let groupID: UInt32
    /// The login name; nil if the system's list of users does not have it.
    package let name: String?
    /// Nil as `name`.
    package let home: FilePath?

    /// The variables that say so. The three programs set them whatever the caller's environment says: sudo(8),
    /// doas(1), pkexec(1).
    package static let variables = ["SUDO_UID", "SUDO_GID", "DOAS_USER", "PKEXEC_UID"]

    /// Nil if root called, or if the process was started by none of them.
    package init?(environment: [String: String]) {
        let user = environment["SUDO_UID"].flatMap(UInt32.init) ?? environment["PKEXEC_UID"].flatMap(UInt32.init)
        if let user {
            let account = Account(user: user)
            self.init(user, environment["SUDO_GID"].flatMap(UInt32.init) ?? account?.group ?? user, account)
        } else if let account = environment["DOAS_USER"].flatMap(Account.init(name:)) {
            self.init(account.user, account.group, account)
        } else {
            return nil
        }
    }

    private init?(_ user: UInt32, _ group: UInt32, _ account: Account?) {
        // A user whose group is root's cannot be told from root by its rights on files: such a group is not used.
        guard user != 0 else { return nil }
        self.userID = user
        self.groupID = group != 0 ? group : account.map(\.group).flatMap { $0 != 0 ? $0 : nil } ?? user
        self.name = account?.name
        self.home = account?.home
    }
}

/// An entry of the system's list of users (getpwnam(3)).
struct Account {
    let name: String
    let user: UInt32
    let group: UInt32
    let home: FilePath

    init?(user: UInt32) {
        self.init { entry, buffer, size, result in getpwuid_r(user, entry, buffer, size, result) }
    }

    init?(name: String) {
        self.init { entry, buffer, size, result in getpwnam_r(name, entry, buffer, size, result) }
    }

    private init?(
        _ find: (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> Int32
    ) {
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        var entry = passwd()
        var result: UnsafeMutablePointer<passwd>?
        let found: Account? = buffer.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress, find(&entry, start, buffer.count, &result) == 0, result != nil,
                let name = entry.pw_name, let home = entry.pw_dir
            else { return nil }
            return Account(
                name: String(cString: name), user: entry.pw_uid, group: entry.pw_gid,
                home: FilePath(platformString: home))
        }
        guard let found else { return nil }
        self = found
    }

    private init(name: String, user: UInt32, group: UInt32, home: FilePath) {
        self.name = name
        self.user = user
        self.group = group
        self.home = home
    }
}
