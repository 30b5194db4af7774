import Diagnostics
import Fleet
import Foundation
import Synchronization

/// Turns the events of many cards into what the user sees: on a terminal a line for each reader that is at work and one
/// over all of them, rewritten in place; in a pipe a line for each card now and then; JSON lines on standard output
/// (docs/events.md).
final class BatchRenderer: Sendable {
    private struct State {
        var meters: [String: Meter] = [:]
        var finished = 0
        var failed = 0
        var shownLines = 0
        var lastShown = -Double.infinity
        /// When a card was last told of, in a pipe.
        var lastTold: [String: Double] = [:]
        var phases: [String: FleetEvent.Phase] = [:]
        /// The last words, under all cards; in a pipe they are told when they change.
        var footer: String?
        /// What follows the footer where there is room for it.
        var aside = ""
        /// What the user calls a reader, by its device.
        var readerNames: [String: String] = [:]
    }

    private let console: Console
    private let form: EventRenderer.Form
    private let clock: @Sendable () -> Double
    private let total: Int
    private let nodeWidth: Int
    private let state = Mutex(State())

    /// `clock` gives seconds that never go back.
    init(
        console: Console, form: EventRenderer.Form, nodes: [String],
        clock: @escaping @Sendable () -> Double = { EventRenderer.uptime() }
    ) {
        self.console = console
        self.form = form
        self.clock = clock
        total = nodes.count
        nodeWidth = nodes.map(\.count).max() ?? 0
    }

    func render(_ event: BatchEvent) {
        // One at a time: the lines of all cards are one picture.
        state.withLock { state in
            let now = clock()
            switch event {
            case .started(let node, let device, let work):
                state.meters[device] = Meter(node: node, device: device, since: now)
                switch form {
                case .json:
                    json([
                        "event": .string("card-started"), "node": .string(node), "device": .string(device),
                        "work": .string(work.rawValue),
                    ])
                case .plain: console.note("\(node): \(work == .write ? "writing" : "configuring") \(device)")
                case .terminal: draw(&state, at: now, isDue: true)
                }
            case .progress(let node, let device, let progress):
                state.meters[device, default: Meter(node: node, device: device, since: now)].update(progress, at: now)
                show(device, progress, &state, at: now)
            case .finished(let outcome): finish(outcome, saying: nil, &state, at: now)
            }
        }
    }

    /// As ``render(_:)`` of a card that is finished, with other words, and the bell: somebody waits for it.
    func finish(_ outcome: BatchOutcome, saying lines: [String]) {
        state.withLock { finish(outcome, saying: lines, &$0, at: clock()) }
    }

    /// Lines of their own, above the cards.
    func say(_ lines: [String], bell: Bool = false) {
        state.withLock { state in
            erase(&state)
            note(lines, bell: bell)
            draw(&state, at: clock(), isDue: true)
        }
    }

    /// What the user calls the reader at `device`.
    func name(_ device: String, _ name: String?) { state.withLock { $0.readerNames[device] = name } }

    /// What stands under all cards from now on, in as many lines as it takes; `aside` only where it fits beside it.
    func footer(_ line: String, aside: String = "") {
        state.withLock { state in
            guard state.footer != line || state.aside != aside else { return }
            (state.footer, state.aside) = (line, aside)
            if form == .plain { console.note(line) }
            draw(&state, at: clock(), isDue: true)
        }
    }

    private func finish(_ outcome: BatchOutcome, saying lines: [String]?, _ state: inout State, at now: Double) {
        state.meters[outcome.device] = nil
        state.finished += 1
        if outcome.failure != nil { state.failed += 1 }
        erase(&state)
        if form == .json {
            showJSON(outcome)
        } else if let lines {
            note(lines, bell: true)
        } else {
            show(outcome)
        }
        draw(&state, at: now, isDue: true)
    }

    private func note(_ lines: [String], bell: Bool) {
        if bell, form == .terminal { console.raw("\u{7}") }
        for line in lines { console.note(line) }
    }

    /// The last words: what is done and what is left.
    func summarize(_ outcomes: [BatchOutcome], waiting: [String], failure: Failure?) {
        state.withLock { state in
            erase(&state)
            state.footer = nil
        }
        let good = Set(outcomes.filter { $0.failure == nil }.map(\.node))
        let left = Set(outcomes.map(\.node)).subtracting(good).sorted() + waiting
        if form == .json {
            return json([
                "event": .string("batch-done"), "done": .number(Double(good.count)),
                "failed": .number(Double(outcomes.count { $0.failure != nil && !$0.isInterrupted })),
                "left": .number(Double(left.count)), "left_nodes": .string(left.joined(separator: " ")),
                "exit": .number(Double(failure?.severity.rawValue ?? 0)),
            ])
        }
        guard failure == nil else { return }
        if !good.isEmpty { console.note("\(good.count) \(good.count == 1 ? "card is" : "cards are") done") }
        if !left.isEmpty, !good.isEmpty {
            console.note("left: \(BatchCommand.list(left)); put in the next cards and give the same command again")
        }
    }

    // MARK: The forms

