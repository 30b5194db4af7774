import Text

/// Names that a Debian system has as users or groups from the start, so that no person can have them: the user's own group
/// has the user's name.
enum SystemAccounts {
    /// base-passwd's passwd.master and group.master, of all releases since wheezy.
    private static let base: Set = [
        "adm", "audio", "backup", "bin", "cdrom", "daemon", "dialout", "dip", "disk", "fax", "floppy", "games", "gnats",
        "irc", "kmem", "list", "lp", "mail", "man", "news", "nobody", "nogroup", "operator", "plugdev", "proxy", "root",
        "sasl", "shadow", "src", "staff", "sudo", "sync", "sys", "tape", "tty", "users", "utmp", "uucp", "video",
        "voice",
        "www-data",
    ]

    /// Those of packages that images for the Pi have, or that Docker brings. No image has all of them.
    private static let packages: Set = [
        "avahi", "bluetooth", "crontab", "dhcpcd", "docker", "gpio", "i2c", "input", "kvm", "lpadmin", "lxd",
        "messagebus", "netdev", "polkitd", "pulse", "render", "sgx", "spi", "ssh", "sshd", "statd", "syslog", "tss",
        "uuidd",
    ]

    static func contains(_ name: String) -> Bool {
        base.contains(name) || packages.contains(name) || name.begins(with: "systemd-")
    }
}
