/// The values that a registry knows: words between blanks, "name" or "name=what".
///
/// The lists are long and few recipes need more than one of them, so each is read when it is first asked.
package struct WordList: Sendable {
    private let entries: [String: String]

    init(_ text: String) {
        var entries: [String: String] = [:]
        for word in text.utf8.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }) {
            let parts = word.split(separator: UInt8(ascii: "="), maxSplits: 1)
            entries[String(Substring(parts[0]))] = parts.count > 1 ? String(Substring(parts[1])) : ""
        }
        self.entries = entries
    }

    package var names: some Collection<String> { entries.keys }

    package func contains(_ name: String) -> Bool { entries[name] != nil }

    /// What the registry says of `name`: nil if it does not know it, "" if there is nothing to say.
    package subscript(_ name: String) -> String? { entries[name] }
}
