import Diagnostics
import Text

/// The variables of one node: `{{name}}` in scalar values, replaced after YAML is parsed, so that a value can contain any
/// character. Where text is more than text (``VariableUse``), a column of the roster never becomes more than a word.
struct RackVariables: Sendable {
    static let builtIn: Set<String> = ["node", "index", "count", "rack", "address"]
    /// Built-in variables whose values are names, numbers and addresses, that is, plain everywhere.
    private static let plain: Set<String> = ["node", "index", "count", "address"]

    let values: [String: String]
    /// Where a column's value comes from, for messages: "students.csv:7".
    let source: String?

    /// Replaces the variables in all scalars below `value`; an unknown or empty variable is reported at its place.
    func substitute(in value: RecipeValue, _ report: inout DiagnosticReport) -> RecipeValue {
        substitute(in: value, below: [], &report)
    }

    private func substitute(
        in value: RecipeValue, below keys: [String], tag: String? = nil, _ report: inout DiagnosticReport
    ) -> RecipeValue {
        var value = value
        let tag = value.tag ?? tag
        switch value.content {
        case .scalar(let text, let isPlain):
            guard Self.hasVariable(text) else { return value }
            if value.tag == "!command" {
                // Split before anything is replaced: a value never becomes two words.
                value.content = .sequence(
                    words(text.split(whereSeparator: \.isWhitespace).map(String.init), at: value.location, &report).map
                    {
                        RecipeValue(content: .scalar($0, isPlain: false), location: value.location)
                    })
                return value
            }
            let text = replaced(text, .init(below: keys, tag: tag), at: value.location, &report)
            value.content = .scalar(text, isPlain: isPlain)
        case .sequence(let items) where value.tag == "!command":
            var before: [String] = []
            value.content = .sequence(
                items.map { item in
                    guard case .scalar(let text, let isPlain) = item.content else { return item }
                    var item = item
                    item.content = .scalar(word(text, after: before, at: item.location, &report), isPlain: isPlain)
                    before.append(text)
                    return item
                })
        case .sequence(let items):
            value.content = .sequence(items.map { substitute(in: $0, below: keys, tag: tag, &report) })
        case .mapping(let entries):
            value.content = .mapping(
                entries.map {
                    let value = substitute(in: $0.value, below: keys + [$0.key.value], tag: tag, &report)
                    return RecipeValue.Entry(key: $0.key, value: value)
                })
        }
        return value
    }

    // MARK: Pieces

    private enum Piece {
        case text(Substring)
        /// With its text in the recipe: "{{ name }}".
        case variable(name: String, written: String)
    }

    private static func hasVariable(_ text: String) -> Bool { text.contains(bytes: "{{") }

