import Diagnostics
import Recipes
import Synchronization
import SystemPackage

/// Records the stages of a card in its rack's ledger.
struct LedgerObserver: CardRunObserver {
    let ledger: LedgerWriter
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    func observe(_ stage: CardStage, of card: RunningCard) throws(Failure) {
        guard let result = stage.ledgerResult else { return }
        var reason: String?
        if case .failed(let failure) = stage { reason = failure.message }
        let entry = LedgerEntry(
            node: card.node.hostname.value, result: result, time: now(), device: card.path.string,
            image: card.image, recipe: card.node.recipeDigest, configuration: card.configuration,
            secrets: card.secrets, card: card.identity, reason: reason)
        // Nothing happened to a card that had its settings already: what was proved of it stays the last word.
        if case .configured([]) = stage, try ledger.last(of: entry.node)?.describes(entry) == true { return }
        try ledger.append(entry)
    }
}

extension LedgerEntry {
    /// Whether it says of its card what `other` would say, or more: that it is verified.
    fileprivate func describes(_ other: LedgerEntry) -> Bool {
        (result == .verified || result == .configured) && device == other.device && image == other.image
            && recipe == other.recipe && configuration == other.configuration && secrets == other.secrets
            && card == other.card
    }
}

extension CardStage {
    fileprivate var ledgerResult: LedgerEntry.Result? {
        switch self {
        case .begun: .begun
        case .progress: nil
        case .written: .written
        case .verified: .verified
        case .configured: .configured
        case .failed(let failure): failure.code == .cancelled ? .interrupted : .failed
        }
    }
}

/// Lets the work go on if `observer` fails, and warns of its first failure.
final class LenientObserver: CardRunObserver {
    private let observer: any CardRunObserver
    private let warn: @Sendable (Failure) -> Void
    private let hasWarned = Atomic(false)

    init(_ observer: any CardRunObserver, warn: @escaping @Sendable (Failure) -> Void) {
        self.observer = observer
        self.warn = warn
    }

    func observe(_ stage: CardStage, of card: RunningCard) {
        do throws(Failure) {
            try observer.observe(stage, of: card)
        } catch {
            if !hasWarned.exchange(true, ordering: .relaxed) { warn(error) }
        }
    }
}
