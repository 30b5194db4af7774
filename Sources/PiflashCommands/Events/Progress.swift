import Cards

/// How far a phase is: unpacking an image, or a phase of writing a card.
struct Progress: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        case unpacking
        case card(CardEvent.Phase)
    }

    let phase: Phase
    /// In bytes, as ``total``.
    let done: Int64
    let total: Int64

    init(phase: Phase, done: Int64, total: Int64) { (self.phase, self.done, self.total) = (phase, done, total) }

    init(_ event: CardEvent) { self.init(phase: .card(event.phase), done: event.done, total: event.total) }
}

extension Progress.Phase {
    /// The name in events (docs/events.md): it stays whatever the identifiers become.
    var eventName: String {
        switch self {
        case .unpacking: "unpacking"
        case .card(let phase): phase.eventName
        }
    }

    /// The name for people.
    var title: String {
        switch self {
        case .unpacking: "unpacking"
        case .card(let phase): phase.title
        }
    }
}

extension CardEvent.Phase {
    /// The name in events (docs/events.md): it stays whatever the identifiers become.
    var eventName: String { self == .finalizing ? "sealing" : title }

    /// The name for people.
    var title: String {
        switch self {
        case .clearing: "clearing"
        case .wiping: "wiping"
        case .comparing: "comparing"
        case .writing: "writing"
        case .flushing: "flushing"
        case .verifying: "verifying"
        case .finalizing: "finishing"
        }
    }
}
