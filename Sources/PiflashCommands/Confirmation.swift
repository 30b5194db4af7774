import Cards
import Diagnostics
import Fleet

/// The question before anything is overwritten: which card it is, and what is on it now.
struct Confirmation {
    let console: Console
    /// The user has said yes already; no safety refusal is ever asked about, so none is skipped.
    let yes: Bool

    func ask(about target: ChosenTarget, to purpose: String) throws {
        switch target {
        case .file(_, exists: false): return
        case .file(let path, exists: true): try confirm("\(path) exists and will be replaced", purpose)
        case .device(let facts): try confirm(Self.describe(facts), purpose)
        }
    }

    static func describe(_ facts: DeviceFacts) -> String {
        var rows = [
            ("device", "\(facts.path)"), ("model", facts.title), ("size", formatBytes(facts.size)),
            ("bus", facts.bus.rawValue),
        ]
        if let serial = facts.serial { rows.append(("serial", serial)) }
        if let contents = CardContents(of: facts.path) {
            if let node = contents.node { rows.append(("card of", node)) }
            rows.append(
                ("on it now", contents.lines.isEmpty ? "no partitions" : contents.lines.joined(separator: "\n")))
        } else {
            rows.append(("on it now", "cannot be read"))
        }
        return TextTable.pairs(rows)
    }

    private func confirm(_ description: String, _ purpose: String) throws {
        if yes { return }
        console.note(description)
        guard console.inputIsTerminal else {
            throw Failure(
                .usage, severity: .usage, "there is no terminal to ask on",
                hint: "give --yes to go on without a question")
        }
        let answer = console.ask("\(purpose)? [yes/no] ")?.lowercased()
        guard answer == "yes" || answer == "y" else {
            throw Failure(.cancelled, "nothing was written")
        }
    }
}
