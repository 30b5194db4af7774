/// How far a card is. Bytes are counted per phase; rates are for those who show them.
package struct CardEvent: Hashable, Sendable {
    /// The raw values are the names in the events of the command line (docs/events.md).
    package enum Phase: String, Sendable, CaseIterable {
        /// In the order in which they come; `wiping` and `comparing` only where they are asked for, or pay.
        case clearing, wiping, comparing, writing, flushing, verifying
        case finalizing = "sealing"
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
