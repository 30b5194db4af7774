import Planning
import Systems
import Cards
import Diagnostics
import Images
import Provisioning
import Recipes
import SystemPackage

/// Which card gets which node, decided before anything is written.
package struct BatchPlan: Sendable {
    package struct Job: Sendable {
        package let card: RackPlan.Card
        package let target: ChosenTarget
        package let work: CardWork
        /// The node that piflash made the card for before; nil if it did not make it.
        package let previous: String?
    }

    package private(set) var jobs: [Job] = []
    /// Cards that are done: they are not changed.
    package private(set) var finished: [(node: String, target: ChosenTarget)] = []
    /// Cards for which no node is left; they get the node of a card that fails.
    package private(set) var spare: [ChosenTarget] = []
    /// The nodes that wait for another run.
    package private(set) var waiting: [String] = []

    /// A card that piflash made for a node of the rack gets that node; the others get the nodes that are left, in the rack's
    /// order.
    ///
    /// - Parameters:
    ///   - rewrites: Write the whole image even if it is on the card already.
    ///   - read: What is on a target now; nil if piflash did not make it.
    package init(
        _ rack: RackPlan, on targets: [ChosenTarget], rewrites: Bool,
        read: (ChosenTarget) -> FoundCard? = FoundCard.init(on:)
    ) {
        var queue = rack.left
        let byName = Dictionary(rack.cards.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var assigned: [Int: RackPlan.Card] = [:]
        let found = targets.map(read)
        for (index, card) in found.enumerated() {
            guard let card, let own = byName[card.node] else { continue }
            if let place = queue.firstIndex(where: { $0.name == own.name }) {
                assigned[index] = queue.remove(at: place)
            } else if own.state == .done, card.isCurrent(own) {
                if rewrites, !assigned.values.contains(where: { $0.name == own.name }) {
                    assigned[index] = own
                } else {
                    finished.append((own.name, targets[index]))
                }
            }
        }
        for (index, target) in targets.enumerated() {
            guard !finished.contains(where: { $0.target.path == target.path }) else { continue }
            guard let card = assigned[index] ?? (queue.isEmpty ? nil : queue.removeFirst()) else {
                spare.append(target)
                continue
            }
            let isWhole = rewrites || card.isRedone
            jobs.append(
                Job(
                    card: card, target: target, work: isWhole ? .write : found[index]?.work(for: card) ?? .write,
                    previous: found[index]?.node))
        }
        waiting = queue.map(\.name)
    }
}
