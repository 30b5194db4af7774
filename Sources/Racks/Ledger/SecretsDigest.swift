import Text
import Crypto
import Diagnostics
import Recipes
import Stacks

/// HMAC-SHA256 over the values of all secrets of a node. If it changes, the card has old secrets.
///
/// The key is derived from the rack's salt key, which never leaves `.piflash`: the ledger alone reveals nothing about the
/// secrets.
struct SecretsDigest {
    private let key: SymmetricKey

    init(saltKey: [UInt8]) {
        // A separate key: its output can never be used as a salt.
        let purpose = Array("piflash ledger secrets 1".utf8)
        key = SymmetricKey(
            data: HMAC<SHA256>.authenticationCode(for: purpose, using: SymmetricKey(data: saltKey)))
    }

    /// Lower-case hex; nil if a value was not read. It covers the node's name, so that it does not show which nodes share a
    /// password.
    func of(_ values: [SecretValue], for node: String) -> String? {
        var code = HMAC<SHA256>(key: key)
        // As the parts of a PartsDigest: no two lists of values give the same bytes.
        func add(_ text: String) { code.update(data: PartsDigest.encoded(text)) }
        add(node)
        for value in values {
            guard case .value(let text) = value else { return nil }
            add(text)
        }
        return code.finalize().hex
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
        return SecretsDigest(saltKey: try saltKey()).of(values, for: node.hostname.value)
    }
}
