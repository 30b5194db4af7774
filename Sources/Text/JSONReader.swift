import Diagnostics

/// Reads the value of a ``JSONDocument``, byte by byte: a character of Swift may span a quote and an accent behind it.
struct JSONReader {
    typealias Problem = JSONDocument.Problem

    /// The members of the top-level object.
    private(set) var entries: [JSONDocument.Entry] = []

    /// Deeper than any configuration; the reader calls itself for each level. Go's reader gives up at 10,000
    /// (encoding/json, maxNestingDepth).
    private static let deepest = 1000

    private let bytes: [UInt8]
    private var offset = 0
    private var places: TextPlaces

    init(_ text: String, file: String) {
        bytes = Array(text.utf8)
        places = TextPlaces(file: file)
    }

    /// Reads the first value and the blanks around it.
    mutating func document() throws(Problem) -> JSONValue {
        skipBlanks()
        let value = try value(depth: 0)
        skipBlanks()
        return value
    }

    /// What follows the value that was read.
    var trailing: (place: Location, holdsObject: Bool)? {
        guard offset < bytes.count else { return nil }
        var places = places
        return (places.location(of: offset, in: bytes), bytes[offset...].contains(UInt8(ascii: "{")))
    }

    private var byte: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func problem(_ text: String) -> Problem {
        Problem(place: places.location(of: offset, in: bytes), text: text)
    }

    private mutating func unexpected(_ wanted: String) -> Problem {
        // A character has a few bytes; an emoji of several people has about 30.
        guard let next = String(decoding: bytes[offset...].prefix(64), as: UTF8.self).first else {
            return problem("the text ends where \(wanted) is expected")
        }
        if next == "/" || next == "#" { return problem("JSON has no comments") }
        return problem("expected \(wanted), found \"\(next)\"")
    }

