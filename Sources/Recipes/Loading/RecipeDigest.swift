import Text
import Crypto
import FoundationEssentials

/// The digest that shows whether a recipe has changed: over its meaning, not over its layout.
enum RecipeDigest {
    /// SHA-256 of a canonical form, in lower-case hex: keys in order, text quoted, tags with what they name.
    static func of(_ tree: RecipeValue) -> String {
        SHA256.hash(data: Data(canonical(tree, .recipe).utf8)).hex
    }

    private static func canonical(_ value: RecipeValue, _ shape: RecipeShape) -> String {
        let tag = value.tag.map { $0 + " " } ?? ""
        switch value.content {
        // A secret that is written out stays out, because the digest is on every card.
        case .scalar where value.tag == nil && shape.rule.isSecret: return "<secret>"
        // The login of a proxy's address stays out for the same reason.
        case .scalar(let text, _) where shape.rule == .proxy:
            return tag
                + JSONValue.quoted(
                    text.replacing(/:\/\/[^\/]*@/.matchingSemantics(.unicodeScalar), with: "://<secret>@"))
        case .scalar(let text, _): return tag + JSONValue.quoted(text)
        case .sequence(let items):
            let item =
                switch shape {
                case .list(let item), .oneOrMore(let item): item
                default: shape
                }
            return tag + "[" + items.map { canonical($0, item) }.joined(separator: ",") + "]"
        case .mapping(let entries):
            let fields = entries.sorted { $0.key.value < $1.key.value }.map { entry in
                var inner = shape.keys.first { $0.name == entry.key.value }?.shape ?? .free
                if case .taggableMap(let rule) = shape { inner = .taggable(rule) }
                return JSONValue.quoted(entry.key.value) + ":" + canonical(entry.value, inner)
            }
            return tag + "{" + fields.joined(separator: ",") + "}"
        }
    }
}
