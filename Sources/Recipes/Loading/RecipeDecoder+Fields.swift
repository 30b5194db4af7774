import Diagnostics
import FoundationEssentials

extension RecipeDecoder {
    /// The entries of a map whose keys are all known.
    struct Fields {
        let path: String
        let location: Location
        let entries: [String: RecipeValue]
        fileprivate let keys: [RecipeKey]

        subscript(_ name: String) -> RecipeValue? { entries[name] }

        func path(of name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

        /// The rule of the texts under a key, from the table of keys.
        fileprivate func rule(of name: String) -> ValueRule {
            keys.first { $0.name == name }?.shape.rule ?? .text
        }
    }

    /// Takes `value` as a map with the keys of `shape`; unknown and missing keys are reported.
    mutating func fields(_ value: RecipeValue, _ path: String, _ shape: RecipeShape) -> Fields? {
        let title = path.isEmpty ? "the recipe" : path
        guard case .mapping(let entries) = value.content, value.tag == nil else {
            report.error(at: value.location, "\(title): expected a map of keys, this is \(value.tag ?? value.kind)")
            return nil
        }
        let keys = shape.keys
        var known: [String: RecipeValue] = [:]
        for entry in entries {
            let prefix = path.isEmpty ? "" : "\(path): "
            guard let key = keys.first(where: { $0.name == entry.key.value }) else {
                let near = nearest(to: entry.key.value, among: keys.map(\.name))
                let help =
                    near.map { "did you mean \"\($0)\"?" } ?? "known: \(keys.map(\.name).joined(separator: ", "))"
                report.error(at: entry.key.location, "\(prefix)unknown key \(quotedKey(entry.key.value)) (\(help))")
                continue
            }
            known[key.name] = entry.value
        }
        for key in keys where key.isRequired && known[key.name] == nil {
            report.error(at: value.location, "\(path.isEmpty ? "" : path + ".")\(key.name): missing")
        }
        return Fields(path: path, location: value.location, entries: known, keys: keys)
    }

    /// The text under a key, by that key's rule.
    mutating func text(_ fields: Fields, _ name: String) -> Located<String>? {
        fields[name].flatMap { text($0, fields.path(of: name), fields.rule(of: name)) }
    }

    /// The list of texts under a key, by that key's rule.
    mutating func texts(_ fields: Fields, _ name: String) -> [Located<String>] {
        list(fields, name).compactMap { text($0, fields.path(of: name), fields.rule(of: name)) }
    }

    /// Text as it is written: `0123`, `yes` and `~` are what they look like.
    mutating func text(_ value: RecipeValue, _ path: String, _ rule: ValueRule = .text) -> Located<String>? {
        guard value.tag == nil else {
            report.error(
                at: value.location, "\(path): \(value.tag ?? "") is not allowed here: only secrets are named by tags")
            return nil
        }
        guard case .scalar(let text, let isPlain) = value.content, !(text.isEmpty && isPlain) else {
            report.error(at: value.location, "\(path): expected text, this is \(value.kind)")
            return nil
        }
        if let problem = rule.problem(with: text) {
            report.error(at: value.location, "\(path): \(problem)")
            return nil
        }
        return Located(text, at: value.location)
    }

    mutating func flag(_ fields: Fields, _ name: String) -> Bool? {
        guard let value = fields[name] else { return nil }
        if case .scalar(let text, isPlain: true) = value.content, value.tag == nil {
            if ["true", "yes", "on"].contains(text.lowercased()) { return true }
            if ["false", "no", "off"].contains(text.lowercased()) { return false }
        }
        report.error(at: value.location, "\(fields.path(of: name)): expected true or false")
        return nil
    }

