import Systems
import Recipes

/// A node with its secrets read and its files made: what a flavour's renderer works from.
struct Draft: Sendable {
    let node: Node
    let profile: OSProfile
    let boot: BootSnapshot
    /// The root partition, when the card's content is at hand as a whole.
    let root: RootSnapshot?
    let material: Material
    /// Seconds since 1970.
    let flashTime: Int64
    let daemon: DaemonConfiguration?
    /// Set for an engine that takes its options from a command line only, and for proxies under sysvinit.
    let dockerOptions: DockerOptions?
    /// Set when the rack forms its swarm by itself.
    let formation: SwarmFormation?
    /// What every flavour delivers alike: the first-boot program with its unit and settings, daemon.json, the recipe's
    /// files.
    let files: [Provision.NodeFile]

    /// The interface that gets the recipe's address and name servers: Wi-Fi when the recipe has some, for then it is how
    /// the node is meant to be reached; the cable otherwise. The other one takes its address by DHCP.
    var primaryInterface: String { hasWiFi ? "wlan0" : "eth0" }

    var hasWiFi: Bool { !material.accessPoints.isEmpty }

    var country: String? { node.wifi?.country?.value }

    /// The address of `interface`, or nil when DHCP gives it.
    func address(of interface: String) -> Node.StaticAddress? {
        interface == primaryInterface ? node.address?.value : nil
    }

    func gateway(of interface: String) -> String? {
        address(of: interface) == nil ? nil : node.network.gateway?.value
    }

    func nameServers(of interface: String) -> [String] {
        interface == primaryInterface ? node.network.dns.map(\.value) : []
    }

    /// Whether sshd takes passwords: only when there is one and there is no key. Who gives a key means it.
    var allowsPasswordLogin: Bool { material.passwordHash != nil && material.authorizedKeys.isEmpty }

    /// Whether anything on the node needs Docker.
    var usesDocker: Bool { Self.usesDocker(node) }

    static func usesDocker(_ node: Node) -> Bool {
        node.docker.location != nil || !node.docker.daemon.isEmpty || node.docker.registry != nil || node.swarm != nil
    }
}
