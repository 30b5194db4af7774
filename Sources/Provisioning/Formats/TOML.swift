import Text

/// A TOML document of tables with scalar members, as far as custom.toml needs one. A string of JSON, as ``JSONValue`` quotes
/// it, is a basic string of TOML as well. <https://toml.io/en/v1.0.0>
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
        case .text(let text): JSONValue.quoted(text)
        case .flag(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        case .texts(let texts): "[" + texts.map(JSONValue.quoted).joined(separator: ", ") + "]"
        }
    }
}
