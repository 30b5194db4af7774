extension Unicode.Scalar {
    /// Whether a terminal obeys it instead of showing it: C0 and C1 (ECMA-48), DEL, and what changes the direction of the
    /// text behind it (Unicode Standard Annex 9, 2). Line feed and tab are not meant.
    fileprivate var steersTerminal: Bool {
        switch value {
        case 0x09, 0x0A: false
        case 0x00...0x1F, 0x7F...0x9F, 0x200E, 0x200F, 0x061C, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

extension StringProtocol {
    /// The text as a terminal shows all of it, and obeys nothing in it: `\x1b` in place of an escape, `\u202e` in place of a
    /// character that changes the direction of writing. A carriage return at the end of a line is dropped.
    package var visible: String {
        // Most texts have nothing to replace; only the first byte of C1 and of the marks of direction can begin such a one.
        guard utf8.contains(where: { $0 < 0x20 && $0 != 0x0A && $0 != 0x09 || [0x7F, 0xC2, 0xD8, 0xE2].contains($0) })
        else { return String(self) }
        var result = String.UnicodeScalarView()
        var isCarriageReturn = false
        for scalar in unicodeScalars {
            if isCarriageReturn, scalar != "\n" { result += "\\x0d".unicodeScalars }
            isCarriageReturn = scalar == "\r"
            if isCarriageReturn { continue }
            if scalar.steersTerminal {
                result += (scalar.value < 0x100 ? "\\x" + digits(scalar, 2) : "\\u" + digits(scalar, 4)).unicodeScalars
            } else {
                result.append(scalar)
            }
        }
        if isCarriageReturn { result += "\\x0d".unicodeScalars }
        return String(result)
    }

    /// A JSON text that says the same, without characters that a terminal obeys: RFC 8259 allows them inside strings, from
    /// DEL on, and there `\u009b` means the same.
    package var visibleJSON: String {
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if scalar.steersTerminal, scalar != "\r" {
                result += ("\\u" + digits(scalar, 4)).unicodeScalars
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    private func digits(_ scalar: Unicode.Scalar, _ count: Int) -> String {
        let text = String(scalar.value, radix: 16)
        return String(repeating: "0", count: Swift.max(0, count - text.utf8.count)) + text
    }
}
