import Recipes
import Systems

/// What lets the recipe's user become root: a file of /etc/sudoers.d (sudoers(5)).
enum SudoersFile {
    static let directory = RootPath.sudoersDirectory
    static let path = "/etc/sudoers.d/010_piflash"
    static let mode: UInt16 = 0o440

    /// The last rule that matches counts, so the last one takes everything away.
    static func text(_ user: String, _ mode: Node.User.Sudo) -> String { user + " " + rule(mode) + "\n" }

    /// The rule without the user, as cloud-init takes it too.
    static func rule(_ mode: Node.User.Sudo) -> String {
        switch mode {
        case .passwordless: "ALL=(ALL) NOPASSWD: ALL"
        case .password: "ALL=(ALL:ALL) PASSWD: ALL"
        case .none: "ALL=(ALL:ALL) !ALL"
        }
    }
}

/// The vendors' own files that let their user become root without a password. Their first boots write the recipe's user
/// into them.
enum VendorSudoers {
    /// Raspberry Pi OS, cloud-init, DietPi.
    static let paths = ["010_pi-nopasswd", "90-cloud-init-users", "dietpi"].map { "\(SudoersFile.directory)/\($0)" }
}