    private func show(_ device: String, _ progress: FleetEvent.Progress, _ state: inout State, at now: Double) {
        guard let meter = state.meters[device] else { return }
        let isNew = state.phases.updateValue(progress.phase, forKey: device) != progress.phase
        let isLast = progress.total.map { progress.done >= $0 } ?? false
        switch form {
        case .terminal: draw(&state, at: now, isDue: false)
        case .plain:
            // Eight cards share the pipe: each tells its long phases, and where it is every half minute.
            guard [.wiping, .comparing, .writing, .verifying].contains(progress.phase), progress.total != 0,
                isNew || now - state.lastTold[device, default: 0] >= 30
            else { return }
            state.lastTold[device] = now
            console.note(meter.line(width: .max, nodeWidth: meter.node.count, device))
        case .json:
            guard isNew || isLast || now - state.lastTold[device, default: -1] >= 0.5 else { return }
            state.lastTold[device] = now
            json(meter.members)
        }
    }

    private func show(_ outcome: BatchOutcome) {
        if let failure = outcome.failure {
            console.note("\(outcome.node): \(outcome.isInterrupted ? "" : "failed: ")\(failure.message)")
            if let hint = failure.hint, !outcome.isInterrupted { console.note("  hint: \(hint)") }
            return
        }
        switch outcome.work {
        case .write:
            console.note("\(outcome.node): written to \(outcome.device) and verified, \(formatBytes(outcome.bytes))")
        case .configure where outcome.changedFiles.isEmpty:
            console.note("\(outcome.node): \(outcome.device) holds it already; nothing to change")
        case .configure:
            console.note(
                "\(outcome.node): \(outcome.device) holds its image; new settings in \(outcome.changedFiles.count) files"
            )
        }
    }

    private func showJSON(_ outcome: BatchOutcome) {
        var members: [String: JSONField] = [
            "node": .string(outcome.node), "device": .string(outcome.device), "work": .string(outcome.work.rawValue),
        ]
        if let failure = outcome.failure {
            members["event"] = .string(outcome.isInterrupted ? "card-interrupted" : "card-failed")
            members["code"] = .string(failure.code.rawValue)
            members["message"] = .string(failure.message)
            if let hint = failure.hint { members["hint"] = .string(hint) }
        } else {
            members["event"] = .string("card-done")
            members["target"] = .string(outcome.device)
            members["bytes"] = .number(Double(outcome.bytes))
            members["image_sha256"] = .string(outcome.imageDigest)
        }
        json(members)
    }

    private func draw(_ state: inout State, at now: Double, isDue: Bool) {
        guard form == .terminal, isDue || now - state.lastShown >= 0.25 else { return }
        state.lastShown = now
        erase(&state)
        guard !state.meters.isEmpty || state.footer != nil else { return }
        // The last column is left free: some terminals wrap there.
        let width = max(10, console.width - 1)
        let meters = state.meters.values.sorted { ($0.node, $0.device) < ($1.node, $1.device) }
        var lines = self.lines(of: meters, names: state.readerNames, width: width)
        // What has scrolled off the screen cannot be rewritten: the lines for all cards, for the rest and for the
        // cursor stay in sight.
        let footer = self.footer(state, width: width)
        let room = max(1, console.height - 3 - footer.count)
        if lines.count > room {
            lines = lines.prefix(room - 1) + ["and \(lines.count - room + 1) more"]
        }
        if !meters.isEmpty { lines.append(overall(meters, state, width: width)) }
        lines += footer
        console.raw(lines.map { $0 + "\n" }.joined())
        state.shownLines = lines.count
    }

    private func lines(of meters: [Meter], names: [String: String], width: Int) -> [String] {
        let titles = meters.map { names[$0.device] ?? $0.device }
        // The last part of a path tells the readers apart; all are shortened when one has to be.
        let isNarrow = zip(meters, titles).contains { $0.line(width: .max, nodeWidth: nodeWidth, $1).count > width }
        let devices = titles.map { isNarrow ? $0.split(separator: "/").last.map(String.init) ?? "" : $0 }
        let longest = devices.map(\.count).max() ?? 0
        return zip(meters, devices).map { meter, device in
            meter.line(width: width, nodeWidth: nodeWidth, Meter.padded(device, longest))
        }
    }

    private func erase(_ state: inout State) {
        // ECMA-48: cursor up, then erase to the end of the display.
        if state.shownLines > 0 { console.raw("\r\u{1B}[\(state.shownLines)A\u{1B}[J") }
        state.shownLines = 0
    }

    private func footer(_ state: State, width: Int) -> [String] {
        guard let footer = state.footer else { return [] }
        let whole = [footer, state.aside].filter { !$0.isEmpty }.joined(separator: "  ")
        return whole.count <= width ? [whole] : TextTable.wrapped(footer, width: width)
    }

