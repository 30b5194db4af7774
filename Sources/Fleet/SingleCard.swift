import Systems
import Cards
import Diagnostics
import Filesystems
import Host
import Images
import Provisioning
package import Recipes
import Storage
import Synchronization
import SystemPackage

/// One card without a batch, which its rack's ledger knows of all the same.
extension CardPlanner {
    /// Runs `write`, which writes the planned card to the claimed `target` and hands its events to what it is given; they
    /// go on to `events`. It runs on a thread of its own.
    ///
    /// That the ledger cannot be written is told as a notice, and stops nothing.
    package func noting(
        _ plan: CardPlan, on target: ChosenTarget, events: @escaping @Sendable (FleetEvent) -> Void,
        _ write: @escaping @Sendable (_ events: @escaping @Sendable (FleetEvent) -> Void) throws -> Void
    ) async throws {
        let notes = try await notes(
            of: plan.node, image: plan.image.base?.digest, device: target.path,
            card: CardIdentity(of: target, table: nil), tell: { events(.notice($0)) })
        notes.note(.begun)
        let isWritten = Atomic(false)
        do {
            try await onThread {
                try write { event in
                    if case .progress(let progress) = event, progress.phase == .verifying,
                        !isWritten.exchange(true, ordering: .relaxed)
                    {
                        notes.note(.written, image: plan.image.base?.digest)
                    }
                    events(event)
                }
            }
        } catch {
            notes.note(failed: error)
            throw error
        }
        notes.note(
            .verified, image: plan.image.base?.digest,
            table: plan.image.base.flatMap { try? PartitionTable.read($0.path) })
    }

    /// Gives the card at `target`, which `reading` has looked at, its new settings; a card that has them already is only
    /// noted. `tell` gets what keeps the ledger from being written.
    package func apply(
        _ change: Reconfiguration, of node: Node, on reading: CardReading, to target: ConfigurationTarget,
        tell: @escaping @Sendable (String) -> Void
    ) async throws {
        let notes = try await notes(
            of: node, image: reading.record?.image?.digest, device: target.path, card: target.identity, tell: tell)
        if !change.isEmpty {
            notes.note(.begun)
            do { try change.apply(to: target, time: now()) } catch {
                notes.note(failed: error)
                throw error
            }
        }
        notes.note(.configured, table: target.isDirectory ? nil : try? PartitionTable.read(target.path))
    }

    private func notes(
        of node: Node, image: String?, device: FilePath, card: CardIdentity, tell: @escaping @Sendable (String) -> Void
    ) async throws -> CardNotes {
        var digest = ConfigurationDigest()
        return CardNotes(
            LedgerEntry(
                node: node.hostname.value, result: .begun, time: now(), device: device.string, image: image,
                recipe: node.recipeDigest, configuration: try digest.of(node),
                secrets: try await secretsDigest(of: node), card: card),
            in: RackState(besideRecipe: FilePath(node.recipePath), user: user), now: now, tell: tell)
    }
}

extension ConfigurationTarget {
    fileprivate var identity: CardIdentity {
        guard case .device(let facts) = self else { return CardIdentity() }
        return CardIdentity(of: .device(facts), table: nil)
    }

    fileprivate var isDirectory: Bool {
        if case .directory = self { true } else { false }
    }
}
