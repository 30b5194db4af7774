import Text
import Diagnostics
import Recipes

/// A value of a compose file as `docker stack deploy` sees it: with the type that YAML gives it, and with merge keys
/// resolved.
struct ComposeValue: Sendable {
    enum Content: Sendable {
        case null
        case bool(Bool)
        case integer(Int)
        case number(Double)
        case text(String)
        case list([ComposeValue])
        case map([Entry])
    }

    struct Entry: Sendable {
        var key: Located<String>
        var value: ComposeValue
    }

    var content: Content
    var location: Location
    /// The text as it is written; nil for lists and maps.
    var written: String?
    /// `yes`, `no`, `on` or `off` without quotes: a truth value for Docker before 28, which reads YAML 1.1, and a text for
    /// newer versions.
    var isDoubtful = false

    init(_ value: RecipeValue, isYAML11: Bool?) {
        location = value.location
        switch value.content {
        case .scalar(let text, isPlain: false): (content, written) = (.text(text), text)
        case .scalar(let text, isPlain: true):
            written = text
            content = Self.resolved(text)
            if case .text = content, let truth = Self.oldTruth[text.lowercased()] {
                if isYAML11 == true { content = .bool(truth) }
                isDoubtful = isYAML11 == nil
            }
        case .sequence(let items): content = .list(items.map { ComposeValue($0, isYAML11: isYAML11) })
        case .mapping(let entries): content = .map(Self.merged(entries, isYAML11))
        }
    }

    private static let oldTruth = ["yes": true, "no": false, "on": true, "off": false, "y": true, "n": false]

    /// YAML 1.2, 10.3.2, with the underscores in numbers that Go's reader takes.
    private static func resolved(_ text: String) -> Content {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        let digits = text.replacing(scalar: "_", with: "")
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where digits.hasPrefix(prefix) {
            if let number = Int(digits.dropFirst(2), radix: radix) { return .integer(number) }
        }
        if digits.wholeMatch(of: /[-+]?[0-9]+/) != nil, let number = Int(digits) { return .integer(number) }
        if digits.wholeMatch(of: /[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?/) != nil,
            let number = Double(digits)
        {
            return .number(number)
        }
        return .text(text)
    }

    /// "<<" brings the entries of one map or of several, under the map's own.
    private static func merged(_ entries: [RecipeValue.Entry], _ isYAML11: Bool?) -> [Entry] {
        var own: [Entry] = []
        var brought: [Entry] = []
        for entry in entries {
            let value = ComposeValue(entry.value, isYAML11: isYAML11)
            guard entry.key.value == "<<" else {
                own.append(Entry(key: entry.key, value: value))
                continue
            }
            let maps = if case .list(let items) = value.content { items } else { [value] }
            for map in maps { brought += map.entries }
        }
        var names = Set(own.map(\.key.value))
        return own + brought.filter { names.insert($0.key.value).inserted }
    }

    /// The entries of a map; empty for anything else.
    var entries: [Entry] { if case .map(let entries) = content { entries } else { [] } }

    /// The items of a list; empty for anything else.
    var items: [ComposeValue] { if case .list(let items) = content { items } else { [] } }

    subscript(_ key: String) -> ComposeValue? { entries.first { $0.key.value == key }?.value }

    /// The text; nil for lists, maps and nothing.
    var text: String? {
        switch content {
        case .null, .list, .map: nil
        default: written
        }
    }

    var isTrue: Bool {
        if case .bool(let value) = content { return value }
        return ["y", "yes", "true", "on"].contains(written?.lowercased() ?? "")
    }

    /// A list's texts, or the one text in its place.
    var texts: [ComposeValue] { if case .list(let items) = content { items } else { text == nil ? [] : [self] } }

    /// For messages.
    var kind: String {
        switch content {
        case .null: "nothing"
        case .bool: "true or false"
        case .integer, .number: "a number"
        case .text: "text"
        case .list: "a list"
        case .map: "a map"
        }
    }
}
