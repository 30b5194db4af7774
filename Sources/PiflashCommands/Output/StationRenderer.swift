import Diagnostics
import Fleet
import Recipes
import Synchronization

/// Turns a station's events into what the user sees and hears: each finished card by a line and the bell, what is next in
/// the last line.
final class StationRenderer: Sendable {
    private struct State {
        var shown: StationState?
        var prompt: String?
    }

    private let form: EventRenderer.Form
    private let cards: BatchRenderer
    private let hasKeys: Bool
    /// What is worth telling of a node that is next.
    private let details: [String: String]
    private let state = Mutex(State())

    init(
        console: Console, form: EventRenderer.Form, rack: RackPlan, hasKeys: Bool,
        clock: @escaping @Sendable () -> Double = { EventRenderer.uptime() }
    ) {
        self.form = form
        self.hasKeys = hasKeys
        details = Dictionary(rack.cards.map { ($0.name, Self.detail($0)) }) { first, _ in first }
        cards = BatchRenderer(console: console, form: form, nodes: rack.left.map(\.name), clock: clock)
    }

    private static func detail(_ card: RackPlan.Card) -> String {
        [card.node.swarm?.role.rawValue, card.node.address?.value.address.description].compactMap { $0 }
            .joined(separator: ", ")
    }

    func render(_ event: StationEvent) {
        if form == .json { return renderJSON(event) }
        switch event {
        case .batch(.finished(let outcome), let reader): cards.finish(outcome, saying: Self.lines(outcome, reader))
        case .batch(let event, let reader):
            cards.name(reader.device, reader.name)
            cards.render(event)
        case .waiting(let next):
            state.withLock { $0.shown = next }
            showFooter()
        case .finishedCard(let node, let reader):
            cards.say(["\(node)'s card is in \(reader.title), and is done: take it out"], bell: true)
        case .noNodeLeft(let reader):
            cards.say(["no node waits for the card in \(reader.title); it is kept for one that fails"])
        case .refused(let failure, let reader):
            let hint = failure.hint.map { ["  hint: \($0)"] } ?? []
            cards.say(["the card in \(reader.title) is not written: \(failure.message)"] + hint, bell: true)
        case .question(let what, let reader):
            let answer = hasKeys ? "y writes over it, n leaves it" : "it is left as it is"
            cards.say(["the card in \(reader.title) is somebody's: \(what); \(answer)"], bell: true)
        case .leftAlone(let reader): cards.say(["the card in \(reader.title) stays as it is: take it out"])
        case .removed: break
        case .answer(let text): cards.say([text])
        }
    }

    /// What the user is typing.
    func prompt(_ text: String?) {
        state.withLock { $0.prompt = text }
        showFooter()
    }

    /// The last words; the station's line goes.
    func summarize(_ outcomes: [BatchOutcome], waiting: [String], failure: Failure?) {
        cards.summarize(outcomes, waiting: waiting, failure: failure)
    }

    func help() { cards.say(StationKeys.help.split(separator: "\n").map(String.init)) }

    /// What is told of a card that is finished: what to do with it.
    private static func lines(_ outcome: BatchOutcome, _ reader: StationReader) -> [String] {
        guard let failure = outcome.failure else {
            let what =
                switch outcome.work {
                case .write: "done"
                case .configure where outcome.changedFiles.isEmpty: "done, it was right already"
                case .configure: "done, with new settings"
                }
            return ["\(outcome.node) \(what): take it out of \(reader.title) and label it"]
        }
        if outcome.isInterrupted { return ["\(outcome.node): \(failure.message)"] }
        return [
            "\(outcome.node) failed in \(reader.title): \(failure.message)",
            "  take that card out; \(outcome.node) waits for the next one",
        ] + (failure.hint.map { ["  hint: \($0)"] } ?? [])
    }

    private func showFooter() {
        let (shown, prompt) = state.withLock { ($0.shown, $0.prompt) }
        guard let shown else { return }
        guard prompt == nil else { return cards.footer(prompt ?? "") }
        let keys = form == .terminal && hasKeys && !shown.isEnding ? "[s p r q ?]" : ""
        cards.footer("\(shown.done) of \(shown.total) done; \(line(shown))", aside: keys)
    }

    private func line(_ state: StationState) -> String {
        if state.isEnding {
            return state.running.isEmpty ? "ending" : "ending when \(BatchCommand.list(state.running)) are done"
        }
        if let reader = state.question { return "write over the card in \(reader.title)? y or n" }
        guard let next = state.left.first else { return "every node has its card; waiting for the last to be done" }
        let more = details[next].flatMap { $0.isEmpty ? nil : " (\($0))" } ?? ""
        return "put in a card for \(next)\(more)"
    }

    private func renderJSON(_ event: StationEvent) {
        func tell(_ name: String, _ reader: StationReader, _ more: [String: JSONField] = [:]) {
            var members = more
            members["event"] = .string(name)
            members["device"] = .string(reader.device)
            members["reader"] = reader.name.map { .string($0) }
            cards.json(members)
        }
        switch event {
        case .batch(let event, _): cards.render(event)
        case .waiting(let state):
            cards.json([
                "event": .string("station"), "next": .string(state.left.first ?? ""),
                "left": .number(Double(state.left.count)), "done": .number(Double(state.done)),
                "total": .number(Double(state.total)), "running": .string(state.running.joined(separator: " ")),
            ])
        case .finishedCard(let node, let reader): tell("card-known", reader, ["node": .string(node)])
        case .noNodeLeft(let reader): tell("card-spare", reader)
        case .refused(let failure, let reader):
            var members: [String: JSONField] = [
                "code": .string(failure.code.rawValue), "message": .string(failure.message),
            ]
            members["hint"] = failure.hint.map { .string($0) }
            tell("card-refused", reader, members)
        case .question(let what, let reader): tell("card-question", reader, ["message": .string(what)])
        case .leftAlone(let reader): tell("card-left-alone", reader)
        case .removed(let reader): tell("card-removed", reader)
        case .answer(let text): cards.json(["event": .string("notice"), "text": .string(text)])
        }
    }
}

extension StationReader {
    /// For messages: "the left reader", "/dev/sdb".
    var title: String { name.map { "the \($0) reader" } ?? device }
}
