/// A secret that is written as a shell, a compose file or Windows would name a variable. Nothing expands it in a recipe, so
/// the text itself would become the password.
enum UnexpandedVariable {
    /// What to write instead; nil for any other text.
    static func problem(with text: String) -> String? {
        if let name = name(in: text) {
            return "nothing expands \"\(text)\" in a recipe: write !env \(name)"
        }
        if text.wholeMatch(of: /\$\([^)]*\)|`[^`]*`/.matchingSemantics(.unicodeScalar)) != nil {
            return "nothing runs a command in quotes in a recipe: write !command PROGRAM ARGUMENTS"
        }
        if let tag = text.wholeMatch(of: /(!env|!file|!prompt|!command)( .*)?/)?.1 {
            return "\(tag) in quotes is text: write it without the quotes"
        }
        return nil
    }

    /// `${NAME}` with what a shell allows behind the name, `$NAME` in capitals, and `%NAME%`.
    private static func name(in text: String) -> Substring? {
        if let match = text.wholeMatch(
            of: /\$\{([A-Za-z_][A-Za-z0-9_]*)(:?[-=?+][^}]*)?\}/.matchingSemantics(.unicodeScalar))
        {
            return match.1
        }
        if let match = text.wholeMatch(of: /\$([A-Z_][A-Z0-9_]*)/) { return match.1 }
        return text.wholeMatch(of: /%([A-Za-z_][A-Za-z0-9_]*)%/)?.1
    }
}
