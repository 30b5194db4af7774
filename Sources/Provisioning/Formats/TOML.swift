/// A TOML document of tables with scalar members, as far as custom.toml needs one. <https://toml.io/en/v1.0.0>
enum TOML {
    enum Value {
        case text(String), flag(Bool), integer(Int), texts([String])
    }

    /// One table's lines; members without a table's name must come before all tables.
    static func table(_ name: String?, _ members: [(String, Value)]) -> String {
        guard !members.isEmpty else { return "" }
        let head = name.map { "\n[\($0)]\n" } ?? ""
        return head + members.map { "\($0) = \(text($1))\n" }.joined()
    }

    private static func text(_ value: Value) -> String {
        switch value {
        case .text(let text): quoted(text)
        case .flag(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        case .texts(let texts): "[" + texts.map(quoted).joined(separator: ", ") + "]"
        }
    }

    /// A basic string: only quotes, backslashes and control characters need an escape.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: result += "\\\""
            case 0x5C: result += "\\\\"
            case 0x00...0x1F, 0x7F:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
