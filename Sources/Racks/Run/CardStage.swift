package import Cards
package import Diagnostics

/// How far the work on one card is: begun, written and verified, or begun and configured. It can fail at any time.
package enum CardStage: Sendable {
    /// The card is changed from now on. A card that has its settings already is not begun.
    case begun
    /// How far writing or verifying is.
    case progress(CardEvent)
    /// All is on the card, but not read back, and it has no partition table yet.
    case written
    /// Written, read back and finalized.
    case verified(CardWriter.Summary)
    /// The settings are as the recipe wants them; these files changed.
    case configured([String])
    /// The reason. With the code ``Failure/Code/cancelled`` the user stopped the work.
    case failed(Failure)
}

/// Observes the stages of a card, in order: the ledger, the events of a batch.
package protocol CardRunObserver: Sendable {
    /// Throws if the work must not go on. ``CardStage/progress(_:)`` and ``CardStage/written`` come from the thread that
    /// writes.
    func observe(_ stage: CardStage, of card: RunningCard) throws(Failure)
}
