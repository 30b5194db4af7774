import Diagnostics
import Filesystems
import Recipes
import Synchronization
import SystemPackage

/// Notes in the rack's ledger what becomes of one card that is written, or configured, without a batch.
///
/// The card counts for more than the note: what keeps an entry from being written (the recipes may lie on a medium that
/// cannot be written to) is told once, and the work goes on.
final class CardNotes: Sendable {
    private let ledger: LedgerFile?
    /// What all entries have in common.
    private let entry: LedgerEntry
    private let now: @Sendable () -> Int64
    private let tell: @Sendable (String) -> Void
    private let hasTold = Mutex(false)

    /// - Parameters:
    ///   - entry: What is known of the card before anything is done to it.
    ///   - tell: Takes what is worth a line to the user.
    init(
        _ entry: LedgerEntry, in state: RackState, now: @escaping @Sendable () -> Int64,
        tell: @escaping @Sendable (String) -> Void
    ) {
        self.entry = entry
        self.now = now
        self.tell = tell
        if let holder = LedgerWriter.holder(of: state) {
            tell(
                "another piflash works on this rack's cards" + (holder.isEmpty ? "" : " (\(holder))")
                    + ": see that it does not make a second \(entry.node)")
        }
        do throws(Failure) { ledger = try LedgerFile(state) } catch {
            ledger = nil
            Self.tell(error, of: entry.node, tell)
            hasTold.withLock { $0 = true }
        }
    }

    /// - Parameters:
    ///   - image: The digest of the card's image, where it was not known at the beginning.
    ///   - table: Of the card, once it holds all that it is to hold.
    func note(
        _ result: LedgerEntry.Result, reason: String? = nil, image: String? = nil, table: PartitionTable? = nil
    ) {
        var entry = entry
        if let image { entry.image = image }
        (entry.result, entry.time, entry.reason) = (result, now(), reason)
        if let table { entry.card?.uuids = table.partitions.compactMap { $0.filesystem?.uuid } }
        do throws(Failure) { try ledger?.append(entry) } catch {
            let isFirst = hasTold.withLock { told in
                defer { told = true }
                return !told
            }
            if isFirst { Self.tell(error, of: entry.node, tell) }
        }
    }

    /// Notes how `work` ended that has touched the card.
    func note(failed error: any Error) {
        let failure = error as? Failure
        note(failure?.code == .cancelled ? .interrupted : .failed, reason: failure?.message ?? "\(error)")
    }

    private static func tell(_ failure: Failure, of node: String, _ tell: (String) -> Void) {
        tell("warning: the ledger does not know of this card of \(node): \(failure.message)")
    }
}
