import Images
import Planning
import Recipes
import Systems

/// A card that piflash made, as found in a reader.
package struct FoundCard: Sendable {
    package let node: String
    package let recipe: String
    /// The digest of the unpacked image.
    package let image: String?
    /// Whether its first boot has begun.
    package let hasBooted: Bool

    package init(node: String, recipe: String, image: String?, hasBooted: Bool) {
        self.node = node
        self.recipe = recipe
        self.image = image
        self.hasBooted = hasBooted
    }

    /// What must be done to make it the card of `card`.
    func work(for card: RackPlan.Card) -> CardWork {
        // A node that ran keeps a name, keys and data of its own: its card is no other node's.
        image == card.image.digest && (node == card.name || !hasBooted) ? .configure : .write
    }

    /// Whether it was made from the same recipe and image as `card` would be now.
    func isCurrent(_ card: RackPlan.Card) -> Bool {
        node == card.name && recipe == card.node.recipeDigest && image == card.image.digest
    }

    /// - Returns: nil when there is no piflash card, or it cannot be read.
    package init?(on target: ChosenTarget) {
        if case .file(_, exists: false) = target { return nil }
        guard let reading = try? InspectedCard(at: target.path), let record = reading.record else { return nil }
        self.init(
            node: record.node, recipe: record.recipeDigest, image: record.image?.digest,
            // What cannot be read may have run.
            hasBooted: (try? reading.firstBootStatus() != nil) ?? true)
    }
}

extension RackPlan {
    /// Whether `found` is the right card of a node that is done: it is not written again.
    package func isFinished(_ found: FoundCard) -> Bool { cards.contains { $0.state == .done && found.isCurrent($0) } }
}
