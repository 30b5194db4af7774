/// Reads the words of POSIX shell text (XCU 2.2, Quoting, and 2.3, Token Recognition), as far as files in /etc/default
/// need it: no here-documents.
struct ShellScanner {
    private let text: [Unicode.Scalar]
    private(set) var place = 0

    init(_ text: String) { self.text = Array(text.unicodeScalars) }

    var next: Unicode.Scalar? { place < text.count ? text[place] : nil }

    /// The text from `start` to the place reached.
    func read(since start: Int) -> String { string(start..<place) }

    /// The text that is left.
    var rest: String { string(place..<text.count) }

    /// Moves to the next line, whatever quotes are open.
    mutating func plainLine() {
        while let scalar = next {
            place += 1
            if scalar == "\n" { break }
        }
    }

    /// Moves past blanks and escaped line ends.
    mutating func skipBlanks() {
        while let scalar = next {
            if scalar == " " || scalar == "\t" {
                place += 1
            } else if scalar == "\\", place + 1 < text.count, text[place + 1] == "\n" {
                place += 2
            } else {
                return
            }
        }
    }

    /// Moves past `keyword` if it comes next, and returns whether it does.
    mutating func skip(_ keyword: String) -> Bool {
        let scalars = Array(keyword.unicodeScalars)
        guard text[place...].starts(with: scalars) else { return false }
        place += scalars.count
        return true
    }

    mutating func skip() { place += 1 }

    /// The next word, split where the shell splits the value of an unquoted variable that holds it. The parts are written
    /// as they must be inside double quotes. Nil if a quote is not closed.
    ///
    /// - Parameter variables: the values of variables, in parts; others stay as they are.
    mutating func word(_ variables: [String: [String]] = [:]) -> [String]? {
        var value = Value()
        while let scalar = next, !" \t\n;&|()<>".unicodeScalars.contains(scalar) {
            place += 1
            switch scalar {
            case "\\": if let scalar = take(), scalar != "\n" { value.append(scalar) }
            case "'":
                while let scalar = take(), scalar != "'" { value.append(scalar) }
                guard text[place - 1] == "'" else { return nil }
            case "\"": guard quoted(variables, into: &value) else { return nil }
            case "$", "`": guard expansion(scalar, isQuoted: false, variables, into: &value) else { return nil }
            default: value.append(scalar)
            }
        }
        return value.parts
    }

    /// After an opening double quote.
    private mutating func quoted(_ variables: [String: [String]], into value: inout Value) -> Bool {
        while let scalar = take() {
            switch scalar {
            case "\"": return true
            case "\\":
                guard let escaped = take() else { return false }
                if escaped == "\n" { continue }
                if !"$`\"\\".unicodeScalars.contains(escaped) { value.append("\\") }
                value.append(escaped)
            case "$", "`": guard expansion(scalar, isQuoted: true, variables, into: &value) else { return false }
            default: value.append(scalar)
            }
        }
        return false
    }

    /// After a dollar or a backquote.
    private mutating func expansion(
        _ first: Unicode.Scalar, isQuoted: Bool, _ variables: [String: [String]], into value: inout Value
    ) -> Bool {
        let start = place - 1
        if first == "`" {
            guard skipNested(to: "`", opening: nil, hasQuotes: false) else { return false }
        } else if next == "(" || next == "{" {
            let opening = text[place]
            place += 1
            guard
                skipNested(
                    to: opening == "(" ? ")" : "}", opening: opening, hasQuotes: opening == "(" || !isQuoted)
            else { return false }
        } else {
            while let scalar = next, Self.isNamePart(scalar) { place += 1 }
            guard place > start + 1 else {
                value.append("$")
                return true
            }
        }
        let raw = read(since: start)
        if let parts = variables.first(where: { raw == "$\($0.key)" || raw == "${\($0.key)}" })?.value {
            value.append(parts: parts)
        } else {
            value.append(raw: raw)
        }
        return true
    }

    /// Moves past the end of an expansion. In "${…}" between double quotes a quote is an ordinary character.
    private mutating func skipNested(
        to closing: Unicode.Scalar, opening: Unicode.Scalar?, hasQuotes: Bool
    ) -> Bool {
        var depth = 1
        while let scalar = take() {
            switch scalar {
            case "\\": _ = take()
            case "'" where hasQuotes:
                while let scalar = take(), scalar != "'" {}
            case "\"" where hasQuotes:
                while let scalar = take(), scalar != "\"" { if scalar == "\\" { _ = take() } }
            case opening: depth += 1
            case closing:
                depth -= 1
                if depth == 0 { return true }
            default: break
            }
        }
        return false
    }

    private mutating func take() -> Unicode.Scalar? {
        guard let scalar = next else { return nil }
        place += 1
        return scalar
    }

    private func string(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text[range])
        return String(view)
    }

    static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_")
    }

    /// A word's value while it is read.
    private struct Value {
        private(set) var parts: [String] = []
        private var isOpen = false

        mutating func append(_ scalar: Unicode.Scalar) {
            if scalar == " " || scalar == "\t" || scalar == "\n" {
                isOpen = false
            } else {
                append(raw: "$`\"\\".unicodeScalars.contains(scalar) ? "\\\(scalar)" : String(scalar))
            }
        }

        mutating func append(raw: String) {
            if isOpen { parts[parts.count - 1] += raw } else { parts.append(raw) }
            isOpen = true
        }

        mutating func append(parts more: [String]) {
            for (index, part) in more.enumerated() {
                if index > 0 { isOpen = false }
                append(raw: part)
            }
        }
    }
}
