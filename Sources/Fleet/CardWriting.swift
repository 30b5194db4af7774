public import Cards
import Diagnostics
import Images
import Recipes
import Storage

extension CardPlan {
    /// Writes the planned card to `target`, reads it back and seals it (see ``CardWriter``).
    public func write(
        to target: any CardTarget, events: @escaping @Sendable (FleetEvent) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) throws {
        let bytes = try CardWriter(target: target, image: content).write(
            events: { events(FleetEvent($0)) }, isCancelled: isCancelled)
        events(
            .cardDone(
                FleetEvent.CardOutcome(
                    node: node.hostname.value, target: target.name, bytes: bytes,
                    imageDigest: image.digest)))
    }
}
