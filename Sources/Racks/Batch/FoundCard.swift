import Images
import Planning
import Recipes
import Systems

/// A card that piflash made, found in a reader.
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

    /// The work that makes it the card of `card`.
    func work(for card: RackPlan.Card) -> CardWork {
        guard image == card.image.digest else { return .write }
        // The record of a card whose write failed proves nothing about its image. On a card that ran, there is data.
        if card.isUnproved, !hasBooted { return .write }
        // The card of a node that ran has that node's name, keys and data: for another node, write it again.
        return node == card.name || !hasBooted ? .configure : .write
    }

    /// Whether it was made from the same recipe and image as `card` would be now.
    func isCurrent(_ card: RackPlan.Card) -> Bool {
        node == card.name && recipe == card.node.recipeDigest && image == card.image.digest
    }

    /// - Returns: nil if piflash did not make the card, or if it cannot be read.
    package init?(on target: ChosenTarget) {
        if case .file(_, exists: false) = target { return nil }
        guard let reading = try? InspectedCard(at: target.path), let record = reading.record else { return nil }
        self.init(
            node: record.node, recipe: record.recipeDigest, image: record.image?.digest,
            // If the report cannot be read, the card may have run.
            hasBooted: (try? reading.firstBootStatus() != nil) ?? true)
    }
}

extension RackPlan {
    /// Whether `found` is the right card of a node that is done. It is not written again.
    package func isFinished(_ found: FoundCard) -> Bool { cards.contains { $0.state == .done && found.isCurrent($0) } }
}
