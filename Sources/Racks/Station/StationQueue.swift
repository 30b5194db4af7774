/// Decides which node gets the next card. It works on values only: no device, no clock.
struct StationQueue: Sendable {
    /// What an inserted card is for.
    enum Decision {
        case work(RackPlan.Card, CardWork)
        /// It is the finished card of this node.
        case finished(node: String)
        /// Every node has its card, or is getting one now.
        case nothingLeft
    }

    private let cards: [RackPlan.Card]
    private(set) var waiting: [RackPlan.Card]
    private var running: Set<String> = []
    private var done: Set<String>
    /// Nodes whose cards the user wants to be written with the whole image.
    private var whole: Set<String>
    private let rewrites: Bool

    init(_ rack: RackPlan, rewrites: Bool) {
        cards = rack.cards
        waiting = rack.left
        done = Set(rack.cards.filter { $0.state == .done }.map(\.name))
        whole = Set(rack.cards.filter(\.isRedone).map(\.name))
        self.rewrites = rewrites
    }

    var isEmpty: Bool { waiting.isEmpty && running.isEmpty }
    var total: Int { cards.count }
    var doneCount: Int { done.count }

    /// Takes a node for a card with the contents `found`; a card of a node of the rack gets that node.
    mutating func take(_ found: FoundCard?) -> Decision {
        if let found, let own = cards.first(where: { $0.name == found.node }), done.contains(own.name),
            found.isCurrent(own), !waiting.contains(where: { $0.name == own.name })
        {
            return .finished(node: own.name)
        }
        let place = waiting.firstIndex { $0.name == found?.node } ?? waiting.startIndex
        guard place < waiting.endIndex else { return .nothingLeft }
        let card = waiting.remove(at: place)
        running.insert(card.name)
        let isWhole = rewrites || whole.contains(card.name)
        return .work(card, isWhole ? .write : found?.work(for: card) ?? .write)
    }

    /// The card of `node` is done, or the node waits for the next card.
    mutating func finish(_ node: String, isRight: Bool) {
        guard running.remove(node) != nil, let card = cards.first(where: { $0.name == node }) else { return }
        if isRight {
            done.insert(node)
            whole.remove(node)
        } else {
            waiting.insert(card, at: 0)
        }
    }

    /// Moves the next node to the end.
    mutating func skip() throws(StationRefusal) {
        guard waiting.count > 1 else { throw StationRefusal(waiting.isEmpty ? "no node waits" : "no other node waits") }
        waiting.append(waiting.removeFirst())
    }

    /// Makes `node` the next one.
    mutating func pick(_ node: String) throws(StationRefusal) {
        guard let place = waiting.firstIndex(where: { $0.name == node }) else { throw refusal(node) }
        waiting.insert(waiting.remove(at: place), at: 0)
    }

    /// Makes `node`, which is done or waits, the next one, and has its whole card written.
    mutating func redo(_ node: String) throws(StationRefusal) {
        guard !running.contains(node), let card = cards.first(where: { $0.name == node }) else { throw refusal(node) }
        waiting.removeAll { $0.name == node }
        waiting.insert(card, at: 0)
        done.remove(node)
        whole.insert(node)
    }

    func card(_ node: String) -> RackPlan.Card? { cards.first { $0.name == node } }

    private func refusal(_ node: String) -> StationRefusal {
        if running.contains(node) { return StationRefusal("\(node) is being written now") }
        if done.contains(node) { return StationRefusal("\(node) is done; r writes it again") }
        return StationRefusal("there is no node \"\(node)\" in the rack")
    }
}

/// The reason why a key did nothing.
struct StationRefusal: Error {
    let text: String
    init(_ text: String) { self.text = text }
}
