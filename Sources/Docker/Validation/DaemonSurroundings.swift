package import Text

/// What is known of the node that dockerd will run on. Nil is "not known", which makes a warning of what would be an
/// error on a node where the thing is missing.
package struct DaemonSurroundings: Hashable, Sendable {
    /// A network that must stay reachable, and what it is: "the node's own network".
    package struct Network: Hashable, Sendable {
        package var network: IPNetwork
        package var name: String

        package init(_ network: IPNetwork, name: String) {
            self.network = network
            self.name = name
        }
    }

    package var isInSwarm: Bool
    package var networks: [Network]
    package var groups: Set<String>?
    /// Users that have ranges in /etc/subuid and /etc/subgid, for userns-remap.
    package var users: Set<String>?
    /// Absolute paths of files.
    package var files: Set<String>?
    /// Absolute paths of files that piflash puts there itself, whatever else is known.
    package var ownFiles: Set<String> = []
    /// Bridges that are there before dockerd starts.
    package var bridges: Set<String>?
    /// Plugins for authorization that are there before dockerd starts.
    package var plugins: Set<String>?

    /// A card with a fresh Debian and no files of the user.
    package init(
        isInSwarm: Bool = false, networks: [Network] = [], groups: Set<String>? = Self.debianGroups,
        users: Set<String>? = [], files: Set<String>? = [], bridges: Set<String>? = [], plugins: Set<String>? = []
    ) {
        self.isInSwarm = isInSwarm
        self.networks = networks
        self.groups = groups
        self.users = users
        self.files = files
        self.bridges = bridges
        self.plugins = plugins
    }

    /// A node of which nothing is known: what may be missing on it gives a warning.
    package static let unknown = DaemonSurroundings(groups: nil, users: nil, files: nil, bridges: nil, plugins: nil)

    /// The groups of every Debian (base-passwd 3.6), those of a Pi, and Docker's own.
    package static let debianGroups: Set<String> = [
        "root", "daemon", "bin", "sys", "adm", "tty", "disk", "lp", "mail", "news", "uucp", "man", "proxy", "kmem",
        "dialout", "fax", "voice", "cdrom", "floppy", "tape", "sudo", "audio", "dip", "www-data", "backup",
        "operator", "list", "irc", "src", "shadow", "utmp", "video", "sasl", "plugdev", "staff", "games", "users",
        "nogroup", "input", "render", "netdev", "gpio", "i2c", "spi", "docker",
    ]
}
