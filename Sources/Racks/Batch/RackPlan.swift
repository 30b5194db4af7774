package import Systems
package import Diagnostics
package import Images
package import Planning
import Provisioning
package import Recipes
import SystemPackage

/// The cards of a rack: what each gets, what is done and what is left. Making the plan writes nothing and reads no secret.
package struct RackPlan: Sendable {
    package struct Card: Sendable {
        package let node: Node
        package let image: Image
        package let profile: OSProfile
        /// See ``ConfigurationDigest``.
        package let configuration: String
        package internal(set) var state: CardState
        /// The ledger's last entry about it.
        package let last: LedgerEntry?
        /// See ``Ledger/isUnproved(_:)``.
        package let isUnproved: Bool
        /// The node's ``SecretsDigest``; nil until its secrets are read.
        package internal(set) var secrets: String?

        package var name: String { node.hostname.value }
        /// Whether the user wants the whole image to be written, whatever is on the card.
        package var isRedone: Bool { last?.result == .redo }
    }

    package internal(set) var cards: [Card]
    package let warnings: [Diagnostic]
    /// Lines of the rack's ledgers that cannot be read.
    package let damagedLines: Int

    /// The cards that are not done, in the order of the recipes.
    package var left: [Card] { cards.filter { $0.state != .done } }
}

extension CardPlanner {
    /// Plans the cards of `nodes`: opens each image once (unpacks it if necessary), and validates each node's settings with
    /// placeholders for its secrets. Throws all mistakes of all nodes in one report.
    package func rack(
        _ nodes: [Node], events: @escaping @Sendable (ImageEvent) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> RackPlan {
        var report = DiagnosticReport()
        var images = OpenedImages(self, events: events, isCancelled: isCancelled)
        var ledgers: [FilePath: Ledger] = [:]
        var digests = ConfigurationDigest()
        var cards: [RackPlan.Card] = []
        var questions: [(node: Node, image: OpenedImages.Opened)] = []
        for node in nodes {
            do {
                let base = try images.image(of: node)
                let state = RackState(of: node)
                let ledger: Ledger
                if let known = ledgers[state.directory] { ledger = known } else { ledger = try state.ledger() }
                ledgers[state.directory] = ledger
                let last = ledger.last(of: node.hostname.value)
                let configuration = try digests.of(node)
                questions.append((node, base))
                cards.append(
                    RackPlan.Card(
                        node: node, image: base.image, profile: base.facts.profile, configuration: configuration,
                        state: CardState(after: last, image: base.image.digest, configuration: configuration),
                        last: last, isUnproved: ledger.isUnproved(node.hostname.value)))
            } catch let mistakes as DiagnosticReport {
                report.merge(mistakes)
            }
        }
        report.merge(try await validate(questions, isCancelled: isCancelled))
        report = report.unrepeated
        guard !report.hasErrors else { throw report }
        return RackPlan(
            cards: cards, warnings: report.warnings, damagedLines: ledgers.values.map(\.damaged).reduce(0, +))
    }
}
