import Text

/// piflash/status.txt on a card's boot partition: lines "key: value". Lines with other keys are ignored.
package struct FirstBootStatus: Hashable, Sendable {
    /// In scalars. The node cuts its own texts at 300.
    private static let longest = 400

    /// "working", "waiting", "interrupted", "failed" or "done".
    package var state: String
    package var step: String?
    /// When the step began, by the node's clock: 2026-03-01T12:00:00Z.
    package var since: String?
    package var waitingFor: String?
    package var lastError: String?
    /// What the first boot had to repair after a power cut: "the user pirate, sshd's keys".
    package var repaired: String?
    /// How the clock was set: "set back by 3 hours, to the time of manager red00".
    package var clock: String?

    /// Nil for a text without a state.
    package init?(_ text: String) {
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(at: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            // Anybody can write to a card: keep its control characters from the terminal.
            let value = parts[1].printable(limit: Self.longest)
            if !value.isEmpty { values[String(parts[0])] = value }
        }
        guard let state = values["state"] else { return nil }
        self.state = state
        step = values["step"]
        since = values["since"]
        waitingFor = values["waiting for"]
        lastError = values["last error"]
        repaired = values["repaired"]
        clock = values["clock"]
    }

    /// In one line: "working: joining the swarm, waiting for manager 10.0.0.2 (no route to host)".
    package var summary: String {
        var text = state
        if let step, state != "done" { text += ": \(step)" }
        if let waitingFor { text += ", waiting for \(waitingFor)" }
        if let lastError { text += " (\(lastError))" }
        return text
    }
}
