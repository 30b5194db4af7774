extension StringProtocol {
    /// Without white space at either end.
    package var trimmed: String {
        let front = unicodeScalars.drop(while: \.properties.isWhitespace)
        guard let last = front.lastIndex(where: { !$0.properties.isWhitespace }) else { return "" }
        return String(String.UnicodeScalarView(front[...last]))
    }
}