    private static func pieces(_ text: String) -> [Piece] {
        // Not `{{.Name}}`, which is for Docker's templates.
        let form = /\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}/.matchingSemantics(.unicodeScalar)
        var pieces: [Piece] = []
        var rest = text[...]
        while let match = rest.firstMatch(of: form) {
            pieces.append(.text(rest[..<match.range.lowerBound]))
            pieces.append(.variable(name: String(match.1), written: String(match.0)))
            rest = rest[match.range.upperBound...]
        }
        return pieces + [.text(rest)]
    }

    /// The value of a variable; reported, and nil, if there is none.
    private func value(
        _ name: String, _ written: String, at place: Location, _ report: inout DiagnosticReport
    ) -> String? {
        guard let value = values[name] else {
            let near = nearest(to: name, among: values.keys.sorted())
            let help =
                near.map { "did you mean \"\($0)\"?" } ?? "known: \(values.keys.sorted().joined(separator: ", "))"
            report.error(at: place, "there is no variable \(written) (\(help))")
            return nil
        }
        if value.isEmpty {
            report.error(at: place, "\(written) is empty\(source.map { " in \($0)" } ?? "")")
            return nil
        }
        return value
    }

    // MARK: Replacing

    private func replaced(
        _ text: String, _ use: VariableUse, at place: Location, _ report: inout DiagnosticReport
    ) -> String {
        let pieces = Self.pieces(text)
        if case .shell = use { return shellText(pieces, at: place, &report) }
        var result = ""
        for piece in pieces {
            switch piece {
            case .text(let text): result += text
            case .variable(let name, let written):
                guard let value = value(name, written, at: place, &report) else { continue }
                if !Self.plain.contains(name), let problem = Self.problem(value, use, isFirst: result.isEmpty) {
                    report.error(at: place, "\(written)\(origin) \(problem)")
                }
                result += value
            }
        }
        return result
    }

    /// " (students.csv:7)"
    private var origin: String { source.map { " (\($0))" } ?? "" }

    /// What is wrong with a value in that use; nil if nothing is.
    private static func problem(_ value: String, _ use: VariableUse, isFirst: Bool) -> String? {
        let plain = "letters, digits, \"_\", \".\", \"@\" and \"-\""
        return switch use {
        case .text, .shell: nil
        case .path: VariableUse.pathProblem(value).map { "is part of a file's path, and its value \($0)" }
        case .environment where isFirst:
            "begins the name of an environment variable: begin it with text, as in !env PW_{{login}}"
        case .program: "is the program of !command: a roster must not choose it; write its name in the recipe"
        case .code where isFirst: "is a program for an interpreter: a roster must not choose it; write it in the recipe"
        case .code where !VariableUse.isPlain(value):
            "is inside a program for an interpreter, where only \(plain) are safe: pass it as another word, as in [sh, -c, 'pass show \"$1\"', sh, \"{{project}}\"]"
        case .argument where value.utf8.contains(0): "has a zero byte"
        case .argument where isFirst && value.begins(with: "-"):
            "begins with \"-\", so the program of !command would take it as an option"
        case .environment, .code, .argument: nil
        }
    }

    private func words(_ words: [String], at place: Location, _ report: inout DiagnosticReport) -> [String] {
        words.indices.map { word(words[$0], after: Array(words[..<$0]), at: place, &report) }
    }

    private func word(
        _ text: String, after words: [String], at place: Location, _ report: inout DiagnosticReport
    ) -> String {
        let use: VariableUse =
            VariableUse.isProgram(after: words) ? .program : VariableUse.isCode(after: words) ? .code : .argument
        return replaced(text, use, at: place, &report)
    }

    /// A line of `first_boot.run`: outside of quotes a value becomes one quoted word; elsewhere it must be plain.
    private func shellText(_ pieces: [Piece], at place: Location, _ report: inout DiagnosticReport) -> String {
        let places = ShellPlaces(
            pieces.flatMap { piece -> [ShellPlaces.Piece] in
                switch piece {
                case .text(let text): text.unicodeScalars.map { ShellPlaces.Piece.scalar($0) }
                case .variable: [.variable]
                }
            }
        ).places
        var rest = places[...]
        var result = ""
        for piece in pieces {
            guard case .variable(let name, let written) = piece else {
                if case .text(let text) = piece { result += text }
                continue
            }
            guard let found = rest.popFirst(), let value = value(name, written, at: place, &report) else { continue }
            let isOurs = Self.builtIn.contains(name)
            if VariableUse.isPlain(value) || Self.plain.contains(name),
                isOurs || [.argument, .quoted].contains(found.place)
            {
                result += value
            } else if found.place == .argument, !found.beginsWord || !value.begins(with: "-") {
                result += shellQuoted(value)
            } else {
                report.error(at: place, "\(written)\(origin) \(Self.shellProblem(found.place, written))")
            }
        }
        return result
    }

    private static func shellProblem(_ place: ShellPlaces.Place, _ written: String) -> String {
        switch place {
        case .argument: "begins with \"-\", so the command would take it as an option"
        case .program: "is the program of this command: a roster must not choose it; write its name in the recipe"
        case .escaped: "is behind \"$\" or \"\\\", which would change it: leave that out"
        case .quoted:
            "is inside quotes or in a text that a shell reads twice, where only letters, digits, \"_\", \".\", \"@\" and \"-\" "
                + "are safe: write it outside of the quotes, where it becomes one quoted word: 'welcome '\(written)"
        }
    }
}
