import Text
import Diagnostics
import Recipes

/// The variables of a compose file. `docker stack deploy` replaces them from its own environment, and on the node that
/// holds only what the recipe gives the stack: `$X` and `${X}` would silently become nothing.
struct ComposeVariables {
    /// docker/cli, compose/template: "$$", "$NAME", "${NAME}", "${NAME:-default}", "${NAME?message}" and so on.
    private static var pattern: Regex<(Substring, Substring?, Substring?, Substring?, Substring?)> {
        /\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(:?[-?][^}]*)?\})?/.matchingSemantics(
            .unicodeScalar)
    }

    static func has(_ text: String) -> Bool { text.contains(scalar: "$") }

    private let names: Set<String>
    /// What to do about a variable without a value, for messages.
    private let advice: String
    private(set) var problems: ComposeProblems
    private(set) var used: Set<String> = []

    init(names: Set<String>, advice: String, _ problems: ComposeProblems) {
        self.names = names
        self.advice = advice
        self.problems = problems
    }

    /// Variables are replaced in the values of these parts, in no key and nowhere else.
    private static let sections = ["services", "volumes", "networks", "secrets", "configs"]

    mutating func validate(_ file: ComposeValue) {
        for section in Self.sections {
            for entry in file[section]?.entries ?? [] {
                validate(entry.value, "\(section).\(entry.key.value)")
            }
        }
        for service in file["services"]?.entries ?? [] {
            guard let environment = service.value["environment"] else { continue }
            validateUnset(environment, "services.\(service.key.value).environment")
        }
    }

    private mutating func validate(_ value: ComposeValue, _ path: String) {
        switch value.content {
        case .list(let items):
            for (index, item) in items.enumerated() { validate(item, "\(path)[\(index)]") }
        case .map(let entries): for entry in entries { validate(entry.value, "\(path).\(entry.key.value)") }
        default: if let text = value.text { validate(text, at: value.location, path) }
        }
    }

    private mutating func validate(_ text: String, at place: Location, _ path: String) {
        for match in text.matches(of: Self.pattern) {
            if match.1 != nil { continue }
            guard let name = (match.2 ?? match.3).map(String.init) else {
                return problems.error(
                    at: place, path, "Docker takes \"$\" for the start of a variable: write \"$$\" for the character")
            }
            used.insert(name)
            guard !names.contains(name) else { continue }
            if let rest = match.4, rest.begins(with: "-") || rest.begins(with: ":-") { continue }
            problems.error(
                at: place, path,
                "\(match.0): nothing sets \(name) on the node; \(advice)"
                    + (match.4 == nil ? ", or a default: ${\(name):-…}" : ""))
        }
    }

    /// A variable of a service without a value gets it from docker's environment, too.
    private mutating func validateUnset(_ environment: ComposeValue, _ path: String) {
        var unset: [Located<String>] = environment.entries.filter {
            if case .null = $0.value.content { true } else { false }
        }
        .map(\.key)
        unset += environment.items.compactMap { item in
            item.text.flatMap {
                $0.contains(scalar: "=") || ComposeVariables.has($0) ? nil : Located($0, at: item.location)
            }
        }
        for name in unset {
            used.insert(name.value)
            if names.contains(name.value) { continue }
            problems.error(
                at: name.location, path,
                "\(name.value) has no value, and nothing sets it on the node; \(advice)")
        }
    }
}
