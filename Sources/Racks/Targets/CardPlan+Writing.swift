package import Planning
package import Cards
import Diagnostics
import Filesystems
import Images
import Recipes
import Storage

extension CardPlan {
    /// How a planned card is written.
    package struct WriteOptions: Sendable {
        /// What of the image a card gets.
        package enum Coverage: Sendable {
            /// The blocks that are in use. The other blocks of the card keep their contents.
            case used
            /// Every byte.
            case whole
        }

        package var coverage: Coverage
        /// Whether the blocks that are not written, in the image's range and behind it, are zeroed.
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
    /// Writes the planned card to `target`, reads it back and finalizes it (see ``CardWriter``).
    package func write(
        to target: any CardTarget, options: WriteOptions = WriteOptions(),
        events: @escaping @Sendable (CardEvent) -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) throws -> CardWriter.Summary {
        try image.check()
        return try CardWriter(
            target: target, image: content, ranges: ranges(options.coverage), pending: pending(options.coverage),
            comparison: options.comparison, wipes: options.wipe
        ).write(events: events, isCancelled: isCancelled)
    }

    /// The rest of an image that is still being unpacked.
    private func pending(_ coverage: WriteOptions.Coverage) -> PendingImage? {
        guard !image.wasComplete else { return nil }
        return PendingImage(
            available: { [image] in image.available },
            finish: { () throws(Failure) in
                let base = try image.finish()
                let plan: CardPlan
                do { plan = try finished(on: base) } catch {
                    throw error as? Failure ?? Failure(.system, "planning the card again: \(error)")
                }
                return PendingImage.Finished(
                    image: plan.content, ranges: plan.ranges(coverage),
                    changes: plan.content.differences(from: content))
            })
    }

    /// The bytes of the image that are written; nil for all.
    private func ranges(_ coverage: WriteOptions.Coverage) -> ByteRanges? {
        switch coverage {
        case .used: used.ranges
        case .whole: nil
        }
    }
}
