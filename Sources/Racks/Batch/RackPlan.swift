package import Systems
package import Diagnostics
package import Host
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
        _ nodes: [Node], of user: InvokingUser, events: @escaping @Sendable (ImageEvent) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> RackPlan {
        var report = DiagnosticReport()
        var opened: [Node.Image: (image: Image, known: CardPlanner.ImageFacts)] = [:]
        var ledgers: [FilePath: Ledger] = [:]
        var digests = ConfigurationDigest()
        var cards: [RackPlan.Card] = []
        var questions: [(node: Node, image: CardPlanner.ImageFacts)] = []
        for node in nodes {
            do {
                let base: (image: Image, known: CardPlanner.ImageFacts)
                if let key = node.image?.located, let known = opened[key] {
                    base = known
                } else {
                    let image = try image(for: node, events: events, isCancelled: isCancelled)
                    base = (image, try known(image))
                    if let key = node.image?.located { opened[key] = base }
                }
                let state = RackState(of: node, user: user)
                let ledger: Ledger
                if let known = ledgers[state.directory] { ledger = known } else { ledger = try state.ledger() }
                ledgers[state.directory] = ledger
                let last = ledger.last(of: node.hostname.value)
                let configuration = try digests.of(node)
                questions.append((node, base.known))
                cards.append(
                    RackPlan.Card(
                        node: node, image: base.image, profile: base.known.profile, configuration: configuration,
                        state: CardState(after: last, image: base.image.digest, configuration: configuration),
                        last: last))
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

extension Node.Image {
    /// The same image, without the place where a recipe names it.
    fileprivate var located: Node.Image {
        let nowhere = Location(file: "", line: 0, column: 0)
        return Node.Image(
            source: Located(source.value, at: nowhere), sha256: sha256.map { Located($0.value, at: nowhere) })
    }
}
