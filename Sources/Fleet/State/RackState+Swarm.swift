public import Diagnostics
import Host
public import Provisioning
public import Recipes
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

extension RackState {
    /// The keys with which the rack's nodes form their swarm, in `.piflash/swarm`: made at the first need, then kept, for
    /// cards written later must fit those that are in use. For a node that needs none, placeholders.
    public func swarmKeys(for node: Node) throws(Failure) -> RackKeys {
        guard node.swarm?.isFormed == true else { return .placeholders }
        return RackKeys(host: try swarmKey("host"), worker: try swarmKey("worker"), manager: try swarmKey("manager"))
    }

    private func swarmKey(_ name: String) throws(Failure) -> RackKeys.Pair {
        let path = directory.appending("swarm").appending(name)
        if let known = try readKey(path) { return known }
        try user.makeDirectories(directory, mode: 0o700)
        try user.makeDirectories(path.removingLastComponent(), mode: 0o700)
        // Two first runs at once: a link is made only where there is none, and whole, so the one that loses finds the
        // winner's key.
        let draft = FilePath("\(path).\(getpid()).new")
        try user.replaceFile(
            draft, with: Array(RackKeys.Pair.make(comment: "piflash \(name)").privateKey.utf8), mode: 0o600)
        let code = draft.withPlatformString { from in path.withPlatformString { link(from, $0) } == 0 ? 0 : errno }
        _ = draft.withPlatformString { unlink($0) }
        guard code == 0 || code == EEXIST, let made = try readKey(path) else {
            throw Failure(
                .system, "writing \(path): \(Errno(rawValue: code).description.lowercased())",
                hint: "the rack's directory must be writable: its state is kept there")
        }
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
                .system, "\(path) is damaged: no Ed25519 key of OpenSSH without a passphrase",
                hint: "restore it, or delete .piflash/swarm and write all cards of the rack again")
        }
        return key
    }
}
