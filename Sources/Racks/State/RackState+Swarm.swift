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
        let place = directory.appending("swarm")
        let stolen = try DurableFile.read(place.appending("stolen"), limit: 1 << 20, kind: .regular) ?? []
        let keys = NodeKeys(
            secret: try secret(
                at: place.appending("nodes.key"),
                hint: "restore it, or delete .piflash/swarm and write all cards of the rack again"),
            stolen: String(decoding: stolen, as: UTF8.self))
        var shared: RackKeys.Shared?
        if let worker = try readKey(place.appending("worker")), let manager = try readKey(place.appending("manager")) {
            shared = .init(worker: worker, manager: manager)
        }
        let names = swarm.role == .manager ? [node.hostname.value] + swarm.members.map(\.name) : []
        let members = names.map { ($0, keys.pair(of: $0).publicKey) }
        return RackKeys(
            host: try swarmKey("host"), own: keys.pair(of: node.hostname.value),
            members: Dictionary(members) { first, _ in first }, shared: shared)
    }

    private func swarmKey(_ name: String) throws(Failure) -> RackKeys.Pair {
        let path = directory.appending("swarm").appending(name)
        if let known = try readKey(path) { return known }
        try user.makeDirectories(directory, mode: 0o700)
        try user.makeDirectories(path.removingLastComponent(), mode: 0o700)
        try keep(Array(RackKeys.Pair.make(comment: "piflash \(name)").privateKey.utf8), at: path)
        guard let made = try readKey(path) else { throw Failure(.system, "\(path) is gone", hint: "try again") }
        return made
    }

    private func readKey(_ path: FilePath) throws(Failure) -> RackKeys.Pair? {
        let bytes: [UInt8]
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
            bytes = try file.closeAfter {
                try [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                    count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
            }
        } catch {
            if error as? Errno == .noSuchFileOrDirectory { return nil }
            throw Failure(.system, "reading \(path): \((error as? Errno)?.description.lowercased() ?? "\(error)")")
        }
        guard let key = RackKeys.Pair(privateKey: String(decoding: bytes, as: UTF8.self)) else {
            throw Failure(
                .system, "\(path) is damaged: it is not an Ed25519 key of OpenSSH without a passphrase",
                hint: "restore it, or delete .piflash/swarm and write all cards of the rack again")
        }
        return key
    }
}
