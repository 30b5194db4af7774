import FoundationEssentials

/// An event as one JSON line (docs/events.md). Every consumer gets its events from here: the command line with `--json`
/// today.
struct JSONEvent: Encodable, Sendable {
    enum Value: Encodable, Hashable, Sendable {
        case string(String)
        case number(Double)

        /// A number that is counted.
        static func count(_ value: some BinaryInteger) -> Value { .number(Double(value)) }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .string(let text): try container.encode(text)
            case .number(let value):
                if let whole = Int64(exactly: value) {
                    try container.encode(whole)
                } else {
                    try container.encode(value)
                }
            }
        }
    }

    /// All members, with the event's name in `event`.
    let members: [String: Value]

    /// `members` that are nil are left out.
    init(_ name: String, _ members: [String: Value?] = [:]) {
        self.members = members.compactMapValues { $0 }.merging(["event": .string(name)]) { $1 }
    }

    func encode(to encoder: any Encoder) throws { try members.encode(to: encoder) }

    /// One line without its end; the members are in the order of their names.
    var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Only a number that JSON cannot express fails, and no event has one.
        guard let data = try? encoder.encode(self) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }
}
