import Cards
import Host
import Diagnostics
import Racks

/// The question before anything is overwritten: it shows which card it is, and what is on it now.
struct Confirmation {
    let console: Console
    /// The user has answered already. Safety checks ask no question, so this skips none.
    let yes: Bool

    func ask(about target: ChosenTarget, to purpose: String) throws {
        switch target {
        case .file(_, exists: false): return
        case .file(let path, exists: true): try confirm("\(path) exists and will be replaced", purpose)
        case .device(let facts): try confirm(Self.describe(facts), purpose)
        }
    }

    static func describe(_ facts: DeviceFacts) -> String {
        let card = CardContentsSummary(of: facts)
        var rows = [
            ("device", "\(card.path)"), ("model", card.title), ("size", formatBytes(card.size)),
            ("bus", card.bus.rawValue),
        ]
        if let serial = card.serial { rows.append(("serial", serial)) }
        if let node = card.node { rows.append(("card of", node)) }
        rows.append(("on it now", card.lines.joined(separator: "\n")))
        if card.looksLikeHardDisk {
            rows.append(("beware", "this reports itself as a hard disk, not as a card in a reader"))
        }
        return TextTable.pairs(rows)
    }

    /// One line about what is in a reader, for a table.
    static func summary(_ target: ChosenTarget) -> String {
        switch target {
        case .file(_, let exists): return exists ? "a file, which is replaced" : "a new file"
        case .device(let facts):
            let card = CardContentsSummary(of: facts)
            let beware = card.looksLikeHardDisk ? ["reports itself as a hard disk!"] : []
            let contents = card.node.map { "card of \($0)" } ?? card.lines.joined(separator: "; ")
            return ([card.title, formatBytes(card.size)] + beware + [contents]).joined(separator: ", ")
        }
    }

    func ask(_ description: String, _ purpose: String, otherwise: String) throws {
        try confirm(description, purpose, otherwise: otherwise)
    }

    private func confirm(
        _ description: String, _ purpose: String, otherwise: String = "nothing was written"
    ) throws {
        if yes { return }
        console.note(description)
        guard console.inputIsTerminal else {
            throw Failure(
                .usage, severity: .usage, "there is no terminal to ask on",
                hint: "use --yes to continue without the question")
        }
        let answer = console.ask("\(purpose)? [yes/no] ")?.lowercased()
        guard answer == "yes" || answer == "y" else {
            throw Failure(.cancelled, otherwise)
        }
    }
}

extension CardContentsSummary {
    /// What is on the card, one line per partition.
    var lines: [String] {
        if entries.isEmpty {
            return [
                isReadable
                    ? "unknown contents"
                    : DeviceOpener.current == nil ? "no permission to read it (use sudo)" : "not yours to read"
            ]
        }
        return entries.map { entry in
            let kind = (entry.filesystem ?? "unknown file system") + (entry.label.map { " \"\($0)\"" } ?? "")
            return (entry.number.map { "partition \($0): " } ?? "") + "\(formatBytes(entry.size)), \(kind)"
        }
    }
}
