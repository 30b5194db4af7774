import Cards
import Diagnostics
import Images
import SystemPackage

/// Reports the stages of a card as the events of its batch.
struct BatchEvents: CardRunObserver {
    let job: BatchPlan.Job
    let send: @Sendable (BatchEvent) -> Void

    func observe(_ stage: CardStage, of card: RunningCard) {
        switch stage {
        case .begun, .written: break
        case .progress(let event): send(.progress(node: job.card.name, device: job.target.path.string, event))
        case .verified, .configured, .failed: send(.finished(BatchOutcome(job, stage)))
        }
    }
}

extension BatchOutcome {
    /// - Parameter stage: The last one of the job's card.
    init(_ job: BatchPlan.Job, _ stage: CardStage) {
        var (bytes, files): (Int64, [String]) = (0, [])
        var failure: Failure?
        switch stage {
        case .begun, .progress, .written: break
        case .verified(let summary): bytes = summary.verified
        case .configured(let changed): files = changed
        case .failed(let reason): failure = reason
        }
        self.init(
            node: job.card.name, device: job.target.path.string, work: job.work, bytes: bytes, changedFiles: files,
            imageDigest: job.card.image.digest, failure: failure)
    }
}
