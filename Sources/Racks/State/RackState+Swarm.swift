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
        let path = directory.appending("swarm").appending(name)
        if let known = try readKey(path) { return known }
        try DurableFile.makeDirectories(directory, mode: 0o700)
        try DurableFile.makeDirectories(path.removingLastComponent(), mode: 0o700)
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