    private mutating func skipBlanks() {
        while let byte, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { offset += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let byte, byte == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    // MARK: Values

    private mutating func value(depth: Int) throws(Problem) -> JSONValue {
        guard depth < Self.deepest else { throw problem("nested too deeply") }
        switch byte {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?: return try number()
        default: return try word()
        }
    }

    private mutating func object(depth: Int) throws(Problem) -> [JSONValue.Member] {
        offset += 1
        var members: [JSONValue.Member] = []
        skipBlanks()
        if take("}") { return members }
        while true {
            skipBlanks()
            let nameStart = offset
            guard byte == UInt8(ascii: "\"") else { throw unexpected("a name in quotes") }
            let name = try string()
            skipBlanks()
            guard take(":") else { throw unexpected("\":\"") }
            skipBlanks()
            let valueStart = offset
            let value = try value(depth: depth + 1)
            members.append(.init(name, value))
            if depth == 0 {
                let namePlace = places.location(of: nameStart, in: bytes)
                let valuePlace = places.location(of: valueStart, in: bytes)
                entries.append(.init(name: name, namePlace: namePlace, value: value, valuePlace: valuePlace))
            }
            skipBlanks()
            if take("}") { return members }
            guard take(",") else { throw unexpected("\",\" or \"}\"") }
        }
    }

    private mutating func array(depth: Int) throws(Problem) -> [JSONValue] {
        offset += 1
        var items: [JSONValue] = []
        skipBlanks()
        if take("]") { return items }
        while true {
            skipBlanks()
            items.append(try value(depth: depth + 1))
            skipBlanks()
            if take("]") { return items }
            guard take(",") else { throw unexpected("\",\" or \"]\"") }
        }
    }

    private mutating func word() throws(Problem) -> JSONValue {
        for (word, value) in [("true", JSONValue.bool(true)), ("false", .bool(false)), ("null", .null)]
        where bytes[offset...].starts(with: word.utf8) {
            let end = offset + word.utf8.count
            if end < bytes.count, Unicode.Scalar(bytes[end]).properties.isAlphabetic || bytes[end] >= 0x80 { break }
            offset = end
            return value
        }
        throw unexpected("a value")
    }

    private mutating func number() throws(Problem) -> JSONValue {
        let start = offset
        let end = bytes[start...].firstIndex { !"+-.eE0123456789".utf8.contains($0) } ?? bytes.count
        let digits = String(decoding: bytes[start..<end], as: UTF8.self)
        guard Self.isNumber(bytes[start..<end]), let number = Double(digits) else {
            throw problem("\"\(digits.prefix(40))\" is not a valid number")
        }
        // Go refuses it, too; no number stands for it that could be written again.
        guard number.isFinite else { throw problem("\"\(digits.prefix(40))\" is too large a number") }
        offset = end
        return Int64(digits).map { .integer($0) } ?? .number(number)
    }

    /// -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
    private static func isNumber(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        func take(_ characters: String) -> Bool {
            guard let first = rest.first, characters.utf8.contains(first) else { return false }
            rest.removeFirst()
            return true
        }
        func takeDigits() -> Bool {
            let end = rest.firstIndex { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? rest.endIndex
            defer { rest = rest[end...] }
            return end > rest.startIndex
        }
        _ = take("-")
        guard take("0") || takeDigits() else { return false }
        if take("."), !takeDigits() { return false }
        if take("eE") {
            _ = take("+-")
            guard takeDigits() else { return false }
        }
        return rest.isEmpty
    }

    // MARK: Strings

    private mutating func string() throws(Problem) -> String {
        offset += 1
        var text: [UInt8] = []
        while let byte {
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                offset += 1
                text += try escape().utf8
            case 0..<0x20: throw problem("a line end or control character inside quotes")
            default:
                offset += 1
                text.append(byte)
            }
        }
        throw problem("the text ends inside quotes")
    }

    private static let simpleEscapes: [UInt8: String] = [
        UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\", UInt8(ascii: "/"): "/", UInt8(ascii: "b"): "\u{8}",
        UInt8(ascii: "f"): "\u{C}", UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r", UInt8(ascii: "t"): "\t",
    ]

    /// What follows a backslash.
    private mutating func escape() throws(Problem) -> String {
        guard let byte else { throw problem("the text ends inside quotes") }
        if let text = Self.simpleEscapes[byte] {
            offset += 1
            return text
        }
        guard take("u"), let high = unit() else { throw problem("not a valid escape") }
        // A pair of surrogates is one character.
        if (0xD800..<0xDC00).contains(high), bytes[offset...].starts(with: "\\u".utf8) {
            let start = offset
            offset += 2
            if let low = unit(), (0xDC00..<0xE000).contains(low) {
                return String(decoding: [high, low], as: UTF16.self)
            }
            offset = start
        }
        // Half a pair becomes the replacement character, as in Go.
        return String(decoding: [high], as: UTF16.self)
    }

    private mutating func unit() -> UInt16? {
        let digits = bytes[offset...].prefix(4)
        guard digits.count == 4, digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-"),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { return nil }
        offset += 4
        return unit
    }
}

/// Finds lines and columns of a text for offsets that grow, reading each byte once: a file may be one long line.
private struct TextPlaces {
    let file: String
    private var known = 0
    private var line = 1
    private var column = 1

    init(file: String) { self.file = file }

    /// The place of the byte at `offset`, which is at least that of the call before.
    mutating func location(of offset: Int, in bytes: [UInt8]) -> Location {
        // Back from the start of a value to what is wrong with it does not happen.
        var part = bytes[min(known, offset)..<offset]
        if let end = part.lastIndex(of: UInt8(ascii: "\n")) {
            line += part.count { $0 == UInt8(ascii: "\n") }
            column = 1
            part = part[(end + 1)...]
        }
        column += String(decoding: part, as: UTF8.self).count
        known = max(known, offset)
        return Location(file: file, line: line, column: column)
    }
}
