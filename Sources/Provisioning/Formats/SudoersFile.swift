import Systems

/// What lets the recipe's user become root: a file of /etc/sudoers.d (sudoers(5)).
enum SudoersFile {
    static let directory = RootPath.sudoersDirectory
    static let path = "/etc/sudoers.d/010_piflash"
    static let mode: UInt16 = 0o440

    static func text(_ user: String) -> String { "\(user) ALL=(ALL) NOPASSWD: ALL\n" }
}
