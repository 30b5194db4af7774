package import Cards
package import Diagnostics
import Filesystems
import Host
import Images
package import Planning
import Synchronization
import SystemPackage

/// The work on one card: the only place where a card is begun, written and verified, or configured.
///
/// A single card, a batch and a station all use it. Everything else that happens at a stage is done by an observer: the
/// ledger's entries, the events of a batch.
package final class CardRun: Sendable {
    private let observers: [any CardRunObserver]
    private let card: Mutex<RunningCard>

    /// - Parameter observers: Called in this order. If one refuses a stage, the later ones do not see it.
    package init(_ card: RunningCard, observers: [any CardRunObserver]) {
        self.card = Mutex(card)
        self.observers = observers
    }

    /// Writes the plan that `prepare` makes to the target that it opens, reads it back and finalizes it (see
    /// ``CardWriter``). A failure of `prepare` is a failure of the card.
    package func write(
        options: CardPlan.WriteOptions = .init(), isCancelled: @escaping @Sendable () -> Bool,
        _ prepare: () async throws -> (plan: CardPlan, target: any CardTarget)
    ) async throws(Failure) -> CardWriter.Summary {
        try await finishing {
            let (plan, target) = try await prepare()
            try reach(.begun)
            let summary = try await write(plan, to: target, options: options, isCancelled: isCancelled)
            identify(plan)
            if let image = plan.image.finished { add(try? image.partitionTable()) }
            try reach(.verified(summary))
            return summary
        }
    }

    /// Gives the card at `target` the settings that `prepare` makes, and returns the paths that changed. New files get the
    /// time `time` (seconds since 1970, UTC). A card that has its settings already is not touched.
    package func configure(
        at target: ConfigurationTarget, time: Int64, _ prepare: () async throws -> Reconfiguration
    ) async throws(Failure) -> [String] {
        try await finishing {
            let change = try await prepare()
            if !change.isEmpty {
                try reach(.begun)
                try await onThread { try change.apply(to: target, time: time) }
            }
            if !target.isDirectory { add(try? PartitionTable.read(target.path)) }
            let changed = change.changedFiles + change.changedRootFiles
            try reach(.configured(changed))
            return changed
        }
    }

    /// If an observer refuses a stage, writing stops and the card is not finalized: a card that is not in the ledger must not
    /// look finished, because its node gets another card.
    private func write(
        _ plan: CardPlan, to target: any CardTarget, options: CardPlan.WriteOptions,
        isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> CardWriter.Summary {
        let isWritten = Atomic(false)
        let refusal = Mutex<Failure?>(nil)
        do {
            return try await onThread {
                try plan.write(
                    to: target, options: options,
                    events: { event in
                        do throws(Failure) {
                            if event.phase == .verifying, !isWritten.exchange(true, ordering: .relaxed) {
                                self.identify(plan)
                                try self.reach(.written)
                            }
                            try self.reach(.progress(event))
                        } catch {
                            refusal.withLock { $0 = $0 ?? error }
                        }
                    },
                    isCancelled: { isCancelled() || refusal.withLock { $0 != nil } })
            }
        } catch let failure as Failure {
            guard let refusal = refusal.withLock({ $0 }) else { throw failure }
            throw Failure(
                refusal.code, severity: refusal.severity, "\(refusal.message); \(failure.message)", hint: refusal.hint,
                cause: refusal.cause)
        }
    }

    private func finishing<Value>(_ work: () async throws -> Value) async throws(Failure) -> Value {
        do { return try await work() } catch { throw fail(error as? Failure ?? Failure(.system, "\(error)")) }
    }

    /// The image's digest is known at the latest when all of it is written.
    private func identify(_ plan: CardPlan) {
        guard let digest = plan.image.finished?.digest else { return }
        card.withLock { $0.image = digest }
    }

    private func add(_ table: PartitionTable?) { card.withLock { $0.identity.add(table) } }

    private func reach(_ stage: CardStage) throws(Failure) {
        let card = card.withLock { $0 }
        for observer in observers { try observer.observe(stage, of: card) }
    }

    /// Reports the failure to every observer; a failure of an earlier observer is added to it.
    private func fail(_ failure: Failure) -> Failure {
        var failure = failure
        let card = card.withLock { $0 }
        for observer in observers {
            do throws(Failure) {
                try observer.observe(.failed(failure), of: card)
            } catch {
                failure = Failure(
                    failure.code, severity: failure.severity, "\(failure.message); \(error.message)",
                    hint: failure.hint, cause: failure.cause)
            }
        }
        return failure
    }
}
