extension JSONValue {
    /// The value as JSON (RFC 8259), members in their order, indented by two spaces, with a line end.
    package var prettyText: String {
        var text = ""
        write(depth: 0, to: &text)
        return text + "\n"
    }

    private func write(depth: Int, to text: inout String) {
        let indent = String(repeating: "  ", count: depth + 1)
        switch self {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .integer(let number): text += String(number)
        // JSON has no word for infinity or no number at all; a recipe cannot hold one.
        case .number(let number): text += number.isFinite ? "\(number)" : "null"
        case .string(let string): text += Self.quoted(string)
        case .array(let items):
            guard !items.isEmpty else { return text += "[]" }
            text += "["
            for (index, item) in items.enumerated() {
                text += (index == 0 ? "\n" : ",\n") + indent
                item.write(depth: depth + 1, to: &text)
            }
            text += "\n" + indent.dropLast(2) + "]"
        case .object(let members):
            guard !members.isEmpty else { return text += "{}" }
            text += "{"
            for (index, member) in members.enumerated() {
                text += (index == 0 ? "\n" : ",\n") + indent + Self.quoted(member.name) + ": "
                member.value.write(depth: depth + 1, to: &text)
            }
            text += "\n" + indent.dropLast(2) + "}"
        }
    }

    /// `string` as a JSON text, with its quotes.
    package static func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar.value {
            case 0x22: text += "\\\""
            case 0x5C: text += "\\\\"
            case 0x0A: text += "\\n"
            case 0x0D: text += "\\r"
            case 0x09: text += "\\t"
            // From DEL on RFC 8259 allows them; a terminal that shows the text obeys them.
            case 0x00...0x1F, 0x7F...0x9F:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
