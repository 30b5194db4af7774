extension StringProtocol {
    /// Without white space at either end.
    package var trimmed: Substring {
        var part = Substring(self)
        while part.first?.isWhitespace == true { part.removeFirst() }
        while part.last?.isWhitespace == true { part.removeLast() }
        return part
    }
}
