import Text
import Diagnostics

/// A JSON text (RFC 8259) with the places of its top-level members, read as strictly as dockerd's own reader.
struct JSONDocument {
    struct Entry {
        var name: String
        var namePlace: Location
        var value: JSONValue
        var valuePlace: Location
    }

    struct Problem: Error {
        var place: Location
        var text: String
    }

    private(set) var entries: [Entry] = []
    /// The first name that stands twice in one object; the reader of Go takes the last one, and says nothing.
    private(set) var repeated: [Problem] = []
    /// What stands after the object, when something does.
    private(set) var trailing: (place: Location, holdsObject: Bool)?
    /// What stands there is JSON, but no object.
    private(set) var isObject = true

    private var rest: Substring
    private var line = 1
    private var column = 1
    private let file: String

    /// Go's reader gives up at this depth (encoding/json, maxNestingDepth).
    private static let deepest = 10_000

    init(_ text: String, file: String) throws(Problem) {
        rest = text[...]
        self.file = file
        skipBlanks()
        if rest.first == "{" {
            _ = try object(depth: 1)
        } else {
            isObject = false
            _ = try value(depth: 1)
        }
        skipBlanks()
        if !rest.isEmpty { trailing = (here, rest.contains("{")) }
    }

    private var here: Location { Location(file: file, line: line, column: column) }

    private func problem(_ text: String) -> Problem { Problem(place: here, text: text) }

    private mutating func advance() {
        guard let character = rest.popFirst() else { return }
        // A line may end in CR LF, which is one character here.
        if character == "\n" || character == "\r\n" {
            line += 1
            column = 1
        } else {
            column += 1
        }
    }

    private mutating func skipBlanks() {
        while let next = rest.first, next == " " || next == "\t" || next == "\n" || next == "\r" || next == "\r\n" {
            advance()
        }
    }

    private mutating func take(_ character: Character) -> Bool {
        guard rest.first == character else { return false }
        advance()
        return true
    }

    private func unexpected(_ wanted: String) -> Problem {
        guard let next = rest.first else { return problem("the text ends where \(wanted) is expected") }
        if next == "/" || next == "#" { return problem("JSON has no comments") }
        return problem("expected \(wanted), found \"\(next)\"")
    }

    private mutating func value(depth: Int) throws(Problem) -> JSONValue {
        guard depth <= Self.deepest / 10 else { throw problem("nested too deeply") }
        guard let first = rest.first else { throw unexpected("a value") }
        switch first {
        case "{": return .object(try object(depth: depth + 1))
        case "[":
            advance()
            var items: [JSONValue] = []
            skipBlanks()
            if take("]") { return .array(items) }
            while true {
                skipBlanks()
                items.append(try value(depth: depth + 1))
                skipBlanks()
                if take("]") { return .array(items) }
                guard take(",") else { throw unexpected("\",\" or \"]\"") }
            }
        case "\"": return .string(try string())
        case "-", "0"..."9": return try number()
        default:
            for (word, value) in [("true", JSONValue.bool(true)), ("false", .bool(false)), ("null", .null)]
            where rest.hasPrefix(word) {
                for _ in word { advance() }
                if let next = rest.first, next.isLetter || next.isNumber { throw unexpected("a value") }
                return value
            }
            throw unexpected("a value")
        }
    }

    private mutating func object(depth: Int) throws(Problem) -> [JSONValue.Member] {
        advance()
        var members: [JSONValue.Member] = []
        skipBlanks()
        if take("}") { return members }
        while true {
            skipBlanks()
            let namePlace = here
            guard rest.first == "\"" else { throw unexpected("a name in quotes") }
            let name = try string()
            skipBlanks()
            guard take(":") else { throw unexpected("\":\"") }
            skipBlanks()
            let valuePlace = here
            let value = try value(depth: depth)
            if members.contains(where: { $0.name == name }) {
                repeated.append(Problem(place: namePlace, text: name))
            }
            members.append(.init(name, value))
            if depth == 1 {
                entries.append(Entry(name: name, namePlace: namePlace, value: value, valuePlace: valuePlace))
            }
            skipBlanks()
            if take("}") { return members }
            guard take(",") else { throw unexpected("\",\" or \"}\"") }
        }
    }

    private mutating func number() throws(Problem) -> JSONValue {
        let digits = rest.prefix { "+-.eE0123456789".contains($0) }
        guard digits.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil else {
            throw problem("\"\(digits)\" is not a valid number")
        }
        for _ in digits { advance() }
        if let whole = Int64(digits) { return .integer(whole) }
        return .number(Double(digits) ?? 0)
    }

    private mutating func string() throws(Problem) -> String {
        advance()
        var text = ""
        while let character = rest.first {
            switch character {
            case "\"":
                advance()
                return text
            case "\\":
                advance()
                text.unicodeScalars.append(try escape())
            default:
                if character.unicodeScalars.contains(where: { $0.value < 0x20 }) {
                    throw problem("a line end or control character inside quotes")
                }
                text.append(character)
                advance()
            }
        }
        throw problem("the text ends inside quotes")
    }

    private mutating func escape() throws(Problem) -> Unicode.Scalar {
        let simple: [Character: Unicode.Scalar] = [
            "\"": "\"", "\\": "\\", "/": "/", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t",
        ]
        guard let character = rest.first else { throw problem("the text ends inside quotes") }
        if let scalar = simple[character] {
            advance()
            return scalar
        }
        guard take("u"), let high = hex() else { throw problem("not a valid escape") }
        if (0xD800..<0xDC00).contains(high), rest.hasPrefix("\\u") {
            let (before, line, column) = (rest, line, column)
            advance()
            advance()
            if let low = hex(), (0xDC00..<0xE000).contains(low),
                let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
            {
                return scalar
            }
            (rest, self.line, self.column) = (before, line, column)
        }
        // Half a pair: Go's reader puts the replacement character in its place.
        return Unicode.Scalar(high) ?? "\u{FFFD}"
    }

    private mutating func hex() -> UInt32? {
        let digits = rest.prefix(4)
        guard digits.count == 4, digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: 16) else {
            return nil
        }
        for _ in 0..<4 { advance() }
        return value
    }
}
