import Diagnostics
import Recipes

/// Validates a compose file against the schema of its version.
struct SchemaValidation {
    /// The format 3.N that the file has.
    let format: Int
    private(set) var problems: ComposeProblems

    init(format: Int, _ problems: ComposeProblems) {
        self.format = format
        self.problems = problems
    }

    mutating func validate(_ value: ComposeValue, _ schema: ComposeSchema, _ path: String) {
        let rules = schema.rules
        guard isOld(rules, value, path) else { return }
        // What it is after the variables are replaced nobody knows yet.
        if let text = value.text, ComposeVariables.has(text) { return }
        if !rules.alternatives.isEmpty {
            let fitting = rules.alternatives.filter { Self.kinds(of: $0).contains { Self.fits(value, $0) } }
            guard let chosen = fitting.first else {
                let kinds = rules.alternatives.flatMap { Self.kinds(of: $0) }
                return wrongKind(value, kinds, path)
            }
            return validate(value, chosen, path)
        }
        if !rules.kinds.isEmpty, !rules.kinds.contains(where: { Self.fits(value, $0) }) {
            return wrongKind(value, Array(rules.kinds), path)
        }
        switch value.content {
        case .map(let entries): validate(entries, of: value, rules, path)
        case .list(let items):
            if rules.isUnique { checkRepeated(items, path) }
            if let schema = rules.items {
                for (index, item) in items.enumerated() { validate(item, schema, "\(path)[\(index)]") }
            }
        default: validateText(value, rules, path)
        }
    }

    /// Whether the format has the key already; reported if not.
    private mutating func isOld(_ rules: ComposeSchema.Rules, _ value: ComposeValue, _ path: String) -> Bool {
        if rules.since <= format { return true }
        problems.error(
            at: value.location, path,
            "came with version 3.\(rules.since) of the format; this file has 3.\(format)")
        return false
    }

    private mutating func validate(
        _ entries: [ComposeValue.Entry], of value: ComposeValue, _ rules: ComposeSchema.Rules, _ path: String
    ) {
        for entry in entries {
            let name = entry.key.value
            let inner = path.isEmpty ? name : "\(path).\(name)"
            if let schema = rules.properties[name] {
                validate(entry.value, schema, inner)
            } else if let other = rules.others.first(where: { $0.names.contains(name) }) {
                if other.names == .extensions {
                    // Nothing in it matters, not even whether it came with this version.
                    if other.schema.rules.since > format { _ = isOld(other.schema.rules, entry.value, inner) }
                } else {
                    validate(entry.value, other.schema, inner)
                }
            } else if !rules.takesOthers {
                unknown(entry.key.value, at: entry.key.location, rules, path)
            }
        }
        for name in rules.required where value[name] == nil {
            problems.error(at: value.location, path, "the key \"\(name)\" is missing")
        }
    }

    private mutating func unknown(
        _ name: String, at place: Location, _ rules: ComposeSchema.Rules, _ path: String
    ) {
        let known = rules.properties.keys.sorted()
        var help = ""
        if let near = nearest(to: name, among: known) {
            help = "; did you mean \"\(near)\"?"
        } else if let instead = Self.composeOnly[name] {
            help = ", which only docker compose knows; \(instead)"
        }
        problems.error(at: place, path, "docker stack deploy does not know the key \(quotedKey(name))\(help)")
    }

    /// Keys of the Compose Specification that the format of stacks does not have.
    private static let composeOnly = [
        "name": "leave it out, the recipe gives the stack its name",
        "include": "write the services into this file",
        "profiles": "leave it out", "develop": "leave it out", "pull_policy": "leave it out",
        "platform": "use a placement constraint: node.platform.arch == aarch64",
        "scale": "write deploy.replicas", "runtime": "set docker.daemon.default-runtime in the recipe",
        "cpus": "write deploy.resources.limits.cpus", "mem_limit": "write deploy.resources.limits.memory",
        "group_add": "leave it out", "oom_kill_disable": "leave it out", "gpus": "leave it out",
        "content": "write the text to a file beside the compose file, and name that with \"file\"",
        "environment": "write the value to a file beside the compose file, and name that with \"file\"",
    ]

    private mutating func checkRepeated(_ items: [ComposeValue], _ path: String) {
        var seen: Set<String> = []
        for (index, item) in items.enumerated() {
            guard let text = item.text, !seen.insert(text).inserted else { continue }
            problems.error(at: item.location, "\(path)[\(index)]", "\"\(text)\" appears twice")
        }
    }

    private mutating func validateText(_ value: ComposeValue, _ rules: ComposeSchema.Rules, _ path: String) {
        guard let text = value.text else { return }
        if !rules.words.isEmpty, !rules.words.contains(text) {
            problems.error(
                at: value.location, path, "\"\(text)\" must be one of \(rules.words.joined(separator: ", "))")
        }
        switch rules.format {
        case .duration where !ComposeTexts.isDuration(text):
            problems.error(at: value.location, path, "\"\(text)\" is not a valid time (\"30s\", \"1m30s\")")
        case .ports where !ComposeTexts.isPort(text):
            problems.error(at: value.location, path, "\"\(text)\" is not a valid port (\"8080:80\", \"53:53/udp\")")
        default: break
        }
    }

    // MARK: Kinds

    private static func kinds(of schema: ComposeSchema) -> [ComposeSchema.Kind] {
        let rules = schema.rules
        return rules.alternatives.isEmpty ? Array(rules.kinds) : rules.alternatives.flatMap { kinds(of: $0) }
    }

    /// Docker makes numbers and truth values of texts only where a variable was replaced.
    private static func fits(_ value: ComposeValue, _ kind: ComposeSchema.Kind) -> Bool {
        switch (value.content, kind) {
        case (.map, .object), (.list, .array), (.null, .null), (.bool, .boolean), (.text, .string): true
        case (.integer, .integer), (.integer, .number), (.number, .number): true
        case (.number(let number), .integer): number == number.rounded()
        case (.text, .boolean): value.isDoubtful
        default: false
        }
    }

    private mutating func wrongKind(_ value: ComposeValue, _ kinds: [ComposeSchema.Kind], _ path: String) {
        let names = [
            ComposeSchema.Kind.string: "text", .number: "a number", .integer: "a whole number",
            .boolean: "true or false", .array: "a list", .object: "a map",
        ]
        var seen: Set<String> = []
        let wanted = kinds.compactMap { names[$0] }.filter { seen.insert($0).inserted }.sorted()
        var help = ""
        if case .text(let text) = value.content, Double(text) != nil {
            help = ": write it without quotes"
        } else if let written = value.text, kinds.contains(.string) {
            help = ": write it in quotes, \"\(written)\""
        }
        problems.error(
            at: value.location, path, "expected \(wanted.joined(separator: " or ")), this is \(value.kind)\(help)")
    }
}
