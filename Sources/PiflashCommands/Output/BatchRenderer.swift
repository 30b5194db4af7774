import Diagnostics
import Cards
import Racks
import Synchronization

/// Shows the events of many cards: rewritten lines on a terminal (``BatchScreen``), a line for each card now and then
/// in a pipe, or JSON lines on standard output.
final class BatchRenderer: Sendable {
    private struct State {
        var batch = BatchProgress()
        var screen: BatchScreen
        /// When a card was last reported, by device; not on a terminal.
        var lastReported: [String: Double] = [:]
        var phases: [String: CardEvent.Phase] = [:]
    }

    private let console: Console
    private let form: OutputForm
    private let clock: @Sendable () -> Double
    private let state: Mutex<State>

    /// `clock` returns seconds that never go back.
    init(
        console: Console, form: OutputForm, nodes: [String],
        clock: @escaping @Sendable () -> Double = { EventRenderer.uptime() }
    ) {
        self.console = console
        self.form = form
        self.clock = clock
        state = Mutex(State(screen: BatchScreen(console: console, nodes: nodes)))
    }

    func render(_ event: BatchEvent) {
        // One at a time: the lines of all cards are one picture.
        state.withLock { state in
            let now = clock()
            switch event {
            case .started(let node, let device, let work):
                state.batch.meters[device] = Meter(node: node, device: device, since: now)
                switch form {
                case .json: console.output(JSONEvent(started: node, device: device, work: work))
                case .plain: console.note("\(node): \(work == .write ? "writing" : "configuring") \(device)")
                case .terminal: state.screen.draw(state.batch, at: now, isDue: true)
                }
            case .progress(let node, let device, let progress):
                var meter = state.batch.meters[device] ?? Meter(node: node, device: device, since: now)
                meter.update(progress, at: now)
                state.batch.meters[device] = meter
                show(meter, progress, &state, at: now)
            case .finished(let outcome): finish(outcome, saying: outcome.lines, bell: false, &state, at: now)
            }
        }
    }

    /// As ``render(_:)`` for a finished card, with other words and the bell: someone waits for it.
    func finish(_ outcome: BatchOutcome, saying lines: [String]) {
        state.withLock { finish(outcome, saying: lines, bell: true, &$0, at: clock()) }
    }

    /// Prints lines above the cards.
    func say(_ lines: [String], bell: Bool = false) {
        state.withLock { state in
            state.screen.erase()
            note(lines, bell: bell)
            draw(&state, at: clock())
        }
    }

    /// Sets the user's name for the reader at `device`.
    func name(_ device: String, _ name: String?) { state.withLock { $0.screen.readerNames[device] = name } }

    /// Sets what is shown below all cards, in as many lines as it needs; `aside` follows it only if it fits. In a pipe
    /// the line is printed when it changes.
    func footer(_ line: String, aside: String = "") {
        state.withLock { state in
            guard state.screen.footer != line || state.screen.aside != aside else { return }
            (state.screen.footer, state.screen.aside) = (line, aside)
            if form == .plain { console.note(line) }
            draw(&state, at: clock())
        }
    }

    /// Prints what is done and what is left, at the end.
    func summarize(_ outcomes: [BatchOutcome], waiting: [String], failure: Failure?) {
        state.withLock { state in
            state.screen.erase()
            state.screen.footer = nil
        }
        let good = Set(outcomes.filter { $0.failure == nil }.map(\.node))
        let left = Set(outcomes.map(\.node)).subtracting(good).sorted() + waiting
        if form == .json {
            let failed = outcomes.count { $0.failure != nil && !$0.isInterrupted }
            return console.output(JSONEvent(done: good.count, failed: failed, left: left, failure: failure))
        }
        guard failure == nil else { return }
        if !good.isEmpty { console.note("\(good.count) \(good.count == 1 ? "card is" : "cards are") done") }
        if !left.isEmpty, !good.isEmpty {
            console.note("left: \(shortList(left)); insert the next cards and run the same command again")
        }
    }

    private func finish(
        _ outcome: BatchOutcome, saying lines: [String], bell: Bool, _ state: inout State, at now: Double
    ) {
        state.batch.meters[outcome.device] = nil
        state.batch.finished += 1
        if outcome.failure != nil { state.batch.failed += 1 }
        state.screen.erase()
        if form == .json { console.output(JSONEvent(outcome)) } else { note(lines, bell: bell) }
        draw(&state, at: now)
    }

    private func note(_ lines: [String], bell: Bool) {
        if bell, form == .terminal { console.control(.bell) }
        for line in lines { console.note(line) }
    }

    private func draw(_ state: inout State, at now: Double) {
        if form == .terminal { state.screen.draw(state.batch, at: now, isDue: true) }
    }

    private func show(_ meter: Meter, _ progress: CardEvent, _ state: inout State, at now: Double) {
        let device = meter.device
        let isNew = state.phases.updateValue(progress.phase, forKey: device) != progress.phase
        let isLast = progress.done >= progress.total
        switch form {
        case .terminal: state.screen.draw(state.batch, at: now, isDue: false)
        case .plain:
            // Eight cards share the pipe: each reports its long phases, and its progress every half minute.
            guard [.wiping, .comparing, .writing, .verifying].contains(progress.phase), progress.total != 0,
                isNew || now - state.lastReported[device, default: 0] >= 30
            else { return }
            state.lastReported[device] = now
            console.note(meter.line(width: .max, nodeWidth: meter.node.count, device))
        case .json:
            guard isNew || isLast || now - state.lastReported[device, default: -1] >= 0.5 else { return }
            state.lastReported[device] = now
            console.output(meter.event)
        }
    }
}
