import Filesystems
import Recipes
import Systems
import Text

/// A node with its secrets read and its files made: what a flavour's renderer works from.
struct Draft: Sendable {
    let node: Node
    let profile: OSProfile
    let boot: BootSnapshot
    /// The root partition, if it is available.
    let root: RootSnapshot?
    let material: Material
    /// Seconds since 1970.
    let flashTime: Int64
    /// Set for an engine that takes its options from a command line only, and for proxies under sysvinit.
    let dockerOptions: DockerOptions?
    /// Whether the image's first user becomes the recipe's.
    let takesOverFirstUser: Bool
    /// Whether the node needs OpenSSH's own programs, not another sshd.
    let needsOpenSSH: Bool
    /// The files that every flavour delivers: the first-boot program with its unit and settings, daemon.json, the recipe's
    /// files.
    let files: [Provision.NodeFile]

    /// The interface that gets the recipe's addresses and name servers. If the recipe does not say, it is Wi-Fi if the recipe
    /// has a network, since the node is then meant to be reached that way; otherwise the cable. The other one gets its
    /// address by DHCP.
    var primaryInterface: String {
        switch node.network.interface?.value {
        case .wired: "eth0"
        case .wifi: "wlan0"
        case nil: hasWiFi ? "wlan0" : "eth0"
        }
    }

    var hasWiFi: Bool { !material.accessPoints.isEmpty }

    var country: String? { node.wifi?.country?.value }

    /// What `interface` gets by the recipe.
    func addressing(of interface: String) -> Addressing {
        interface == primaryInterface ? Addressing(node, interface: interface) : Addressing(interface: interface)
    }

    var allowsPasswordLogin: Bool { material.allowsPasswordLogin }
}

// MARK: Secrets

extension Draft {
    /// Whether the root partition is available and can be edited.
    var editsRoot: Bool { Self.edits(root) }

    static func edits(_ root: RootSnapshot?) -> Bool { root.map { $0.problem == nil } ?? false }

    /// The password's hash for the system's own first boot, which reads it from the boot partition. If the root partition
    /// can be edited, there is none: the first-boot program sets the password from its settings.
    var seededPasswordHash: String? { editsRoot ? nil : material.passwordHash }

    /// Of `files`, those that the system's own first boot writes. Every user of the node can read the boot partition, and
    /// so can everyone who has the card: a file that is not for all goes to the root partition, if that can be edited.
    func seeded(_ files: [Provision.NodeFile]) -> [Provision.NodeFile] {
        editsRoot ? files.filter(\.isForAll) : files
    }

    /// The others of `files`, as edits of the root partition.
    func written(_ files: [Provision.NodeFile]) -> [TreeChange] {
        guard editsRoot else { return [] }
        return files.filter { !$0.isForAll }.map {
            TreeChange(.file(contents: $0.contents, mode: $0.mode), at: $0.path)
        }
    }
}

extension Provision.NodeFile {
    /// Whether everybody may read it.
    var isForAll: Bool { mode & 0o004 != 0 }
}

extension Node.StaticAddress {
    /// The prefix length of an IPv4 address as four numbers: "255.255.255.0".
    var mask: String { IPv4Network(description)?.mask.description ?? "" }
}
