import Text
import Crypto
import CryptoExtras
import Diagnostics
import Recipes
import Stacks
import Synchronization

/// A digest of the values of all secrets of a node, for the ledger. If it changes, the card has old secrets.
///
/// Each value is stretched by scrypt first. So a guess at a password costs someone with all of `.piflash`, keys and ledger,
/// as much as with its hash; someone with the ledger alone cannot guess at all.
struct SecretsDigest {
    /// Of this version: another makes every card of a rack stale once.
    private static let prefix = "2:"

    private let values: KeyedDigest
    private let nodes: KeyedDigest

    init(saltKey: [UInt8]) {
        values = KeyedDigest(secret: saltKey, purpose: "piflash ledger secret 2")
        nodes = KeyedDigest(secret: saltKey, purpose: "piflash ledger secrets 2")
    }

    /// Nil if a value was not read. It covers the node's name, so that it does not show which nodes share a password.
    func of(_ secrets: [SecretValue], for node: String) throws(Failure) -> String? {
        var parts = [Array(node.utf8)]
        for secret in secrets {
            guard case .value(let text) = secret else { return nil }
            parts.append(try stretched(Array(text.utf8)))
        }
        return Self.prefix + nodes.hex(of: parts)
    }

    /// What this process has stretched: the nodes of a rack share most of their secrets. The keys are digests that end with
    /// the process.
    private static let known = Mutex<[[UInt8]: [UInt8]]>([:])

    /// scrypt (RFC 7914) with 16 MiB and the time of a login: N = 2^14, r = 8, p = 1 are its authors' figures for that.
    private func stretched(_ value: [UInt8]) throws(Failure) -> [UInt8] {
        let name = values.bytes(of: [value])
        if let known = Self.known.withLock({ $0[name] }) { return known }
        let salt = values.bytes(of: [])
        do {
            let key = try KDF.Scrypt.deriveKey(
                from: value, salt: salt, outputByteCount: 32, rounds: 1 << 14, blockSize: 8, parallelism: 1)
            let made = key.withUnsafeBytes { Array($0) }
            Self.known.withLock { $0[name] = made }
            return made
        } catch {
            throw Failure(.system, "stretching a secret for the ledger: \(error)")
        }
    }
}

extension RackState {
    /// Reads the secrets of `node` and returns their ``SecretsDigest``; nil if `secrets` does not read them.
    func secretsDigest(of node: Node, reading secrets: any SecretReading) async throws -> String? {
        var values: [SecretValue] = []
        for secret in node.secrets { values.append(try await secrets.read(secret)) }
        // The secrets that its stacks bring.
        var ignored = DiagnosticReport()
        for stack in node.swarm?.stacks ?? [] {
            for file in StackSource(reading: stack, &ignored)?.files ?? [] where file.isSecret {
                values += [.value(file.path), .value(file.contents.hex)]
            }
        }
        return try SecretsDigest(saltKey: try saltKey()).of(values, for: node.hostname.value)
    }
}
