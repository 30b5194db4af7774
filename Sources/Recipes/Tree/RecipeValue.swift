import Text
package import Diagnostics
import Yams

/// A value of a recipe file with its place: what the rest of the program sees of YAML.
package struct RecipeValue: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        /// The text as it is written, and whether it is written without quotes (`yes`, `12`, `~`).
        case scalar(String, isPlain: Bool)
        case sequence([RecipeValue])
        case mapping([Entry])
    }

    package struct Entry: Hashable, Sendable {
        package var key: Located<String>
        package var value: RecipeValue
    }

    package var content: Content
    /// A tag for secrets ("!env"). YAML's standard tags are dropped.
    package var tag: String?
    package var location: Location

    /// "a list", "a map", "text": for messages.
    package var kind: String {
        switch content {
        case .scalar("", isPlain: true): "nothing"
        case .scalar: "text"
        case .sequence: "a list"
        case .mapping: "a map"
        }
    }

    /// Deep merge: maps merge, scalars and lists of `upper` replace, and its `+key` appends to the list below `key`.
    static func merge(_ lower: RecipeValue, _ upper: RecipeValue, _ report: inout DiagnosticReport) -> RecipeValue {
        guard case .mapping(var entries) = lower.content, case .mapping(let above) = upper.content else { return upper }
        for entry in above {
            let appends = entry.key.value.begins(with: "+")
            let name = appends ? String(entry.key.value.dropFirst()) : entry.key.value
            let index = entries.firstIndex { $0.key.value == name }
            if appends {
                guard case .sequence(let more) = entry.value.content else {
                    report.error(
                        at: entry.value.location,
                        "\(entry.key.value): a key with \"+\" appends a list, this is \(entry.value.kind)")
                    continue
                }
                if let index {
                    guard case .sequence(let items) = entries[index].value.content else {
                        report.error(
                            at: entry.key.location,
                            "\(entry.key.value): \"\(name)\" in \(entries[index].key.location) is \(entries[index].value.kind), not a list"
                        )
                        continue
                    }
                    entries[index].value.content = .sequence(items + more)
                } else {
                    entries.append(Entry(key: Located(name, at: entry.key.location), value: entry.value))
                }
            } else if let index {
                entries[index] = Entry(key: entry.key, value: merge(entries[index].value, entry.value, &report))
            } else {
                entries.append(entry)
            }
        }
        return RecipeValue(content: .mapping(entries), tag: upper.tag, location: upper.location)
    }
}

extension RecipeValue {
    /// More values than any recipe has: aliases of aliases can expand to billions.
    private static let limit = 100_000

    /// Parses the text of a recipe file, or of another kind of file for which messages have the name `kind`; mistakes go to
    /// `report`.
    package static func parse(
        _ text: String, file: String, as kind: String = "recipe", _ report: inout DiagnosticReport
    ) -> RecipeValue? {
        do {
            guard let node = try Yams.compose(yaml: text) else {
                report.error(at: Location(file: file, line: 1, column: 1), "the \(kind) is empty")
                return nil
            }
            var budget = limit
            let value = convert(node, file: file, &budget, &report)
            if budget < 0 {
                report.error(
                    at: value.location,
                    "the \(kind) contains more than \(limit) values: do aliases refer to each other?"
                )
                return nil
            }
            return value
        } catch let error as YamlError {
            let (mark, problem) = describe(error)
            report.error(
                at: Location(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1),
                "this is not valid YAML: \(problem)")
        } catch {
            report.error(at: Location(file: file, line: 1, column: 1), "this is not valid YAML: \(error)")
        }
        return nil
    }

    private static func convert(
        _ node: Yams.Node, file: String, _ budget: inout Int, _ report: inout DiagnosticReport
    ) -> RecipeValue {
        budget -= 1
        let location = Location(file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
        let name = node.tag.rawValue
        let tag = name.begins(with: "!") && name != "!" ? name : nil
        guard budget >= 0 else { return RecipeValue(content: .scalar("", isPlain: true), tag: nil, location: location) }
        switch node {
        case .scalar(let scalar):
            return RecipeValue(
                content: .scalar(scalar.string, isPlain: scalar.style == .plain || scalar.style == .any), tag: tag,
                location: location)
        case .sequence(let items):
            return RecipeValue(
                content: .sequence(items.map { convert($0, file: file, &budget, &report) }), tag: tag,
                location: location)
        case .mapping(let pairs):
            var entries: [Entry] = []
            for (key, value) in pairs {
                let place = Location(file: file, line: key.mark?.line ?? 1, column: key.mark?.column ?? 1)
                guard let text = key.scalar?.string else {
                    report.error(at: place, "a key must be text")
                    continue
                }
                entries.append(
                    Entry(key: Located(text, at: place), value: convert(value, file: file, &budget, &report)))
            }
            return RecipeValue(content: .mapping(entries), tag: tag, location: location)
        case .alias:
            report.error(at: location, "the alias refers to nothing")
            return RecipeValue(content: .scalar("", isPlain: true), tag: nil, location: location)
        }
    }

    private static func describe(_ error: YamlError) -> (Mark?, String) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            (mark, problem)
        case .reader(let problem, _, _, _): (nil, problem)
        case .duplicatedKeysInMapping(let duplicates, let context):
            (context.mark, "the key \(duplicates.map { "\"\($0)\"" }.joined(separator: ", ")) appears twice")
        default: (nil, "\(error)")
        }
    }
}
