/// How far a card is. Bytes are counted per phase; rates are for those who show them.
package struct CardEvent: Hashable, Sendable {
    package enum Phase: String, Sendable, CaseIterable {
        /// In the order in which they come; `wiping` and `comparing` only where they are asked for, or pay.
        case clearing, wiping, comparing, writing, flushing, verifying, sealing
    }

    package var phase: Phase
    package var done: Int64
    package var total: Int64

    package init(phase: Phase, done: Int64, total: Int64) {
        self.phase = phase
        self.done = done
        self.total = total
    }
}

/// Lets at most one event through in ``interval``, but always the first and the last of a phase.
struct EventPacer {
    /// Ten a second: as smooth as eyes ask for, and nothing beside writing.
    static let interval = Duration.milliseconds(100)

    private let now: () -> ContinuousClock.Instant
    private let send: (CardEvent) -> Void
    private var phase: CardEvent.Phase?
    private var last: ContinuousClock.Instant?

    init(now: @escaping () -> ContinuousClock.Instant, send: @escaping (CardEvent) -> Void) {
        self.now = now
        self.send = send
    }

    mutating func report(_ event: CardEvent) {
        let instant = now()
        let isDue = last.map { instant - $0 >= Self.interval } ?? true
        guard isDue || event.phase != phase || event.done == event.total else { return }
        phase = event.phase
        last = instant
        send(event)
    }
}
