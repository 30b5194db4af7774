/// What long work tells while it runs; every rendering (terminal, plain lines, JSON) is made from these.
package enum FleetEvent: Hashable, Sendable {
    /// How far a phase is.
    case progress(Progress)
    /// Something worth a line of its own, once: "the unpacked image was in the cache".
    case notice(String)
    /// Everything about a card is done: it was written, read back and sealed.
    case cardDone(CardOutcome)

    package struct Progress: Hashable, Sendable {
        package var phase: Phase
        /// In bytes.
        package var done: Int64
        /// In bytes; nil when it cannot be known (a gzip stream does not say how long it is).
        package var total: Int64?

        package init(phase: Phase, done: Int64, total: Int64?) {
            self.phase = phase
            self.done = done
            self.total = total
        }
    }

    /// The steps of a card, in the order in which they come.
    package enum Phase: String, Hashable, Sendable, CaseIterable {
        case unpacking, clearing, wiping, comparing, writing, flushing, verifying, sealing
    }

    package struct CardOutcome: Hashable, Sendable {
        package var node: String
        /// The device or file that was written.
        package var target: String
        /// The bytes of the image that were read from the card and found right.
        package var bytes: Int64
        /// The bytes that had to be written; the rest was there.
        package var written: Int64
        /// SHA-256 of the base image (lower-case hex), before the node's changes.
        package var imageDigest: String

        package init(node: String, target: String, bytes: Int64, written: Int64, imageDigest: String) {
            self.node = node
            self.target = target
            self.bytes = bytes
            self.written = written
            self.imageDigest = imageDigest
        }
    }
}
