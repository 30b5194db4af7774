package import Diagnostics
import Host
package import Provisioning
package import Recipes
import SystemPackage

extension RackState {
    /// The keys with which the nodes of the rack form their swarm, in `.piflash/swarm`. They are made when they are first
    /// needed, then kept: cards that are written later must fit those in use. For a node that needs no keys, placeholders.
    package func swarmKeys(for node: Node) throws(Failure) -> RackKeys {
        guard node.swarm?.isFormed == true else { return .placeholders }
        return RackKeys(host: try swarmKey("host"), worker: try swarmKey("worker"), manager: try swarmKey("manager"))
    }

    private func swarmKey(_ name: String) throws(Failure) -> RackKeys.Pair {
        if let known = try opened()?.directory("swarm"), let key = try key(name, in: known) { return key }
        let directory = try made()
        let swarm = try writing { () throws(Failure) in try directory.makeDirectory("swarm") }
        try keep(Array(RackKeys.Pair.make(comment: "piflash \(name)").privateKey.utf8), as: name, in: swarm)
        guard let made = try key(name, in: swarm) else {
            throw Failure(.system, "\(swarm.path.appending(name)) is gone", hint: "try again")
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
