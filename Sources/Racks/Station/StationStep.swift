import Cards
import Diagnostics

/// What examining a card found.
enum StationExamination: Sendable {
    case fit(ChosenTarget, FoundCard?, CardOccupancy)
    case refused(Failure)
}

/// What happens to a station.
enum StationInput: Sendable {
    case look([DeviceFacts])
    case command(StationCommand)
    case examined(Int, StationExamination)
    /// The card cannot take the node's image.
    case unfit(Int, node: String, Failure)
    case finished(Int, BatchOutcome)
}

/// What a station does next.
enum StationStep: Sendable {
    /// Record in the ledger that the user wants the node's card written again. Done before the steps after it.
    case markRedo(RackPlan.Card)
    /// Done beside the other steps.
    case start(StationWork)
}

/// Slow work on the card in a reader.
enum StationWork: Sendable {
    case examine(ReaderTracker.Medium)
    case write(Int, StationReader, BatchPlan.Job)
}