    /// One of an enumeration's words.
    mutating func choice<Choice: RawRepresentable & CaseIterable & Hashable & Sendable>(
        _ fields: Fields, _ name: String
    ) -> Located<Choice>? where Choice.RawValue == String {
        let words = Choice.allCases.map(\.rawValue)
        guard let text = text(fields, name) else { return nil }
        guard let choice = Choice(rawValue: text.value) else {
            // Not the value itself: `sudo: PASSWORD` is a mistake that people make.
            let near = nearest(to: text.value, among: words).map { " (did you mean \"\($0)\"?)" } ?? ""
            report.error(
                at: text.location, "\(fields.path(of: name)): must be one of \(words.joined(separator: ", "))\(near)")
            return nil
        }
        return Located(choice, at: text.location)
    }

    /// Existing files, made absolute.
    mutating func files(_ fields: Fields, _ name: String) -> [Located<String>] {
        list(fields, name).compactMap { file($0, fields.path(of: name)) }
    }

    /// An existing file, made absolute.
    mutating func file(_ value: RecipeValue?, _ path: String) -> Located<String>? {
        guard let value, var text = text(value, path, .localPath) else { return nil }
        text.value = resolve(text.value, text.location.file)
        if !imageExists(text.value) {
            report.error(at: text.location, "\(path): there is no file \(text.value)")
        }
        return text
    }

    mutating func list(_ fields: Fields, _ name: String) -> [RecipeValue] {
        guard let value = fields[name] else { return [] }
        guard case .sequence(let items) = value.content, value.tag == nil else {
            report.error(at: value.location, "\(fields.path(of: name)): expected a list, this is \(value.kind)")
            return []
        }
        return items
    }

    /// The text or the list of texts under a key, by that key's rule.
    mutating func oneOrMore(_ fields: Fields, _ name: String) -> [Located<String>] {
        guard let value = fields[name] else { return [] }
        if case .sequence = value.content { return texts(fields, name) }
        return [text(fields, name)].compactMap { $0 }
    }

    /// The secret under a key, by that key's rule.
    mutating func secret(_ fields: Fields, _ name: String) -> Secret? {
        fields[name].flatMap { secret($0, fields.path(of: name), fields.rule(of: name)) }
    }

    /// The list of secrets under a key, by that key's rule.
    mutating func secrets(_ fields: Fields, _ name: String) -> [Secret] {
        list(fields, name).compactMap { secret($0, fields.path(of: name), fields.rule(of: name)) }
    }

    /// A secret: written out, and then checked at once, or named by a tag, and then checked when it is read.
    mutating func secret(_ value: RecipeValue, _ path: String, _ rule: ValueRule) -> Secret? {
        guard let tag = value.tag else {
            if rule.isSecret, case .scalar(let written, _) = value.content,
                let problem = UnexpandedVariable.problem(with: written)
            {
                report.error(at: value.location, "\(path): \(problem)")
                return nil
            }
            return text(value, path, rule).map {
                Secret(.literal($0.value), at: $0.location, path: path, rule: rule)
            }
        }
        func source(_ text: String) -> Secret.Source? {
            switch tag {
            case "!env":
                if text.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil { return .environment(text) }
                report.error(at: value.location, "\(path): !env \"\(text)\" is not a name of an environment variable")
            case "!file":
                if !text.isEmpty { return .file(resolve(text, value.location.file)) }
                report.error(at: value.location, "\(path): !file needs a path")
            case "!prompt":
                return .prompt(text.isEmpty ? path : text)
            case "!command":
                let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
                if !words.isEmpty { return .command(words) }
                report.error(at: value.location, "\(path): !command needs a program")
            default:
                report.error(at: value.location, "\(path): unknown tag \(tag) (!env, !file, !command, !prompt)")
            }
            return nil
        }
        switch value.content {
        case .scalar(let text, _):
            return source(text).map { Secret($0, at: value.location, path: path, rule: rule) }
        case .sequence(let items) where tag == "!command":
            let words = items.compactMap { self.text($0, path)?.value }
            guard words.count == items.count, !words.isEmpty else {
                report.error(at: value.location, "\(path): !command needs a program")
                return nil
            }
            return Secret(.command(words), at: value.location, path: path, rule: rule)
        default:
            report.error(at: value.location, "\(path): \(tag) takes text, this is \(value.kind)")
            return nil
        }
    }
}
