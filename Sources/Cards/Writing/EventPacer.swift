/// Sends at most one event per ``interval``, and always the first and the last of a phase.
struct EventPacer {
    /// Ten a second: smooth for the eye, and cheap beside writing.
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
