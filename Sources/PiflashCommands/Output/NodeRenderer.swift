import Diagnostics
import Remote
import Synchronization

/// Shows the events of work on running nodes: one rewritten line on a terminal with the current steps and a line for
/// each finished node, or JSON lines on standard output.
final class NodeRenderer: Sendable {
    /// How the output of a command on the nodes is shown.
    enum Output: Sendable {
        case none
        /// All of it when its node is done.
        case grouped
        /// Each line as it comes, with the node's name in front.
        case stream
    }

    private struct State {
        var running: [String: String] = [:]
        var finished = 0
        var failed = 0
        var lineIsOpen = false
    }

    private let console: Console
    private let form: OutputForm
    private let output: Output
    /// Whether a terminal gets the output of the nodes as it is.
    private let unchanged: Bool
    private let total: Int
    private let state = Mutex(State())

    init(console: Console, json: Bool, total: Int, output: Output = .none, unchanged: Bool = false) {
        self.console = console
        self.output = output
        self.unchanged = unchanged
        self.total = total
        form = OutputForm(json: json, console: console)
    }

    func render(_ event: NodeEvent) {
        // One event at a time, so that its lines stay together.
        state.withLock { state in
            switch event {
            case .step(let node, let step): state.running[node] = step
            case .line: break
            case .done(let outcome):
                state.running[outcome.node] = nil
                state.finished += 1
                if outcome.isFailure { state.failed += 1 }
                close(&state)
            }
            if form == .json { console.output(JSONEvent(event)) } else { show(event, &state) }
            progress(&state)
        }
    }

    /// Prints the end of the work, and throws if it failed anywhere.
    func summarize(_ outcomes: [NodeOutcome]) throws {
        state.withLock { close(&$0) }
        if form == .json { console.output(JSONEvent(summaryOf: outcomes)) }
        if let failure = outcomes.failure { throw failure }
    }

    func close() { state.withLock { close(&$0) } }

    /// Prints a line for people: nothing as JSON.
    func note(_ text: String) {
        if form != .json { console.note(text) }
    }

    /// Prints a difference. As JSON it belongs to the node's outcome instead, as the log that is returned.
    func difference(_ text: String) -> [String] {
        guard form != .json else { return [text] }
        guard !text.isEmpty else { return [] }
        close()
        console.output(text)
        return []
    }

    private func close(_ state: inout State) {
        if state.lineIsOpen { console.control(.eraseLine) }
        state.lineIsOpen = false
    }

    private func progress(_ state: inout State) {
        guard form == .terminal, !state.running.isEmpty else { return }
        var line = "\(state.finished) of \(total) done"
        if state.failed > 0 { line += ", \(state.failed) failed" }
        line += "  " + state.running.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
        console.control(.eraseLine)
        console.write(String(line.prefix(max(20, console.width - 1))))
        state.lineIsOpen = true
    }

    private func show(_ event: NodeEvent, _ state: inout State) {
        switch event {
        case .step: break
        case .line(let node, let line):
            guard output == .stream else { return }
            close(&state)
            switch line {
            case .output(let text): console.output(data: "\(node): \(text)", unchanged: unchanged)
            case .error(let text): console.note(data: "\(node): \(text)", unchanged: unchanged)
            }
        case .done(let outcome): show(outcome)
        }
    }

    private func show(_ outcome: NodeOutcome) {
        if output == .grouped, let result = outcome.output {
            if !result.output.isEmpty {
                console.output(data: "==> \(outcome.node) <==\n" + result.text, unchanged: unchanged)
            }
            for line in result.errors.split(whereSeparator: \.isNewline) {
                console.note(data: "\(outcome.node): \(line)", unchanged: unchanged)
            }
        }
        console.note("\(outcome.node): \(outcome.isFailure ? "failed: " : "")\(outcome.message)")
        if let hint = outcome.hint { console.note("  hint: \(hint)") }
        for line in outcome.log { console.note("  | \(line)") }
    }
}
