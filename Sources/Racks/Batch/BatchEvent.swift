package import Cards
package import Diagnostics

/// What a batch reports while it runs.
package enum BatchEvent: Sendable {
    case started(node: String, device: String, work: CardWork)
    case progress(node: String, device: String, CardEvent)
    case finished(BatchOutcome)
}

/// The result of the work on one card.
package struct BatchOutcome: Sendable {
    package let node: String
    package let device: String
    package let work: CardWork
    /// Bytes written and read back; 0 if only settings changed.
    package let bytes: Int64
    /// Files that new settings changed; empty if the card was right already.
    package let changedFiles: [String]
    package let imageDigest: String
    package let failure: Failure?

    package init(
        node: String, device: String, work: CardWork, bytes: Int64, changedFiles: [String], imageDigest: String,
        failure: Failure?
    ) {
        self.node = node
        self.device = device
        self.work = work
        self.bytes = bytes
        self.changedFiles = changedFiles
        self.imageDigest = imageDigest
        self.failure = failure
    }

    package var isInterrupted: Bool { failure?.code == .cancelled }
}
