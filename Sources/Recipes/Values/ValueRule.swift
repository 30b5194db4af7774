/// What a value of a recipe must be.
///
/// A rule is written once for each kind of value. The decoder applies it to a value that is written out in the recipe,
/// the provisioner applies it to a secret when it is read, and the JSON Schema shows its pattern to editors. So all of
/// them give the same answer.
package struct ValueRule: Hashable, Sendable {
    /// What the value is, for messages: "host name". No two rules have the same name.
    package let name: String
    /// A regular expression that the whole value matches, in the syntax that Swift and ECMA-262 have in common; nil if
    /// there is none.
    package let pattern: String?
    /// What a valid value looks like, for messages: "de, gb, us".
    package let suggestion: String
    /// Whether the value must not appear in messages and digests.
    package let isSecret: Bool
    /// Whether the value may contain zero bytes: no argument of a program and no line of a text file can.
    private let acceptsZeroBytes: Bool
    /// What no pattern can say (a length in bytes, the range of a port), and the mistakes that deserve their own message.
    private let check: @Sendable (String) -> String?

    init(
        _ name: String, _ pattern: String? = nil, suggestion: String = "", isSecret: Bool = false,
        acceptsZeroBytes: Bool = false, check: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
        self.name = name
        self.pattern = pattern
        self.suggestion = suggestion
        self.isSecret = isSecret
        self.acceptsZeroBytes = acceptsZeroBytes
        self.check = check
    }

    /// The same pattern for a reader that looks for a match anywhere in the text, as JSON Schema does.
    var anchoredPattern: String? { pattern.map { "^(?:\($0))$" } }

    /// What is wrong with `text`: lower case, without a full stop, and without `text` if it is a secret. Nil if nothing
    /// is wrong.
    package func problem(with text: String) -> String? {
        if !acceptsZeroBytes, text.utf8.contains(0) { return "the \(name) contains a zero byte" }
        if let problem = check(text) { return problem }
        guard let pattern else { return nil }
        return Self.matches(text, pattern) ? nil : invalid(text)
    }

    /// By scalars. A pattern that is not a regular expression accepts nothing; the tests try each of them.
    static func matches(_ text: String, _ pattern: String) -> Bool {
        guard let regex = try? Regex(pattern).matchingSemantics(.unicodeScalar) else { return false }
        return (try? regex.wholeMatch(in: text)) != nil
    }

    /// The same rule for a value that no message may show, whatever the rule is: one that a tag names.
    var hidden: ValueRule {
        ValueRule(
            name, pattern, suggestion: suggestion, isSecret: true, acceptsZeroBytes: acceptsZeroBytes, check: check)
    }

    /// "\"Red_1\" is not a valid host name (…)".
    private func invalid(_ text: String) -> String {
        let subject = isSecret ? "this" : "\"\(text)\""
        return "\(subject) is not a valid \(name)" + (suggestion.isEmpty ? "" : " (\(suggestion))")
    }

    /// A rule whose check accepts or refuses, with the usual message.
    static func parsed(
        _ name: String, _ pattern: String? = nil, suggestion: String, by isValid: @escaping @Sendable (String) -> Bool
    ) -> ValueRule {
        let plain = ValueRule(name, pattern, suggestion: suggestion)
        return ValueRule(name, pattern, suggestion: suggestion) { isValid($0) ? nil : plain.invalid($0) }
    }

    package static func == (left: ValueRule, right: ValueRule) -> Bool { left.name == right.name }

    package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension ValueRule {
    /// Any text without a zero byte.
    package static let text = ValueRule("text")
}
