package import Diagnostics
import Host
package import Provisioning
package import Recipes
import SystemPackage

extension RackState {
    /// The keys with which the nodes of the rack form their swarm, from `.piflash/swarm`. They are made when they are first
    /// needed, then kept: cards that are written later must fit those in use. For a node that needs no keys, placeholders.
    ///
    /// `host` is the host key of the token services, `nodes.key` the secret that the nodes' keys are derived from. `stolen`,
    /// which a person writes, names the nodes whose key must be another one. `worker` and `manager` are there if an older
    /// piflash began the rack.
    package func swarmKeys(for node: Node) throws(Failure) -> RackKeys {
        guard let swarm = node.swarm, swarm.isFormed else { return .placeholders }
        let directory = try made()
        let place = try writing { () throws(Failure) in try directory.makeDirectory("swarm") }
        let keys = try nodeKeys(in: place)
        let (worker, manager) = (try key("worker", in: place), try key("manager", in: place))
        let shared = worker.flatMap { worker in manager.map { RackKeys.Shared(worker: worker, manager: $0) } }
        let names = swarm.role == .manager ? [node.hostname.value] + swarm.members.map(\.name) : []
        let members = names.map { ($0, keys.pair(of: $0).publicKey) }
        return RackKeys(
            host: try hostKey(in: place), own: keys.pair(of: node.hostname.value),
            members: Dictionary(members) { first, _ in first }, shared: shared)
    }

    private func nodeKeys(in swarm: PrivateDirectory) throws(Failure) -> NodeKeys {
        let hint = "restore it, or delete .piflash/swarm and write all cards of the rack again"
        let made: [UInt8]
        if let known = try secret("nodes.key", in: swarm, hint: hint) {
            made = known
        } else {
            made = try makeSecret("nodes.key", in: swarm, hint: hint)
        }
        return NodeKeys(secret: made, stolen: String(decoding: try swarm.read("stolen") ?? [], as: UTF8.self))
    }

    private func hostKey(in swarm: PrivateDirectory) throws(Failure) -> RackKeys.Pair {
        if let known = try key("host", in: swarm) { return known }
        try keep(Array(RackKeys.Pair.make(comment: "piflash host").privateKey.utf8), as: "host", in: swarm)
        guard let made = try key("host", in: swarm) else {
            throw Failure(.system, "\(swarm.path.appending("host")) is gone", hint: "try again")
        }
        return made
    }

    private func key(_ name: String, in swarm: PrivateDirectory) throws(Failure) -> RackKeys.Pair? {
        guard let bytes = try swarm.read(name, limit: 64 << 10, isKey: true) else { return nil }
        guard let key = RackKeys.Pair(privateKey: String(decoding: bytes, as: UTF8.self)) else {
            throw Failure(
                .system,
                "\(swarm.path.appending(name)) is damaged: it is not an Ed25519 key of OpenSSH without a passphrase",
                hint: "restore it, or delete .piflash/swarm and write all cards of the rack again")
        }
        return key
    }
}
