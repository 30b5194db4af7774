import Diagnostics
import Racks

extension BatchOutcome {
    /// The lines that say how it went with the card.
    var lines: [String] {
        if let failure {
            let hint = isInterrupted ? nil : failure.hint
            return ["\(node): \(isInterrupted ? "" : "failed: ")\(failure.message)"]
                + (hint.map { ["  hint: \($0)"] } ?? [])
        }
        return switch work {
        case .write: ["\(node): written to \(device) and verified, \(formatBytes(bytes))"]
        case .configure where changedFiles.isEmpty: ["\(node): \(device) holds it already; nothing to change"]
        case .configure: ["\(node): \(device) holds its image; new settings in \(changedFiles.count) files"]
        }
    }

    /// The same at a station, where someone waits: what to do with the card in `reader`.
    func lines(in reader: StationReader) -> [String] {
        guard let failure else {
            let what =
                switch work {
                case .write: "done"
                case .configure where changedFiles.isEmpty: "done, it was right already"
                case .configure: "done, with new settings"
                }
            return ["\(node) \(what): take it out of \(reader.title) and label it"]
        }
        if isInterrupted { return ["\(node): \(failure.message)"] }
        return [
            "\(node) failed in \(reader.title): \(failure.message)",
            "  take that card out; \(node) waits for the next one",
        ] + (failure.hint.map { ["  hint: \($0)"] } ?? [])
    }
}

extension StationReader {
    /// For messages: "the left reader", "/dev/sdb".
    var title: String { name.map { "the \($0) reader" } ?? device }
}
