import Diagnostics
import Racks
import Recipes
import Synchronization

/// Shows the events of a station: a line and the bell for each finished card, and what comes next in the last line.
final class StationRenderer: Sendable {
    private struct State {
        var shown: StationState?
        var prompt: String?
    }

    private let console: Console
    private let form: OutputForm
    private let cards: BatchRenderer
    private let hasKeys: Bool
    /// What is shown about a node that is next, by its name.
    private let details: [String: String]
    private let state = Mutex(State())

    init(
        console: Console, form: OutputForm, rack: RackPlan, hasKeys: Bool,
        clock: @escaping @Sendable () -> Double = { EventRenderer.uptime() }
    ) {
        self.console = console
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
        if case .batch(let event, let reader) = event { return render(event, reader) }
        guard form != .json else {
            if let event = JSONEvent(event) { console.output(event) }
            return
        }
        switch event {
        case .batch: break
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
            let answer = hasKeys ? "press y to write over it, n to leave it" : "it is left as it is"
            cards.say(["the card in \(reader.title) holds someone's files: \(what); \(answer)"], bell: true)
        case .leftAlone(let reader): cards.say(["the card in \(reader.title) stays as it is: take it out"])
        case .removed: break
        case .answer(let text): cards.say([text])
        }
    }

    private func render(_ event: BatchEvent, _ reader: StationReader) {
        if case .finished(let outcome) = event { return cards.finish(outcome, saying: outcome.lines(in: reader)) }
        cards.name(reader.device, reader.name)
        cards.render(event)
    }

    /// Shows what the user is typing; nil when nothing.
    func prompt(_ text: String?) {
        state.withLock { $0.prompt = text }
        showFooter()
    }

    /// Prints what is done and what is left, at the end, and removes the station's line.
    func summarize(_ outcomes: [BatchOutcome], waiting: [String], failure: Failure?) {
        cards.summarize(outcomes, waiting: waiting, failure: failure)
    }

    /// Prints `text` above the cards.
    func say(_ text: String) { cards.say(text.split(separator: "\n").map(String.init)) }

    private func showFooter() {
        let (shown, prompt) = state.withLock { ($0.shown, $0.prompt) }
        guard let shown else { return }
        if let prompt { return cards.footer(prompt) }
        let keys = form == .terminal && hasKeys && !shown.isEnding ? "[s p r q ?]" : ""
        cards.footer("\(shown.done) of \(shown.total) done; \(line(shown))", aside: keys)
    }

    private func line(_ state: StationState) -> String {
        if state.isEnding {
            return state.running.isEmpty ? "ending" : "ending when \(shortList(state.running)) are done"
        }
        if let reader = state.question { return "write over the card in \(reader.title)? y or n" }
        guard let next = state.left.first else { return "every node has its card; waiting for the last to be done" }
        let more = details[next].flatMap { $0.isEmpty ? nil : " (\($0))" } ?? ""
        return "put in a card for \(next)\(more)"
    }
}
