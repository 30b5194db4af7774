import Text

/// Text from a node, as it may be shown.
package enum NodeText {
    /// `text` without logins in URLs, values of keys that hold secrets, and join tokens. It reads each byte a few times at
    /// most, whatever a node sends.
    package static func masked(_ text: String) -> String {
        var rest = Array(text.utf8)[...]
        var output: [UInt8] = []
        while let place = rest.firstIndex(where: { "\":S".utf8.contains($0) }) {
            output += rest[..<place]
            rest = rest[place...]
            switch rest[place] {
            case UInt8(ascii: ":"):
                if let end = endOfLogin(rest) {
                    output += "://***@".utf8
                    rest = rest[end...]
                    continue
                }
            case UInt8(ascii: "\""):
                if let value = valueOfSecret(rest) {
                    output += rest[..<value.lowerBound]
                    output += "***".utf8
                    rest = rest[value.upperBound...]
                    continue
                }
            default:
                if rest.starts(with: tokenStart) {
                    output += tokenStart
                    output += "***".utf8
                    rest = rest.dropFirst(tokenStart.count).drop { isWord($0) || $0 == UInt8(ascii: "-") }
                    continue
                }
            }
            output.append(rest[place])
            rest = rest.dropFirst()
        }
        output += rest
        return String(decoding: output, as: UTF8.self)
    }

    /// The last `count` lines of an output or a log, masked, each at most 500 scalars long.
    static func lastLines(_ text: String, _ count: Int) -> [String] {
        masked(text).split(whereSeparator: \.isNewline).suffix(count).map { $0.printable(limit: 500) }
    }

    private static let tokenStart = Array("SWMTKN-".utf8)
    private static let secretWords = ["token", "password", "secret"].map { Array($0.utf8) }

    /// The end of "://LOGIN@" at the start of `text`; nil if there is none.
    private static func endOfLogin(_ text: ArraySlice<UInt8>) -> Int? {
        guard text.starts(with: "://".utf8) else { return nil }
        let login = text.dropFirst(3)
        guard let end = login.firstIndex(where: { $0 <= 0x20 || "/@\"".utf8.contains($0) }),
            text[end] == UInt8(ascii: "@"), end > login.startIndex
        else { return nil }
        return end + 1
    }

    /// The place of VALUE in `"name of a secret": "VALUE"` at the start of `text`; nil if there is none.
    private static func valueOfSecret(_ text: ArraySlice<UInt8>) -> Range<Int>? {
        guard let end = endOfString(text) else { return nil }
        let name = text[text.startIndex + 1..<end].map { isWord($0) ? $0 | 0x20 : $0 }
        guard secretWords.contains(where: { !name.ranges(of: $0).isEmpty }) else { return nil }
        var rest = text[(end + 1)...].drop(while: isBlank)
        guard rest.first == UInt8(ascii: ":") else { return nil }
        rest = rest.dropFirst().drop(while: isBlank)
        guard rest.first == UInt8(ascii: "\""), let valueEnd = endOfString(rest) else { return nil }
        return rest.startIndex + 1..<valueEnd
    }

    /// The place of the quote that ends the quoted line at the start of `text`.
    private static func endOfString(_ text: ArraySlice<UInt8>) -> Int? {
        guard let end = text.dropFirst().firstIndex(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n") }),
            text[end] == UInt8(ascii: "\"")
        else { return nil }
        return end
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}
