/// Search, split and replace by scalars and bytes: what every reader of a format does. A Character can join "/" or a quote
/// to a mark behind it (U+0301) or a prefix in front of it (U+0600), so `contains("/")` does not find what a kernel, a
/// shell or a browser finds. `scripts/check-characters` keeps the Character-wise methods of the same kind out.
extension StringProtocol {
    /// Whether the text has the scalar.
    package func contains(scalar: Unicode.Scalar) -> Bool { unicodeScalars.contains(scalar) }

    /// Whether the bytes of `part` occur in the text.
    package func contains(bytes part: String) -> Bool { utf8.firstRange(of: part.utf8) != nil }

    /// Whether the text's first bytes are those of `start`.
    package func begins(with start: some StringProtocol) -> Bool { utf8.starts(with: start.utf8) }

    /// Whether the text's last bytes are those of `end`.
    package func ends(with end: some StringProtocol) -> Bool {
        utf8.count >= end.utf8.count && utf8.suffix(end.utf8.count).elementsEqual(end.utf8)
    }

    /// The parts between the scalars `separator`, as the standard library's `split` divides by Characters.
    package func split(
        at separator: Unicode.Scalar, maxSplits: Int = .max, omittingEmptySubsequences: Bool = true
    ) -> [Substring] {
        unicodeScalars.split(
            maxSplits: maxSplits, omittingEmptySubsequences: omittingEmptySubsequences,
            whereSeparator: { $0 == separator }
        ).map { Substring(String(String.UnicodeScalarView($0))) }
    }

    /// The text with `replacement` in place of each scalar `scalar`.
    package func replacing(scalar: Unicode.Scalar, with replacement: String) -> String {
        var result = String.UnicodeScalarView()
        for each in unicodeScalars {
            if each == scalar { result += replacement.unicodeScalars } else { result.append(each) }
        }
        return String(result)
    }

    /// The text with `replacement` in place of each occurrence of the bytes of `part`, from the left; `part` is not empty.
    package func replacing(bytes part: String, with replacement: String) -> String {
        var result: [UInt8] = []
        var rest = Array(utf8)[...]
        while !part.isEmpty, let found = rest.firstRange(of: Array(part.utf8)) {
            result += rest[..<found.lowerBound] + Array(replacement.utf8)
            rest = rest[found.upperBound...]
        }
        return String(decoding: result + rest, as: UTF8.self)
    }
}
