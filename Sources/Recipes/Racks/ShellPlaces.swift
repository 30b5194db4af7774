import Text

/// Where the variables of a shell command stand: what a shell (POSIX XCU 2.2, 2.3; dash, bash, busybox) would do with a text
/// in their places. What it cannot follow for sure, it takes for ``Place/quoted``, where only a plain value may be.
struct ShellPlaces {
    enum Place: Hashable, Sendable {
        /// Outside of quotes, as an argument or a part of one: a quoted word is one word there.
        case argument
        /// Inside quotes, a comment, a here-document and the like, or in a text that a shell reads a second time.
        case quoted
        /// Where the program's name is.
        case program
        /// Behind "$" or a backslash, which would change the first character.
        case escaped
    }

    /// A piece of the command: a scalar of its text, or the next variable.
    enum Piece: Hashable, Sendable {
        case scalar(Unicode.Scalar)
        case variable
    }

    /// One for each variable, in their order, and whether the variable begins a word.
    private(set) var places: [(place: Place, beginsWord: Bool)] = []

    private enum Quote { case none, single, double, comment }

    /// A list of commands: the whole text, or one inside "$(" and ")".
    private struct Level {
        var quote = Quote.none
        /// The words of the command so far, and the one that is being read; nil between words.
        var words: [String] = []
        var word: String?
        var isRedirection = false

        mutating func endWord() {
            defer { (word, isRedirection) = (nil, false) }
            if let word, !isRedirection { words.append(word) }
        }

        mutating func endCommand() {
            endWord()
            words = []
        }

        /// Whether a word here is a program's name.
        var isAtProgram: Bool {
            if let last = words.last, ["-exec", "-execdir", "-ok", "-okdir"].contains(last) { return true }
            return VariableUse.isProgram(after: words.filter { !ShellPlaces.prefixes.contains($0) })
        }
    }

    /// Words of the shell itself behind which a program's name follows.
    private static let prefixes: Set = [
        "if", "then", "elif", "else", "while", "until", "do", "!", "{", "time", "command", "builtin", "eval", ".",
        "source",
    ]

    private var levels = [Level()]
    /// What follows is not understood for sure.
    private var isLost = false

    init(_ pieces: [Piece]) {
        let text = String(
            String.UnicodeScalarView(pieces.compactMap { if case .scalar(let scalar) = $0 { scalar } else { nil } }))
        // The ")" of a case pattern is no end of "$(".
        let hasCase = text.contains(bytes: "case")
        var index = 0
        while index < pieces.count {
            guard case .scalar(let scalar) = pieces[index] else {
                place(after: index > 0 ? pieces[index - 1] : nil)
                index += 1
                continue
            }
            let next: Unicode.Scalar? =
                if index + 1 < pieces.count, case .scalar(let next) = pieces[index + 1] { next } else { nil }
            switch levels[levels.count - 1].quote {
            case .comment: if scalar == "\n" { end(command: true) }
            case .single: if scalar == "'" { levels[levels.count - 1].quote = .none } else { add(scalar) }
            case .double: index += quoted(scalar, next, pieces, index, hasCase)
            case .none: index += plain(scalar, next, pieces, index, hasCase)
            }
            index += 1
        }
    }

    private mutating func add(_ scalar: Unicode.Scalar) {
        levels[levels.count - 1].word = (levels[levels.count - 1].word ?? "") + String(scalar)
    }

    private mutating func end(command: Bool) {
        levels[levels.count - 1].quote = .none
        if command { levels[levels.count - 1].endCommand() } else { levels[levels.count - 1].endWord() }
    }

    /// Notes the place of a variable.
    private mutating func place(after previous: Piece?) {
        let level = levels[levels.count - 1]
        let beginsWord = level.word?.isEmpty ?? true
        let place: Place =
            if previous == .scalar("$") || previous == .scalar("\\") && level.quote != .single {
                .escaped
            } else if isLost || level.quote == .comment {
                .quoted
            } else if level.isAtProgram, !level.isRedirection, !(level.word ?? "").contains(scalar: "=") {
                .program
            } else if level.quote != .none || VariableUse.isCode(after: level.words) {
                .quoted
            } else {
                .argument
            }
        places.append((place, beginsWord))
        levels[levels.count - 1].word = (level.word ?? "") + "x"
    }

    /// A scalar inside double quotes; returns how many more were read.
    private mutating func quoted(
        _ scalar: Unicode.Scalar, _ next: Unicode.Scalar?, _ pieces: [Piece], _ index: Int, _ hasCase: Bool
    ) -> Int {
        switch scalar {
        case "\"":
            levels[levels.count - 1].quote = .none
            return 0
        case "\\":
            if let next { add(next) }
            return next == nil ? 0 : 1
        case "`": isLost = true
        case "$": return dollar(next, pieces, index, hasCase)
        default: add(scalar)
        }
        return 0
    }

    /// A scalar outside of quotes; returns how many more were read.
    private mutating func plain(
        _ scalar: Unicode.Scalar, _ next: Unicode.Scalar?, _ pieces: [Piece], _ index: Int, _ hasCase: Bool
    ) -> Int {
        let last = levels.count - 1
        switch scalar {
        case "'": (levels[last].quote, levels[last].word) = (.single, levels[last].word ?? "")
        case "\"": (levels[last].quote, levels[last].word) = (.double, levels[last].word ?? "")
        case "\\":
            if let next, next != "\n" { add(next) }
            return next == nil ? 0 : 1
        case "`": isLost = true
        case "$": return dollar(next, pieces, index, hasCase)
        case "#" where levels[last].word == nil: levels[last].quote = .comment
        case " ", "\t": end(command: false)
        case "\n", ";", "|": end(command: true)
        case "&":
            // In ">&2" it ends no command.
            if !levels[last].isRedirection || levels[last].word != nil { end(command: true) }
        case "(":
            if next == "(" { isLost = true }
            end(command: true)
        case ")":
            if levels.count > 1 {
                levels.removeLast()
                levels[levels.count - 1].word = (levels[levels.count - 1].word ?? "") + "x"
            } else {
                end(command: true)
            }
        case "<", ">":
            if next == "<" { isLost = true }
            // "2>" is a redirection.
            if levels[last].word.map(VariableUse.isNumber) == true { levels[last].word = nil }
            levels[last].endWord()
            levels[last].isRedirection = true
        default: add(scalar)
        }
        return 0
    }

    /// After "$"; returns how many more scalars were read.
    private mutating func dollar(
        _ next: Unicode.Scalar?, _ pieces: [Piece], _ index: Int, _ hasCase: Bool
    ) -> Int {
        switch next {
        case "(":
            if hasCase || index + 2 < pieces.count && pieces[index + 2] == .scalar("(") { isLost = true }
            levels.append(Level())
            return 1
        case "{":
            // "${NAME}" alone: what is behind ":-" and the like has quotes by rules that differ.
            var end = index + 2
            while end < pieces.count, case .scalar(let scalar) = pieces[end], Self.isName(scalar) { end += 1 }
            if end >= pieces.count || pieces[end] != .scalar("}") { isLost = true }
            add("$")
            return isLost ? 1 : end - index
        case "'":
            // bash knows escapes in it, others do not.
            if levels[levels.count - 1].quote == .none { isLost = true }
            add("$")
            return 0
        default:
            add("$")
            return 0
        }
    }

    private static func isName(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "_")
    }
}
