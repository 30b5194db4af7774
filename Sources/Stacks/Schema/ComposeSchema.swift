import Text

/// The compose file format as docker/cli's JSON Schema describes it: of every key, what it may hold, and with which
/// version it came. Made from compose.json, which is that schema with the versions added.
indirect enum ComposeSchema: Sendable {
    /// A part of ``definitions``.
    case reference(String)
    case rules(Rules)

    struct Rules: Sendable {
        var kinds: Set<Kind> = []
        var properties: [String: ComposeSchema] = [:]
        var required: [String] = []
        /// For the keys that ``properties`` does not list.
        var others: [(names: Names, schema: ComposeSchema)] = []
        var takesOthers = true
        var items: ComposeSchema?
        var alternatives: [ComposeSchema] = []
        var words: [String] = []
        var format: Format?
        var isUnique = false
        /// The format 3.N that it came with.
        var since = 0
    }

    enum Kind: String, Sendable { case object, array, string, number, integer, boolean, null }

    enum Format: String, Sendable { case ports, expose, duration }

    /// The patterns of keys in the schema.
    enum Names: String, Sendable {
        case extensions = "^x-"
        case names = "^[a-zA-Z0-9._-]+$"
        case letters = "^[a-z]+$"
        case any = ".+"
        case anyLine = "^.+$"

        func contains(_ name: String) -> Bool {
            switch self {
            case .extensions: name.begins(with: "x-")
            case .names: name.wholeMatch(of: /[a-zA-Z0-9._-]+/) != nil
            case .letters: name.wholeMatch(of: /[a-z]+/) != nil
            case .any, .anyLine: !name.isEmpty
            }
        }
    }

    static let file = parsed.root
    private static let definitions = parsed.definitions

    /// The rules behind a reference.
    var rules: Rules {
        switch self {
        case .rules(let rules): rules
        case .reference(let name): Self.definitions[name]?.rules ?? Rules()
        }
    }

    private static let parsed: (root: ComposeSchema, definitions: [String: ComposeSchema]) = {
        // The file is compiled in; a test reads every part of it.
        guard let value = try? JSONValue(parsing: PackageResources.compose_json) else { return (.rules(Rules()), [:]) }
        var definitions: [String: ComposeSchema] = [:]
        for member in value.members("definitions") { definitions[member.name] = ComposeSchema(member.value) }
        return (ComposeSchema(value), definitions)
    }()

    private init(_ value: JSONValue) {
        if let reference = value.string("$ref"), value.integer("since") == nil {
            self = .reference(String(reference.dropFirst("#/definitions/".count)))
            return
        }
        var rules = Rules()
        if let reference = value.string("$ref") {
            // Only its version is its own.
            rules.alternatives = [.reference(String(reference.dropFirst("#/definitions/".count)))]
        }
        rules.kinds = Set((value.strings("type") + [value.string("type")].compactMap { $0 }).compactMap(Kind.init))
        for member in value.members("properties") { rules.properties[member.name] = ComposeSchema(member.value) }
        rules.required = value.strings("required")
        rules.others = value.members("patternProperties").compactMap { member in
            Names(rawValue: member.name).map { ($0, ComposeSchema(member.value)) }
        }
        rules.takesOthers = value["additionalProperties"] != .bool(false)
        rules.items = value["items"].map(ComposeSchema.init)
        if case .array(let alternatives)? = value["oneOf"] { rules.alternatives = alternatives.map(ComposeSchema.init) }
        rules.words = value.strings("enum")
        rules.format = value.string("format").flatMap(Format.init)
        rules.isUnique = value["uniqueItems"] == .bool(true)
        rules.since = value.integer("since") ?? 0
        self = .rules(rules)
    }
}

extension JSONValue {
    fileprivate subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    fileprivate func members(_ name: String) -> [Member] {
        if case .object(let members)? = self[name] { members } else { [] }
    }

    fileprivate func string(_ name: String) -> String? { if case .string(let text)? = self[name] { text } else { nil } }

    fileprivate func integer(_ name: String) -> Int? {
        if case .integer(let number)? = self[name] { Int(number) } else { nil }
    }

    fileprivate func strings(_ name: String) -> [String] {
        guard case .array(let items)? = self[name] else { return [] }
        return items.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }
}
