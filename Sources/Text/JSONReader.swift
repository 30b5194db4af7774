package import Diagnostics

extension JSONValue {
    /// Reads JSON (RFC 8259) with its members in their order; of a name that stands twice the last counts, as for
    /// dockerd. Nothing at all, and a byte-order mark, are taken as newer engines take them.
    package init(parsing bytes: [UInt8]) throws(Failure) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.invalidJSON, "not UTF-8 text")
        }
        var reader = JSONReader(text.withoutByteOrderMark)
        self = try reader.document()
    }
}

extension Failure.Code {
    package static let invalidJSON = Failure.Code("recipes.invalid-json")
}

private struct JSONReader {
    /// Deeper than any configuration; the reader calls itself for each level.
    private static let deepest = 100
    private let bytes: [UInt8]
    private var place = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func document() throws(Failure) -> JSONValue {
        skipBlanks()
        guard place < bytes.count else { return .object([]) }
        let value = try value(depth: 0)
        skipBlanks()
        guard place == bytes.count else { throw problem("something follows the value") }
        return value
    }

    private var byte: UInt8? { place < bytes.count ? bytes[place] : nil }

    private func problem(_ text: String) -> Failure {
        let line = bytes.prefix(place).count { $0 == UInt8(ascii: "\n") } + 1
        return Failure(.invalidJSON, "line \(line): \(text)")
    }

    private mutating func skipBlanks() {
        while let byte, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { place += 1 }
    }

    private mutating func take(_ character: Character) throws(Failure) {
        skipBlanks()
        guard byte == character.asciiValue else { throw problem("expected \"\(character)\"") }
        place += 1
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        guard depth < Self.deepest else { throw problem("nested too deep") }
        skipBlanks()
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        default: return try word()
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONValue {
        place += 1
        var members: [JSONValue.Member] = []
        skipBlanks()
        if byte == UInt8(ascii: "}") {
            place += 1
            return .object([])
        }
        while true {
            skipBlanks()
            guard byte == UInt8(ascii: "\"") else { throw problem("expected a member's name in quotes") }
            let name = try string()
            try take(":")
            let member = JSONValue.Member(name, try value(depth: depth + 1))
            if let index = members.firstIndex(where: { $0.name == name }) {
                members[index] = member
            } else {
                members.append(member)
            }
            skipBlanks()
            guard byte == UInt8(ascii: ",") else { break }
            place += 1
        }
        try take("}")
        return .object(members)
    }

    private mutating func array(depth: Int) throws(Failure) -> JSONValue {
        place += 1
        var items: [JSONValue] = []
        skipBlanks()
        if byte == UInt8(ascii: "]") {
            place += 1
            return .array([])
        }
        while true {
            items.append(try value(depth: depth + 1))
            skipBlanks()
            guard byte == UInt8(ascii: ",") else { break }
            place += 1
        }
        try take("]")
        return .array(items)
    }

    /// true, false, null or a number.
    private mutating func word() throws(Failure) -> JSONValue {
        let start = place
        while let byte, byte > 0x20, !Array(",:[]{}\"".utf8).contains(byte) { place += 1 }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        switch text {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        default:
            if text.wholeMatch(of: /-?(0|[1-9][0-9]*)/) != nil, let number = Int64(text) { return .integer(number) }
            if text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil, let number = Double(text) {
                return .number(number)
            }
            place = start
            throw problem(text.isEmpty ? "expected a value" : "\"\(text.prefix(40))\" is no value")
        }
    }

    private mutating func string() throws(Failure) -> String {
        place += 1
        var text: [UInt8] = []
        while let byte {
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text += try escape().utf8
            case 0..<0x20: throw problem("a control character in a text")
            default: text.append(byte)
            }
        }
        throw problem("a text without its end")
    }

    private mutating func escape() throws(Failure) -> String {
        guard let byte else { throw problem("a text without its end") }
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return String(UnicodeScalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let high = try unit()
            // A pair of surrogates is one character; a lone one is none, and becomes the replacement character.
            if (0xD800..<0xDC00).contains(high), bytes[place...].starts(with: Array("\\u".utf8)) {
                place += 2
                return String(decoding: [high, try unit()], as: UTF16.self)
            }
            return String(decoding: [high], as: UTF16.self)
        default: throw problem("an unknown escape in a text")
        }
    }

    private mutating func unit() throws(Failure) -> UInt16 {
        let digits = bytes[place...].prefix(4)
        guard digits.count == 4, let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16),
            digits.first != UInt8(ascii: "+")
        else { throw problem("\\u wants four hex digits") }
        place += 4
        return unit
    }
}
