import Text
import Crypto
import FoundationEssentials

/// The digest that tells whether a recipe has changed: over its meaning, not over its layout.
enum RecipeDigest {
    /// Where a literal is a secret: its value stays out, since the digest is on every card.
    private static let secrets: Set<String> = ["user.password", "wifi.networks.passphrase", "swarm.token"]

    /// SHA-256 of a canonical form, in lower-case hex: keys in order, text quoted, tags with what they name.
    static func of(_ tree: RecipeValue) -> String {
        SHA256.hash(data: Data(canonical(tree, "").utf8)).hex
    }

    private static func canonical(_ value: RecipeValue, _ path: String) -> String {
        let tag = value.tag.map { $0 + " " } ?? ""
        switch value.content {
        case .scalar where value.tag == nil && secrets.contains(path): return "<secret>"
        case .scalar(let text, _): return tag + JSONValue.quoted(text)
        case .sequence(let items): return tag + "[" + items.map { canonical($0, path) }.joined(separator: ",") + "]"
        case .mapping(let entries):
            let fields = entries.sorted { $0.key.value < $1.key.value }.map { entry in
                JSONValue.quoted(entry.key.value) + ":"
                    + canonical(entry.value, path.isEmpty ? entry.key.value : "\(path).\(entry.key.value)")
            }
            return tag + "{" + fields.joined(separator: ",") + "}"
        }
    }
}
