/// What a recipe may say: one table for the decoder, for reading secrets, for the digest and for the JSON Schema.
indirect enum RecipeShape: Sendable {
    case text(ValueRule = .text)
    case flag
    /// One of a few words.
    case choice([String])
    /// Text that a tag (`!env` and so on) may name.
    case taggable(ValueRule)
    case list(RecipeShape)
    /// A map with any names, whose values tags may name.
    case taggableMap(ValueRule)
    /// A value, or a list of such values.
    case oneOrMore(RecipeShape)
    case map([RecipeKey])
    /// A map with any keys, and any JSON below them.
    case free
}

/// A key of a recipe.
struct RecipeKey: Sendable {
    let name: String
    let about: String
    let shape: RecipeShape
    var isRequired = false

    init(_ name: String, _ about: String, _ shape: RecipeShape, required: Bool = false) {
        self.name = name
        self.about = about
        self.shape = shape
        isRequired = required
    }
}

extension RecipeShape {
    var keys: [RecipeKey] { if case .map(let keys) = self { keys } else { [] } }

    /// What a text, or each text of a list, must be.
    var rule: ValueRule {
        switch self {
        case .text(let rule), .taggable(let rule), .taggableMap(let rule): rule
        case .list(let item), .oneOrMore(let item): item.rule
        case .flag, .choice, .map, .free: .text
        }
    }
}
