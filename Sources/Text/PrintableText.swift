extension StringProtocol {
    /// The text in one line that is safe to show: blanks in place of line ends, control characters and characters that
    /// change the direction of writing, no blanks at its ends, and at most `limit` scalars, with "…" if there were more.
    package func printable(limit: Int) -> String {
        let shown = unicodeScalars.prefix(limit).map { scalar -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: " "
            default: scalar
            }
        }
        let text = String(String.UnicodeScalarView(shown)).trimmed
        return unicodeScalars.dropFirst(limit).isEmpty ? text : text + "…"
    }
}
