import Diagnostics
import Cards
import Images
import Racks
import FoundationEssentials
import Synchronization

/// Shows the events of long work: one rewritten line on a terminal, plain lines in a pipe, or JSON lines on standard
/// output.
final class EventRenderer: Sendable {
    private struct State {
        var phase: Progress.Phase?
        var phaseStart = 0.0
        var phaseStartBytes: Int64 = 0
        var lastShown = 0.0
        var lineIsOpen = false
    }

    let form: OutputForm
    private let console: Console
    private let clock: @Sendable () -> Double
    private let state = Mutex(State())

    /// `clock` returns seconds that never go back.
    init(console: Console, form: OutputForm, clock: @escaping @Sendable () -> Double = { EventRenderer.uptime() }) {
        self.console = console
        self.form = form
        self.clock = clock
    }

    static func uptime() -> Double { ProcessInfo.processInfo.systemUptime }

    func render(_ event: ImageEvent) {
        switch event {
        case .unpacking(let done, let total): render(Progress(phase: .unpacking, done: done, total: total))
        case .waiting: notice("another piflash is unpacking the same image; waiting for it")
        case .evicted(let digest):
            notice("removed the unpacked image \(digest.prefix(12)) from the cache to make room")
        case .metadata(let bytes):
            notice(
                "warning: the file has \(formatBytes(bytes)) more behind the compressed image; they do not go on the card"
            )
        }
    }

    func render(_ event: CardEvent) { render(Progress(event)) }

    /// Prints a fact worth knowing, once.
    func notice(_ text: String) {
        closeLine()
        if form == .json { console.output(JSONEvent(notice: text)) } else { console.note(text) }
    }

    /// The card of `node` was written to `target`, read back and finalized.
    func cardDone(_ node: String, target: String, _ summary: CardWriter.Summary, imageDigest: String) {
        closeLine()
        guard form == .json else { return }
        console.output(JSONEvent(done: node, target: target, summary, imageDigest: imageDigest))
    }

    /// Prints a line for people: nothing as JSON.
    func note(_ text: String) {
        if form != .json { console.note(text) }
    }

    /// The last event of a run that failed, as JSON; in other forms the caller's error message says it.
    func renderFailure(_ failure: Failure) {
        closeLine()
        if form == .json { console.output(JSONEvent(failed: failure)) }
    }

    /// Prints remarks on recipes: for people, and as JSON also as events.
    func report(_ report: DiagnosticReport) {
        closeLine()
        console.report(report)
        renderEvents(of: report)
    }

    /// The last events of a run that did not begin, as JSON; in other forms the caller's message says it.
    func renderMistakes(_ report: DiagnosticReport) {
        closeLine()
        renderEvents(of: report)
        if form == .json { console.output(JSONEvent(failed: report)) }
    }

    private func renderEvents(of report: DiagnosticReport) {
        guard form == .json else { return }
        for diagnostic in report.sorted { console.output(JSONEvent(diagnostic)) }
    }

    /// Ends a progress line that is still being rewritten.
    func closeLine() {
        let wasOpen = state.withLock { state in
            defer { state.lineIsOpen = false }
            return state.lineIsOpen
        }
        if wasOpen { console.write("\n") }
    }

    private func render(_ progress: Progress) {
        // Nothing differed: people need no line about an empty write.
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
        let isLast = progress.done >= progress.total
        let figures: Figures? = state.withLock { state in
            guard isNewPhase || isLast || now - state.lastShown >= interval else { return nil }
            state.lastShown = now
            if form == .terminal { state.lineIsOpen = true }
            return Figures(progress, seconds: now - state.phaseStart, startBytes: state.phaseStartBytes)
        }
        guard let figures else { return }
        switch form {
        case .terminal:
            console.control(.eraseLine)
            console.write(figures.text(width: console.width - 1))
        case .plain: console.note(figures.text(width: .max))
        case .json: console.output(figures.event)
        }
    }

    /// How often a phase is reported, in seconds.
    private var interval: Double {
        switch form {
        case .terminal: 0.25
        case .plain: 10
        case .json: 0.5
        }
    }
}

extension EventRenderer: CardRunObserver {
    func observe(_ stage: CardStage, of card: RunningCard) {
        if case .progress(let event) = stage { render(event) }
    }
}
