import Text

/// The JSON Schema of recipes (draft 2020-12), made from the table that the decoder uses.
package enum RecipeSchema {
    package static func json() -> String {
        var root = object(of: RecipeShape.recipe.keys)
        root.insert(.init("$schema", .string("https://json-schema.org/draft/2020-12/schema")), at: 0)
        root.insert(.init("title", .string("piflash recipe")), at: 1)
        return JSONValue.object(root).prettyText
    }

    /// A value with a variable becomes another one before its rule is applied.
    private static let variable = #"\{\{\s*[A-Za-z_]"#

    private static func object(of keys: [RecipeKey]) -> [JSONValue.Member] {
        var properties: [JSONValue.Member] = []
        for key in keys {
            properties.append(.init(key.name, schema(key.shape, about: key.about)))
            // A list may also be appended to, on top of an extended recipe.
            if case .list = key.shape { properties.append(.init("+\(key.name)", schema(key.shape, about: key.about))) }
        }
        // No "required": a recipe that others extend says only a part.
        return [
            .init("type", .string("object")), .init("additionalProperties", .bool(false)),
            .init("properties", .object(properties)),
        ]
    }

    private static func schema(_ shape: RecipeShape, about: String) -> JSONValue {
        var members: [JSONValue.Member] = about.isEmpty ? [] : [.init("description", .string(about))]
        switch shape {
        case .text(let rule):
            // Unquoted numbers and words such as `yes` are text to piflash, but not to an editor's YAML reader.
            members.append(.init("type", .array(["string", "number", "boolean"].map(JSONValue.string))))
            if let pattern = rule.anchoredPattern {
                members.append(.init("pattern", .string("\(pattern)|\(variable)")))
            }
        case .flag: members.append(.init("type", .string("boolean")))
        case .choice(let words): members.append(.init("enum", .array(words.map(JSONValue.string))))
        // An editor sees the text after the tag, which is not the value.
        case .taggable: members.append(.init("type", .array(["string", "number", "array"].map(JSONValue.string))))
        case .list(let item):
            if case .text = item {
                members.append(.init("type", .array([.string("array"), .string("string")])))
            } else {
                members.append(.init("type", .string("array")))
            }
            members.append(.init("items", schema(item, about: "")))
        case .taggableMap:
            members.append(.init("type", .string("object")))
            members.append(.init("additionalProperties", schema(.taggable(.variableValue), about: "")))
        case .oneOrMore(let item):
            let list = JSONValue.object([.init("type", .string("array")), .init("items", schema(item, about: ""))])
            members.append(.init("anyOf", .array([schema(item, about: ""), list])))
        case .map(let keys): members += object(of: keys)
        case .free: members.append(.init("type", .string("object")))
        }
        return .object(members)
    }
}