    private func overall(_ meters: [Meter], _ state: State, width: Int) -> String {
        let share: Double
        var parts: [String]
        if state.footer == nil {
            parts = ["\(state.finished - state.failed) of \(total) done"]
            if state.failed > 0 { parts[0] += ", \(state.failed) failed" }
            share = (Double(state.finished) + meters.map(\.share).reduce(0, +)) / Double(max(1, total, state.finished))
        } else {
            // A station counts the rack in its footer, and nobody knows when the next card comes: this line is about the
            // cards that are in.
            parts = ["\(meters.count) \(meters.count == 1 ? "card" : "cards") at work"]
            share = meters.map(\.share).reduce(0, +) / Double(max(1, meters.count))
        }
        parts.append("\(Int(min(1, share) * 100)) %")
        let rate = meters.compactMap(\.rate).reduce(0, +)
        if rate > 0 { parts.append("\(formatBytes(Int64(rate)))/s") }
        if let seconds = meters.compactMap(\.secondsLeft).max(), seconds >= 1 {
            parts.append("\(Figures.duration(seconds)) left")
        }
        return Meter.fitting(parts, width: width)
    }

    func json(_ members: [String: JSONField]) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(members) else { return }
        console.output(String(decoding: data, as: UTF8.self))
    }
}

/// How far one card is.
struct Meter {
    let node: String
    let device: String
    private var progress: FleetEvent.Progress?
    private var phaseStart: Double
    private var phaseStartBytes: Int64 = 0
    /// The share of the work that was done when writing began.
    private var base = 0.0
    private var now: Double

    init(node: String, device: String, since: Double) {
        (self.node, self.device, phaseStart, now) = (node, device, since, since)
    }

    mutating func update(_ progress: FleetEvent.Progress, at now: Double) {
        if self.progress?.phase != progress.phase {
            base = [.wiping, .comparing].contains(self.progress?.phase) ? share : base
            phaseStart = now
            phaseStartBytes = progress.done
        }
        self.progress = progress
        self.now = now
    }

    /// Bytes per second in this phase; nil until there is something to measure.
    var rate: Double? {
        guard let progress, now - phaseStart > 0.2, progress.done > phaseStartBytes else { return nil }
        return Double(progress.done - phaseStartBytes) / (now - phaseStart)
    }

    /// How much of the card's whole work is done, 0 to 1: half of it is writing, half reading back. Where it is compared
    /// first, that is nearly all: what differs then is little. Wiping is taken for half.
    var share: Double {
        guard let progress, let total = progress.total else { return 0 }
        let part = total > 0 ? min(1, Double(progress.done) / Double(total)) : 1
        let rest = 1 - base
        return switch progress.phase {
        case .unpacking, .clearing: 0
        case .wiping: part / 2
        case .comparing: base + rest * 0.9 * part
        case .writing: base + rest * part / 2
        case .flushing: base + rest / 2
        case .verifying: base + rest * (1 + part) / 2
        case .sealing: 1
        }
    }

    /// Until the card is done, reading back as fast as writing; nil where that cannot be told.
    var secondsLeft: Double? {
        guard let progress, let total = progress.total, let rate else { return nil }
        let rest = Double(max(0, total - progress.done)) / rate
        return switch progress.phase {
        case .writing: rest + Double(total) / rate
        case .comparing, .verifying: rest
        default: nil
        }
    }

    private var percent: String? {
        guard let progress, let total = progress.total, total > 0 else { return nil }
        let number = "\(min(100, progress.done * 100 / total)) %"
        return String(repeating: " ", count: max(0, 5 - number.count)) + number
    }

    /// Wide terminals get a bar; narrow ones lose what matters least, from the right.
    func line(width: Int, nodeWidth: Int, _ device: String) -> String {
        // "verifying" and "preparing" are the longest.
        var parts = [
            Self.padded(node, nodeWidth), device, Self.padded(progress?.phase.rawValue ?? "preparing", 9),
        ]
        if let percent { parts.append(percent) }
        if let rate { parts.append("\(formatBytes(Int64(rate)))/s") }
        if let secondsLeft, secondsLeft >= 1 { parts.append("\(Figures.duration(secondsLeft)) left") }
        if width >= 100, width < .max, percent != nil {
            let filled = Int(share * 30)
            let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
            parts.insert("[\(bar)]", at: 3)
        }
        return Self.fitting(parts, width: width)
    }

    var members: [String: JSONField] {
        var result: [String: JSONField] = [
            "event": .string("progress"), "node": .string(node), "device": .string(device),
        ]
        if let progress {
            result["phase"] = .string(progress.phase.rawValue)
            result["done"] = .number(Double(progress.done))
            if let total = progress.total { result["total"] = .number(Double(total)) }
        }
        if let rate { result["rate"] = .number(rate.rounded()) }
        if let secondsLeft { result["seconds_left"] = .number(secondsLeft.rounded()) }
        return result
    }

    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// As many of `parts`, from the left, as fit into `width` columns.
    static func fitting(_ parts: [String], width: Int) -> String {
        var parts = parts
        while parts.count > 1, parts.joined(separator: "  ").count > width { parts.removeLast() }
        let line = parts.joined(separator: "  ")
        let text = line.count > width ? String(line.prefix(width)) : line
        // Padding of the last column is nothing to see.
        return String(text.reversed().drop { $0 == " " }.reversed())
    }
}
