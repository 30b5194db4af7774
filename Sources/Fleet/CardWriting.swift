package import Cards
import Diagnostics
import Filesystems
import Images
import Recipes
import Storage

/// How cards are written.
package enum CardWriting {
    /// What of the image a card gets.
    package enum Coverage: Sendable {
        /// The blocks that are in use. The others keep what the card had there.
        case used
        /// Every byte.
        case whole
    }

    package struct Options: Sendable {
        package var coverage: Coverage
        /// Whether what the image leaves out, in it and behind it, is zeroed.
        package var wipe: Bool
        package var comparison: CardWriter.Comparison

        package init(
            coverage: Coverage = .used, wipe: Bool = false, comparison: CardWriter.Comparison = .automatic
        ) {
            self.coverage = coverage
            self.wipe = wipe
            self.comparison = comparison
        }
    }
}

extension CardPlan {
    /// Writes the planned card to `target`, reads it back and seals it (see ``CardWriter``).
    package func write(
        to target: any CardTarget, options: CardWriting.Options = CardWriting.Options(),
        events: @escaping @Sendable (FleetEvent) -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) throws {
        try image.check()
        let summary = try CardWriter(
            target: target, image: content, ranges: ranges(options.coverage), unfinished: unfinished(options.coverage),
            comparison: options.comparison, wipes: options.wipe
        ).write(events: { events(FleetEvent($0)) }, isCancelled: isCancelled)
        // The image is in the cache: writing has waited for that.
        events(
            .cardDone(
                FleetEvent.CardOutcome(
                    node: node.hostname.value, target: target.name, bytes: summary.verified,
                    written: summary.written, imageDigest: image.base?.digest ?? "")))
    }

    /// What is to come of an image that is being unpacked.
    private func unfinished(_ coverage: CardWriting.Coverage) -> UnfinishedImage? {
        guard case .unpacking(let image) = image else { return nil }
        return UnfinishedImage(
            available: { image.available },
            finish: { () throws(Failure) in
                let base = try image.finish()
                let plan: CardPlan
                do { plan = try finished(on: base) } catch {
                    throw error as? Failure ?? Failure(.system, "planning the card again: \(error)")
                }
                return UnfinishedImage.Finished(
                    image: plan.content, ranges: plan.ranges(coverage),
                    changes: plan.content.differences(from: content))
            })
    }

    /// The bytes of the image that a card gets; nil for all.
    private func ranges(_ coverage: CardWriting.Coverage) -> ByteRanges? {
        switch coverage {
        case .used: used.ranges
        case .whole: nil
        }
    }
}
