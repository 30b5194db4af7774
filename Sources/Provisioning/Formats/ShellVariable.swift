import Text

/// A variable of a file that a shell sources, such as those in /etc/default: its value, and the file without it.
struct ShellVariable {
    /// The value as the shell splits it when the variable is used without quotes; each part is written as it must be inside
    /// double quotes.
    private(set) var parts: [String] = []
    /// The other lines. Where an assignment was all that a block of a compound command held, ":" takes its place.
    private(set) var otherLines: [String] = []

    private let name: String
    /// How many compound commands are open.
    private var depth = 0
    /// Where ":" took a place in ``otherLines``.
    private var placeholders: [Int] = []

    init(_ name: String, in text: String) {
        self.name = name
        var scanner = ShellScanner(text)
        while scanner.next != nil {
            let start = scanner.place
            var line = ""
            if let change = Self.skipLine(&scanner) {
                line = scanner.read(since: start)
                take(line)
                depth += change
            } else {
                // A quote without an end: a shell stops here, so the lines are kept as they are.
                scanner = ShellScanner(text)
                while scanner.place <= start { scanner.plainLine() }
                append(scanner.read(since: start))
            }
        }
        // No shell runs a block without an end: its lines only grow if each edit leaves a ":" in it.
        guard depth > 0 else { return }
        for index in placeholders.reversed() { otherLines.remove(at: index) }
    }

    /// Moves past a line and its continuations; returns how many compound commands it opens. Nil if a quote is not closed.
    private static func skipLine(_ scanner: inout ShellScanner) -> Int? {
        var change = 0
        var isCommand = true
        while true {
            scanner.skipBlanks()
            guard let next = scanner.next else { return change }
            switch next {
            case "#", "\n":
                scanner.plainLine()
                return change
            case ";", "&", "|", "(", ")", "<", ">":
                scanner.skip()
                isCommand = next != "<" && next != ">"
            default:
                guard let word = scanner.word() else { return nil }
                let text = word.joined(separator: " ")
                guard isCommand else { continue }
                if ["if", "for", "while", "until", "case", "{"].contains(text) { change += 1 }
                if ["fi", "done", "esac", "}"].contains(text) { change -= 1 }
                isCommand = ["if", "then", "else", "elif", "do", "while", "until", "!", "{"].contains(text)
            }
        }
    }

    /// Keeps a line, or takes its assignment.
    private mutating func take(_ line: String) {
        var scanner = ShellScanner(line)
        scanner.skipBlanks()
        let indent = scanner.read(since: 0)
        let isExported = scanner.skip("export ") || scanner.skip("export\t")
        if isExported { scanner.skipBlanks() }
        guard scanner.skip(name + "="), let value = scanner.word([name: parts]),
            let rest = Self.rest(&scanner, isExported: isExported)
        else { return append(line) }
        parts = value
        if !rest.isEmpty {
            take(indent + rest)
        } else if depth > 0 {
            placeholders.append(otherLines.count)
            append(indent + ":\n")
        }
    }

    /// The commands that follow the assignment on its line, as a line; empty for none or a comment. Nil if the assignment
    /// is only for a command that follows it.
    private static func rest(_ scanner: inout ShellScanner, isExported: Bool) -> String? {
        scanner.skipBlanks()
        guard let next = scanner.next, next != "\n", next != "#" else { return "" }
        if next == ";" {
            scanner.skip()
            guard scanner.next != ";" else { return nil }
            scanner.skipBlanks()
            return scanner.next == "\n" ? "" : scanner.rest
        }
        let rest = scanner.rest
        while let next = scanner.next, !"\n#;".unicodeScalars.contains(next) {
            let start = scanner.place
            guard scanner.word() != nil, scanner.place > start else { return nil }
            let word = scanner.read(since: start)
            let hasName = word.unicodeScalars.prefix(while: ShellScanner.isNamePart).count > 0
            guard hasName, isExported || word.contains(scalar: "=") else { return nil }
            scanner.skipBlanks()
        }
        return (isExported ? "export " : "") + rest
    }

    private mutating func append(_ line: String) {
        otherLines.append(line.hasSuffix("\n") ? String(line.dropLast()) : line)
    }
}
