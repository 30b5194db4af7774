import Diagnostics
package import Planning
package import Recipes
import SystemPackage

extension CardRun {
    /// The work on one card outside a batch.
    ///
    /// The card matters more than its record: if the ledger cannot be written (the recipes may be on a read-only medium),
    /// `warn` says so once, and the work goes on.
    ///
    /// - Parameters:
    ///   - image: The digest of the card's image, if it is known.
    ///   - observer: Called after the ledger.
    package static func single(
        _ node: Node, at target: ConfigurationTarget, image: String?, planner: CardPlanner,
        observer: (any CardRunObserver)? = nil, warn: @escaping @Sendable (String) -> Void
    ) async throws -> CardRun {
        let state = RackState(of: node)
        var digest = ConfigurationDigest()
        let card = RunningCard(
            node: node, path: target.path, image: image, configuration: try digest.of(node),
            secrets: try await state.secretsDigest(of: node, reading: planner.secrets),
            identity: CardIdentity(of: target))
        if let holder = try RackLock.holder(of: state) {
            warn(
                "another piflash works on this rack's cards" + (holder.isEmpty ? "" : " (\(holder))")
                    + ": see that it does not make a second \(node.hostname.value)")
        }
        let report: @Sendable (Failure) -> Void = { failure in
            warn("warning: the ledger does not know of this card of \(node.hostname.value): \(failure.message)")
        }
        var observers: [any CardRunObserver] = []
        do throws(Failure) {
            observers.append(
                LenientObserver(LedgerObserver(ledger: try LedgerWriter(state), now: planner.now), warn: report))
        } catch {
            // A ledger that others can have made is not a missing one.
            guard error.severity != .refused else { throw error }
            report(error)
        }
        if let observer { observers.append(observer) }
        return CardRun(card, observers: observers)
    }
}
