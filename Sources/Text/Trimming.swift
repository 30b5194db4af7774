extension Substring {
    /// Without white space at either end.
    package var trimmed: String {
        var part = self
        while part.last?.isWhitespace == true { part.removeLast() }
        return String(part.drop(while: \.isWhitespace))
    }
}
