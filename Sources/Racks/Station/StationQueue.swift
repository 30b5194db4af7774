/// Which node gets the next card. Only values: no device, no clock.
struct StationQueue: Sendable {
    /// What a card that was put in is for.
    enum Decision {
        case work(RackPlan.Card, CardWork)
        /// It is the finished card of this node.
        case finished(node: String)
        /// Every node has its card, or is getting it.
        case nothingLeft
    }

    private let cards: [RackPlan.Card]
    private(set) var waiting: [RackPlan.Card]
    private var running: Set<String> = []
    private var done: Set<String>
    /// Nodes that the user wants to be written whole.
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

    /// Takes a node for a card on which `found` is; a card that is recognised gets its own node.
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

    /// A card is right, or its node waits for the next one.
    mutating func finish(_ node: String, isRight: Bool) {
        guard running.remove(node) != nil, let card = cards.first(where: { $0.name == node }) else { return }
        if isRight {
            done.insert(node)
            whole.remove(node)
        } else {
            waiting.insert(card, at: 0)
        }
    }

    /// The next node goes to the end.
    mutating func skip() throws(StationRefusal) {
        guard waiting.count > 1 else { throw StationRefusal(waiting.isEmpty ? "no node waits" : "no other node waits") }
        waiting.append(waiting.removeFirst())
    }

    /// `node` is the next.
    mutating func pick(_ node: String) throws(StationRefusal) {
        guard let place = waiting.firstIndex(where: { $0.name == node }) else { throw refusal(node) }
        waiting.insert(waiting.remove(at: place), at: 0)
    }

    /// `node`, which is done or waits, is the next, and is written whole.
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

/// Why a key did nothing.
struct StationRefusal: Error {
    let text: String
    init(_ text: String) { self.text = text }
}
