import Racks

/// The keys of a station: single letters, some followed by a node's name.
struct StationKeys {
    enum Result: Equatable {
        case command(StationCommand)
        /// The text typed so far; nil if there is none.
        case prompt(String?)
        case help
    }

    static let help = """
        s  move the next node to the end of the queue
        p  choose the next node
        r  write a node's card again, completely
        y  write over the card in question;  n  leave it as it is
        q  quit when the running cards are done;  Ctrl-C  stop them now
        """

    private enum Question: String {
        case pick = "which node next"
        case redo = "which node again"
    }

    private var question: Question?
    private var text = ""

    /// nil if the key has no meaning.
    mutating func press(_ key: Character) -> Result? {
        guard let question else {
            switch key {
            case "s", "S": return .command(.skip)
            case "p", "P": return ask(.pick)
            case "r", "R": return ask(.redo)
            case "y", "Y": return .command(.accept)
            case "n", "N": return .command(.decline)
            case "q", "Q": return .command(.quit)
            case "?", "h": return .help
            default: return nil
            }
        }
        switch key {
        case "\n", "\r", "\r\n":
            defer { self.question = nil }
            guard !text.isEmpty else { return .prompt(nil) }
            return .command(question == .pick ? .pick(text) : .redo(text))
        case "\u{1B}":
            self.question = nil
            return .prompt(nil)
        case "\u{7F}", "\u{8}":
            _ = text.popLast()
        default:
            // Host names have no other characters (RFC 952, RFC 1123).
            guard key.isASCII, key.isLetter || key.isNumber || key == "-" || key == "." else { return nil }
            text.append(key)
        }
        return .prompt("\(question.rawValue)? \(text)")
    }

    private mutating func ask(_ kind: Question) -> Result {
        question = kind
        text = ""
        return .prompt("\(kind.rawValue)? ")
    }
}
