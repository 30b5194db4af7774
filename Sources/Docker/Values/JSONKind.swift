import Text

extension JSONValue {
    /// What it is, for a sentence.
    var kind: String {
        switch self {
        case .null: "nothing"
        case .bool: "true or false"
        case .integer: "a number"
        case .number: "a number with a fraction, an exponent or too many digits"
        case .string: "text"
        case .array: "a list"
        case .object: "a map"
        }
    }

    var isNumber: Bool {
        switch self {
        case .integer, .number: true
        default: false
        }
    }
}
