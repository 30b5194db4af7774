import Diagnostics

/// The variables of one node: `{{name}}` in scalar values, replaced after YAML is parsed, so that a value can contain any
/// character.
struct RackVariables: Sendable {
    static let builtIn: Set<String> = ["node", "index", "count", "rack", "address"]

    let values: [String: String]
    /// Where a column's value comes from, for messages: "students.csv:7".
    let source: String?

    /// Replaces the variables in all scalars below `value`; an unknown or empty variable is reported at its place.
    func substitute(in value: RecipeValue, _ report: inout DiagnosticReport) -> RecipeValue {
        var value = value
        switch value.content {
        case .scalar(let text, let isPlain):
            guard text.contains("{{") else { return value }
            value.content = .scalar(substitute(in: text, at: value.location, &report), isPlain: isPlain)
        case .sequence(let items):
            value.content = .sequence(items.map { substitute(in: $0, &report) })
        case .mapping(let entries):
            value.content = .mapping(
                entries.map { RecipeValue.Entry(key: $0.key, value: substitute(in: $0.value, &report)) })
        }
        return value
    }

    private func substitute(in text: String, at place: Location, _ report: inout DiagnosticReport) -> String {
        var result = ""
        var rest = text[...]
        // Not `{{.Name}}`, which is for Docker's templates.
        while let match = rest.firstMatch(of: /\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}/) {
            result += rest[..<match.range.lowerBound]
            let name = String(match.1)
            if let value = values[name] {
                if value.isEmpty {
                    report.error(at: place, "\(match.0) is empty\(source.map { " in \($0)" } ?? "")")
                }
                result += value
            } else {
                let near = nearest(to: name, among: values.keys.sorted())
                let help =
                    near.map { "did you mean \"\($0)\"?" } ?? "known: \(values.keys.sorted().joined(separator: ", "))"
                report.error(at: place, "there is no variable \(match.0) (\(help))")
            }
            rest = rest[match.range.upperBound...]
        }
        return result + rest
    }
}
