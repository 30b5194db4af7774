import Diagnostics
import Fleet
import Foundation
import Synchronization

/// Turns the events of long work into what its user sees: one rewritten line on a terminal, plain lines in a pipe, or
/// JSON lines on standard output (docs/events.md).
final class EventRenderer: Sendable {
    enum Form: Sendable { case terminal, plain, json }

    private struct State {
        var phase: FleetEvent.Phase?
        var phaseStart = 0.0
        var phaseStartBytes: Int64 = 0
        var lastShown = 0.0
        var lineIsOpen = false
    }

    private let console: Console
    private let form: Form
    private let clock: @Sendable () -> Double
    private let state = Mutex(State())

    /// `clock` gives seconds that never go back.
    init(console: Console, form: Form, clock: @escaping @Sendable () -> Double = { EventRenderer.uptime() }) {
        self.console = console
        self.form = form
        self.clock = clock
    }

    /// The form that suits where the output goes.
    static func form(json: Bool, console: Console) -> Form {
        if json { return .json }
        return console.errorIsTerminal ? .terminal : .plain
    }

    static func uptime() -> Double { ProcessInfo.processInfo.systemUptime }

    func render(_ event: FleetEvent) {
        switch event {
        case .progress(let progress): render(progress)
        case .notice(let text):
            closeLine()
            if form == .json { json(["event": .string("notice"), "text": .string(text)]) } else { console.note(text) }
        case .cardDone(let outcome):
            closeLine()
            if form == .json {
                json([
                    "event": .string("card-done"), "node": .string(outcome.node), "target": .string(outcome.target),
                    "bytes": .number(Double(outcome.bytes)), "written": .number(Double(outcome.written)),
                    "image_sha256": .string(outcome.imageDigest),
                ])
            }
        }
    }

    /// The last word of a run that failed, in JSON form; other forms print errors by the console.
    func renderFailure(_ failure: Failure) {
        closeLine()
        guard form == .json else { return }
        var members: [String: JSONField] = [
            "event": .string("failed"), "code": .string(failure.code.rawValue), "message": .string(failure.message),
            "exit": .number(Double(failure.severity.rawValue)),
        ]
        if let hint = failure.hint { members["hint"] = .string(hint) }
        json(members)
    }

    /// Ends a progress line that is still being rewritten.
    func closeLine() {
        let wasOpen = state.withLock { state in
            defer { state.lineIsOpen = false }
            return state.lineIsOpen
        }
        if wasOpen { console.raw("\n") }
    }

    private func render(_ progress: FleetEvent.Progress) {
        // Nothing differed: nobody reads of writing nothing.
        if progress.total == 0, form != .json { return }
        let now = clock()
        let isNewPhase = state.withLock { state in
            guard state.phase != progress.phase else { return false }
            state.phase = progress.phase
            state.phaseStart = now
            state.phaseStartBytes = progress.done
            state.lastShown = 0
            return true
        }
        if isNewPhase { closeLine() }
        // A pipe gets a line every ten seconds, a terminal four a second, JSON two.
        let interval =
            switch form {
            case .terminal: 0.25
            case .plain: 10.0
            case .json: 0.5
            }
        let isLast = progress.total.map { progress.done >= $0 } ?? false
        let figures: Figures? = state.withLock { state in
            guard isNewPhase || isLast || now - state.lastShown >= interval else { return nil }
            state.lastShown = now
            if form == .terminal { state.lineIsOpen = true }
            return Figures(progress, seconds: now - state.phaseStart, startBytes: state.phaseStartBytes)
        }
        guard let figures else { return }
        switch form {
        case .terminal: console.raw("\r\u{1B}[K" + figures.text(width: console.width - 1))
        case .plain: console.note(figures.text(width: .max))
        case .json: json(figures.members)
        }
    }

    private func json(_ members: [String: JSONField]) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(members) else { return }
        console.output(String(decoding: data, as: UTF8.self))
    }
}

/// What a progress line says.
struct Figures {
    let progress: FleetEvent.Progress
    /// Bytes per second since the phase began; nil until there is something to measure.
    let rate: Double?
    let secondsLeft: Double?

    init(_ progress: FleetEvent.Progress, seconds: Double, startBytes: Int64) {
        self.progress = progress
        let moved = Double(progress.done - startBytes)
        rate = seconds > 0.2 && moved > 0 ? moved / seconds : nil
        secondsLeft = rate.flatMap { rate in progress.total.map { Double(max(0, $0 - progress.done)) / rate } }
    }

    func text(width: Int) -> String {
        var parts = [progress.phase.rawValue]
        if let total = progress.total, total > 0 {
            parts.append("\(min(100, progress.done * 100 / total)) % of \(formatBytes(total))")
        } else if progress.done > 0 {
            parts.append(formatBytes(progress.done))
        }
        if let rate { parts.append("\(formatBytes(Int64(rate)))/s") }
        if let secondsLeft, secondsLeft >= 1 { parts.append("\(Self.duration(secondsLeft)) left") }
        let line = parts.joined(separator: "  ")
        return line.count > width ? String(line.prefix(width)) : line
    }

    var members: [String: JSONField] {
        var result: [String: JSONField] = [
            "event": .string("progress"), "phase": .string(progress.phase.rawValue),
            "done": .number(Double(progress.done)),
        ]
        if let total = progress.total { result["total"] = .number(Double(total)) }
        if let rate { result["rate"] = .number(rate.rounded()) }
        if let secondsLeft { result["seconds_left"] = .number(secondsLeft.rounded()) }
        return result
    }

    static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        return whole < 60 ? "\(whole) s" : "\(whole / 60):\(whole % 60 < 10 ? "0" : "")\(whole % 60) min"
    }
}

/// A JSON value of an event: a text or a number.
enum JSONField: Encodable, Sendable {
    case string(String)
    case number(Double)

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .string(let text): try container.encode(text)
        case .number(let value) where value == value.rounded(): try container.encode(Int64(value))
        case .number(let value): try container.encode(value)
        }
    }
}
