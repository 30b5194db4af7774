import Diagnostics
import Docker
import Filesystems
import Recipes
import Systems

/// A node's part in a Swarm 0.2 of containers, whose nodes find each other through Consul: for engines of 2015, before swarm
/// mode.
struct ClassicSwarm: Orchestration, Hashable {
    let role: Node.Swarm.Role
    /// The other managers' addresses.
    let managers: [String]
    /// The Consul server that the node's agent joins; nil if the node is that server.
    let consul: String?
    /// The node's address, if the recipe gives it.
    let ownAddress: String?

    var settings: [FirstBootSetting] {
        [.init(.classic, true), .init(.role, role.rawValue), .init(.consul, consul ?? "")]
    }

    var needsOpenSSH: Bool { false }
    var bootFiles: [Provision.BootFile] { [] }
    var rootEdits: [TreeChange] { [] }
    var consumed: [String: String] { [:] }

    static let removableBootFiles: [String] = []

    static func owns(_ path: String) -> Bool { false }
}

extension ClassicSwarm {
    static func part(
        of node: Node, material: Material, keys: RackKeys, report: inout DiagnosticReport
    ) -> (any Orchestration)? { Self(node) }

    /// Nil when the node is in no classic swarm.
    init?(_ node: Node) {
        guard let swarm = node.swarm, swarm.mode == .classic else { return nil }
        let seen = SwarmManagers(node, swarm)
        role = swarm.role
        managers = seen.others.map(\.value)
        ownAddress = seen.ownAddress
        // The first of the others is the first manager, unless the node itself is.
        let server =
            swarm.consul.map { node.address(ofManager: $0.value, in: node.rack) ?? $0.value }
            ?? (seen.isFirst ? nil : managers.first)
        consul = server == ownAddress ? nil : server
    }

    /// Warns about an engine with swarm mode, which the recipe's author may not expect.
    static func check(_ node: Node, profile: OSProfile, root: RootSnapshot?, report: inout DiagnosticReport) {
        guard let swarm = node.swarm, swarm.mode == .classic else { return }
        let version = RootFlavour.engineVersion(profile) ?? DockerInstallation.version(of: node, profile: profile)
        guard let version, version >= .swarmMode else { return }
        report.warning(
            at: swarm.location,
            "swarm.mode: classic: Docker \(version) has a swarm mode of its own, and the images of classic Swarm are of "
                + "2015; leave swarm.mode out")
    }
}
