/// A YAML document as far as cloud-init and netplan need one, and its text.
///
/// Every string is emitted in double quotes, where nothing can change its type: `yes`, `0123`, `12:30`, `~`, ` #` and the
/// like may be parts of a password, and YAML 1.1 readers (PyYAML, libyaml) take them for booleans, octals and comments. <https://yaml.org/spec/1.2.2/#731-double-quoted-style>
indirect enum YAML: Hashable, Sendable {
    case text(String)
    case flag(Bool)
    case number(Int)
    /// A list of strings on one line: a command with its arguments.
    case words([String])
    case list([YAML])
    case map([Entry])

    struct Entry: Hashable, Sendable {
        let key: String
        let value: YAML

        init(_ key: String, _ value: YAML) {
            self.key = key
            self.value = value
        }
    }

    /// The document's text: block style, two spaces deep, LF line ends, one at the end.
    var document: String {
        var lines: [String] = []
        emit(depth: 0, to: &lines)
        return lines.map { $0 + "\n" }.joined()
    }

    /// The value as it is written on the line of its key or dash, or nil if it needs lines below.
    private var inline: String? {
        switch self {
        case .text(let text): Self.quoted(text)
        case .flag(let flag): flag ? "true" : "false"
        case .number(let number): String(number)
        case .words(let words): "[" + words.map(Self.quoted).joined(separator: ", ") + "]"
        case .list(let items): items.isEmpty ? "[]" : nil
        case .map(let entries): entries.isEmpty ? "{}" : nil
        }
    }

    private func emit(depth: Int, to lines: inout [String]) {
        let indent = String(repeating: "  ", count: depth)
        if let inline {
            lines.append(indent + inline)
            return
        }
        switch self {
        case .list(let items):
            for item in items {
                if let inline = item.inline {
                    lines.append("\(indent)- \(inline)")
                } else {
                    // The item's first line goes on the line of its dash.
                    let start = lines.count
                    item.emit(depth: depth + 1, to: &lines)
                    lines[start] = "\(indent)- \(lines[start].dropFirst(2 * (depth + 1)))"
                }
            }
        case .map(let entries):
            for entry in entries {
                let key = "\(indent)\(Self.key(entry.key)):"
                if let inline = entry.value.inline {
                    lines.append("\(key) \(inline)")
                } else {
                    lines.append(key)
                    entry.value.emit(depth: depth + 1, to: &lines)
                }
            }
        case .text, .flag, .number, .words: break
        }
    }

    /// Words that YAML 1.1 reads as booleans or null: a key is never one of them bare.
    private static let reserved: Set = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]

    private static func key(_ key: String) -> String {
        let plain =
            key.utf8.first.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) } == true
            && key.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
            }
        return plain && !reserved.contains(key) ? key : quoted(key)
    }

    /// `text` as a double-quoted scalar on one line.
    ///
    /// Characters outside the basic plane are escaped although YAML allows them: PyYAML before 5.1 (in every HypriotOS)
    /// refuses a document that holds one. An escape `\xHH` is a code point, never a byte.
    static func quoted(_ text: String) -> String {
        // Most texts need no escapes: what a rack of a thousand carries in base64 is megabytes.
        if text.utf8.allSatisfy({ (0x20...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }) { return "\"\(text)\"" }
        var result = [UInt8(ascii: "\"")]
        result.reserveCapacity(text.utf8.count + 2)
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: result += Array("\\\"".utf8)
            case 0x5C: result += Array("\\\\".utf8)
            case 0x09: result += Array("\\t".utf8)
            case 0x0A: result += Array("\\n".utf8)
            case 0x0D: result += Array("\\r".utf8)
            case 0x20...0x7E: result.append(UInt8(truncatingIfNeeded: scalar.value))
            case 0x00...0x1F, 0x7F...0x9F: result += Array(("\\x" + hex(scalar.value, digits: 2)).utf8)
            // Line and paragraph separators are line breaks, a BOM is dropped, and the rest is not printable.
            case 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF:
                result += Array(("\\u" + hex(scalar.value, digits: 4)).utf8)
            case 0x10000...: result += Array(("\\U" + hex(scalar.value, digits: 8)).utf8)
            default: result += Array(String(scalar).utf8)
            }
        }
        result.append(UInt8(ascii: "\""))
        return String(decoding: result, as: UTF8.self)
    }

    private static func hex(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
