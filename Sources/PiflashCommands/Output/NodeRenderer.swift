import Diagnostics
import Fleet
import Foundation
import Synchronization

/// Turns the events of work on running nodes into what its user sees: a rewritten line on a terminal with what goes on,
/// a line a finished node, or JSON lines (docs/events.md).
final class NodeRenderer: Sendable {
    /// How a command's output is shown.
    enum Output: Sendable {
        case none
        /// Together, when its node is done.
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
    private let form: EventRenderer.Form
    private let output: Output
    private let total: Int
    private let state = Mutex(State())

    init(console: Console, json: Bool, total: Int, output: Output = .none) {
        self.console = console
        self.output = output
        self.total = total
        form = EventRenderer.form(json: json, console: console)
    }

    func render(_ event: NodeEvent) {
        // One event at a time: what belongs together stays together.
        state.withLock { state in
            switch event {
            case .step(let node, let step):
                state.running[node] = step
                if form == .json {
                    json(["event": .string("node"), "node": .string(node), "step": .string(step)])
                }
            case .line(let node, let line): show(line, of: node, &state)
            case .done(let outcome):
                state.running[outcome.node] = nil
                state.finished += 1
                if outcome.isFailure { state.failed += 1 }
                close(&state)
                form == .json ? showJSON(outcome) : show(outcome)
            }
            progress(&state)
        }
    }

    /// Says how all went, and throws when it did not go well everywhere.
    func summarize(_ outcomes: [NodeOutcome]) throws {
        state.withLock { close(&$0) }
        let failure = outcomes.failure
        if form == .json {
            let failed = outcomes.filter(\.isFailure)
            json([
                "event": .string("summary"), "nodes": .number(Double(outcomes.count)),
                "done": .number(Double(outcomes.count { $0.result == .done })),
                "unchanged": .number(Double(outcomes.count { $0.result == .unchanged })),
                "failed": .number(Double(failed.count)),
                "failed_nodes": .string(failed.map(\.node).joined(separator: " ")),
                "exit": .number(Double(failure?.severity.rawValue ?? 0)),
            ])
        }
        if let failure { throw failure }
    }

    func close() { state.withLock { close(&$0) } }

    private func close(_ state: inout State) {
        if state.lineIsOpen { console.raw("\r\u{1B}[K") }
        state.lineIsOpen = false
    }

    private func progress(_ state: inout State) {
        guard form == .terminal, !state.running.isEmpty else { return }
        var line = "\(state.finished) of \(total) done"
        if state.failed > 0 { line += ", \(state.failed) failed" }
        line += "  " + state.running.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
        console.raw("\r\u{1B}[K" + line.prefix(max(20, console.width - 1)))
        state.lineIsOpen = true
    }

    private func show(_ line: RemoteLine, of node: String, _ state: inout State) {
        switch (form, line) {
        case (.json, .output(let text)):
            json(["event": .string("node-output"), "node": .string(node), "text": .string(text)])
        case (.json, .error(let text)):
            json([
                "event": .string("node-output"), "node": .string(node), "text": .string(text),
                "stream": .string("error"),
            ])
        case (_, .output(let text)) where output == .stream:
            close(&state)
            console.output("\(node): \(text)")
        case (_, .error(let text)) where output == .stream:
            close(&state)
            console.note("\(node): \(text)")
        default: break
        }
    }

    private func show(_ outcome: NodeOutcome) {
        if output == .grouped, let result = outcome.output {
            if !result.output.isEmpty { console.output("==> \(outcome.node) <==\n" + result.text) }
            for line in result.errors.split(whereSeparator: \.isNewline) { console.note("\(outcome.node): \(line)") }
        }
        console.note("\(outcome.node): \(outcome.isFailure ? "failed: " : "")\(outcome.message)")
        if let hint = outcome.hint { console.note("  hint: \(hint)") }
        for line in outcome.log { console.note("  | \(line)") }
    }

    private func showJSON(_ outcome: NodeOutcome) {
        var members: [String: JSONField] = [
            "event": .string("node-done"), "node": .string(outcome.node), "result": .string(outcome.result.rawValue),
            "message": .string(outcome.message),
        ]
        if let hint = outcome.hint { members["hint"] = .string(hint) }
        if let exit = outcome.exit { members["exit"] = .number(Double(exit)) }
        if !outcome.log.isEmpty { members["log"] = .string(outcome.log.joined(separator: "\n")) }
        json(members)
    }

    private func json(_ members: [String: JSONField]) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(members) else { return }
        console.output(String(decoding: data, as: UTF8.self))
    }
}
