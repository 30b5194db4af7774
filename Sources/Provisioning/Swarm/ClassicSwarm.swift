import Systems
import Diagnostics
import Docker
import Recipes

/// A node's part in a Swarm 0.2 of containers, with Consul to find each other: engines of 2015, before swarm mode.
struct ClassicSwarm: Hashable, Sendable {
    let role: Node.Swarm.Role
    /// The other managers' addresses.
    let managers: [String]
    /// The Consul server that the node's agent joins; nil when the node is that server.
    let consul: String?
    /// The node's address, when the recipe tells it.
    let ownAddress: String?

    /// For the first-boot program.
    var settings: [(String, String)] { [("CLASSIC", "1"), ("ROLE", role.rawValue), ("CONSUL", consul ?? "")] }
}

extension ClassicSwarm {
    /// Nil when the node is in no classic swarm.
    init?(_ node: Node) {
        guard let swarm = node.swarm, swarm.mode == .classic else { return nil }
        let seen = SwarmManagers(node, swarm)
        role = swarm.role
        managers = seen.others.map(\.value)
        ownAddress = seen.ownAddress
        // The first of the others is the first of all, unless the node is that.
        let server =
            swarm.consul.map { node.address(ofManager: $0.value, in: node.rack) ?? $0.value }
            ?? (seen.isFirst ? nil : managers.first)
        consul = server == ownAddress ? nil : server
    }

    /// What the recipe may not know of the engine that it gets.
    static func check(_ node: Node, profile: OSProfile, report: inout DiagnosticReport) {
        guard let swarm = node.swarm, swarm.mode == .classic else { return }
        let version = RootFlavour.engineVersion(profile) ?? DockerInstallation.version(of: node, profile: profile)
        guard let version, version >= .swarmMode else { return }
        report.warning(
            at: swarm.location,
            "swarm.mode: classic: Docker \(version) has a swarm mode of its own, and the images of classic Swarm are of "
                + "2015; leave swarm.mode out")
    }
}
