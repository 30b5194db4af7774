public import Diagnostics

/// What a batch tells while it runs.
public enum BatchEvent: Sendable {
    case started(node: String, device: String, work: BatchPlan.Work)
    case progress(node: String, device: String, FleetEvent.Progress)
    case finished(BatchOutcome)
}

/// How it went with one card.
public struct BatchOutcome: Sendable {
    public let node: String
    public let device: String
    public let work: BatchPlan.Work
    /// Bytes written and read back; 0 where only settings changed.
    public let bytes: Int64
    /// Files that new settings changed; empty when the card was right already.
    public let changedFiles: [String]
    public let imageDigest: String
    public let failure: Failure?

    public init(
        node: String, device: String, work: BatchPlan.Work, bytes: Int64, changedFiles: [String], imageDigest: String,
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

    public var isInterrupted: Bool { failure?.code == .cancelled }
}
