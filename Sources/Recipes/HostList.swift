/// Names written as in cluster tools: "red[00-04,07]" stands for six of them, "a,b" for two.
enum HostList {
    /// No rack is larger, and a slip of the finger should not fill the memory.
    static let limit = 1024

    /// The names in their order, or nil when `text` is no such list.
    static func expand(_ text: String) -> [String]? {
        var names: [String] = []
        for part in pieces(text) {
            guard let expanded = expandOne(part[...]), !expanded.isEmpty else { return nil }
            names += expanded
            guard names.count <= limit else { return nil }
        }
        return names
    }

    /// Splits at commas outside of brackets.
    private static func pieces(_ text: String) -> [String] {
        var parts = [""]
        var isInside = false
        for character in text where !character.isWhitespace {
            if character == "[" { isInside = true }
            if character == "]" { isInside = false }
            if character == ",", !isInside { parts.append("") } else { parts[parts.count - 1].append(character) }
        }
        return parts
    }

    private static func expandOne(_ text: Substring) -> [String]? {
        guard let open = text.firstIndex(of: "[") else {
            return text.contains("]") || text.isEmpty ? nil : [String(text)]
        }
        guard let close = text[open...].firstIndex(of: "]"), let rest = tail(text[text.index(after: close)...]) else {
            return nil
        }
        var names: [String] = []
        let inside = text[text.index(after: open)..<close]
        for range in inside.split(separator: ",", omittingEmptySubsequences: false) {
            guard let match = range.wholeMatch(of: /([0-9]{1,6})(?:-([0-9]{1,6}))?/), let first = Int(match.1),
                let last = Int(match.2 ?? match.1), first <= last, last - first < limit
            else { return nil }
            // 08-12 keeps its width, 8-12 has none.
            let width = match.1.count
            for number in first...last {
                let digits = String(number)
                let padded = String(repeating: "0", count: max(0, width - digits.count)) + digits
                for end in rest { names.append(text[..<open] + padded + end) }
            }
        }
        return names
    }

    private static func tail(_ text: Substring) -> [String]? { text.isEmpty ? [""] : expandOne(text) }
}
