/// The progress of a card. Bytes are counted per phase; the caller computes rates.
package struct CardEvent: Hashable, Sendable {
    package enum Phase: Sendable, CaseIterable {
        /// In their order. `wiping` comes only if requested, `comparing` only if requested or worth its time.
        case clearing, wiping, comparing, writing, flushing, verifying, finalizing
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
