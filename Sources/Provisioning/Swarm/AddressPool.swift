import Diagnostics
import Docker
import Recipes
import Systems
import Text

/// The networks that a swarm's overlay networks are cut from, one /24 after the other, the routing mesh's first.
///
/// Docker's own pool is 10.0.0.0/8, and it hands out 10.0.7.0/24 also to a rack whose nodes are in 10.0.7.0/24: their
/// containers then reach neither the nodes nor the gateway.
enum AddressPool {
    static let ofDocker = "10.0.0.0/8"

    /// The pools that a rack takes if Docker's would hold one of its own networks: the first that holds none. They lie where
    /// Docker's local networks (from 172.17.0.0/16 upwards) and home networks seldom are.
    private static let others = [
        "172.30.0.0/16", "10.201.0.0/16", "192.168.208.0/20", "172.29.0.0/16", "10.202.0.0/16", "172.28.0.0/16",
    ]

    /// `docker swarm init --default-addr-pool` came with this version.
    private static let since = EngineVersion(18, 9)

    /// The pools for a swarm: its recipe's, or those that suit its rack. Empty for Docker's own.
    static func networks(of swarm: Node.Swarm) -> [String] {
        if !swarm.addressPool.isEmpty { return swarm.addressPool.map(\.value) }
        return suiting(swarm).map { $0 == ofDocker ? [] : [$0] } ?? []
    }

    /// Nil if each of them holds one of the rack's networks.
    private static func suiting(_ swarm: Node.Swarm) -> String? {
        ([ofDocker] + others).first { pool in holds(pool, swarm) == nil }
    }

    /// The first of the rack's networks that `pool` holds.
    private static func holds(_ pool: String, _ swarm: Node.Swarm) -> Node.Swarm.NamedNetwork? {
        guard let pool = IPNetwork(pool) else { return nil }
        return swarm.surroundings.first { $0.network.overlaps(pool) }
    }

    /// Reports a pool that is not Docker's: an engine that cannot be given one, and one that the rack has chosen.
    static func check(_ swarm: Node.Swarm, engine: EngineVersion?, report: inout DiagnosticReport) {
        let isOld = engine.map { $0 < since } ?? false
        if let first = swarm.addressPool.first {
            guard isOld, let engine else { return }
            return report.error(
                at: first.location,
                "swarm.address_pool: Docker \(engine) has its own pool only, 10.0.0.0/8; another one can be given from 18.09 "
                    + "on. Give each network of swarm.networks a subnet instead")
        }
        guard let used = holds(ofDocker, swarm) else { return }
        let start = "swarm: Docker's pool of addresses, \(ofDocker), holds \(used.name), \(used.network)"
        if isOld, let engine {
            report.warning(
                at: swarm.location,
                "\(start), which containers then may not reach; Docker \(engine) cannot be given another pool: give each "
                    + "network of swarm.networks a subnet")
        } else if let chosen = suiting(swarm) {
            report.warning(
                at: swarm.location,
                "\(start): the swarm takes \(chosen) instead; write swarm.address_pool: [\(chosen)] to confirm it, or name "
                    + "another")
        } else {
            report.error(
                at: swarm.location,
                "\(start), and so does each other pool that piflash knows; name a free one with swarm.address_pool")
        }
    }
}
