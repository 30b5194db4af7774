import Text
import Crypto
import Diagnostics
import Recipes
import SystemPackage

/// What tells that a secret of a node has changed since its card was made: HMAC-SHA256 over the values of all its secrets.
///
/// The key is derived from the rack's salt key, which never leaves `.piflash`: the digest says nothing to who has only
/// the ledger.
struct SecretsDigest {
    private let key: SymmetricKey

    init(saltKey: [UInt8]) {
        // A key of its own: what is made with it can never be taken for a salt.
        let purpose = Array("piflash ledger secrets 1".utf8)
        key = SymmetricKey(
            data: HMAC<SHA256>.authenticationCode(for: purpose, using: SymmetricKey(data: saltKey)))
    }

    /// Lower-case hex; nil when a value was not read. The node's name is in it: nobody sees which nodes share a password.
    func of(_ values: [SecretValue], for node: String) -> String? {
        var code = HMAC<SHA256>(key: key)
        // Every text with its length: no two lists of values give the same bytes.
        func add(_ text: String) { code.update(data: Array("\(text.utf8.count):\(text)".utf8)) }
        add(node)
        for value in values {
            guard case .value(let text) = value else { return nil }
            add(text)
        }
        return code.finalize().hex
    }
}

extension CardPlanner {
    /// The ``SecretsDigest`` of `node`, with its secrets read; nil when they are left unread.
    func secretsDigest(of node: Node) async throws(Failure) -> String? {
        var values: [SecretValue] = []
        for secret in node.secrets { values.append(try await secrets.read(secret)) }
        return SecretsDigest(saltKey: try RackState(besideRecipe: FilePath(node.recipePath), user: user).saltKey())
            .of(values, for: node.hostname.value)
    }
}

extension Batch {
    /// `plan`, made without secrets, with every secret read: a card that got another value of one is stale.
    ///
    /// A secret that cannot be read is no mistake here, for its card may be done: whoever needs it says so.
    package func comparingSecrets(of plan: RackPlan) async -> RackPlan {
        var plan = plan
        for (index, card) in plan.cards.enumerated() {
            let digest = try? await planner.secretsDigest(of: card.node)
            plan.cards[index].secrets = digest
            if card.state == .done, let digest, let known = card.last?.secrets, known != digest {
                plan.cards[index].state = .stale
            }
        }
        return plan
    }
}
