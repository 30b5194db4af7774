package import Systems
package import Diagnostics
import Foundation
import Host
package import Images
import Provisioning
package import Recipes
import SystemPackage

/// The cards of a rack: what each is to be, what is done and what is left. Nothing is written to make it, and no secret
/// read.
package struct RackPlan: Sendable {
    package struct Card: Sendable {
        package let node: Node
        package let image: BaseImage
        package let profile: OSProfile
        /// See ``ConfigurationDigest``.
        package let configuration: String
        package internal(set) var state: CardState
        /// What the ledger says last of it.
        package let last: LedgerEntry?
        /// The node's ``SecretsDigest``; nil while its secrets are unread.
        package internal(set) var secrets: String?

        package var name: String { node.hostname.value }
        /// Whether the user wants it to be written whole, whatever is on the card.
        package var isRedone: Bool { last?.result == .redo }
    }

    package internal(set) var cards: [Card]
    package let warnings: [Diagnostic]
    /// Lines of the rack's ledgers that cannot be read.
    package let damagedLines: Int

    /// What there is to do, in the order of the recipes.
    package var left: [Card] { cards.filter { $0.state != .done } }

    /// Whether `found` is the right card of a node that is done: it is not written again.
    package func isFinished(_ found: FoundCard) -> Bool { cards.contains { $0.state == .done && found.isCurrent($0) } }
}

extension CardPlanner {
    /// Plans the cards of `nodes`: opens each image once (unpacks it, when it must), and judges each node's settings with
    /// placeholders for its secrets. Throws every mistake of all nodes at once.
    package func rack(
        _ nodes: [Node], events: @escaping @Sendable (FleetEvent) -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> RackPlan {
        var report = DiagnosticReport()
        var opened: [Node.Image: (image: BaseImage, known: KnownImage)] = [:]
        var ledgers: [FilePath: Ledger] = [:]
        var digests = ConfigurationDigest()
        var cards: [RackPlan.Card] = []
        var questions: [(node: Node, image: KnownImage)] = []
        let time = now()
        for node in nodes {
            do {
                let base: (image: BaseImage, known: KnownImage)
                if let key = node.image?.located, let known = opened[key] {
                    base = known
                } else {
                    let image = try image(for: node, events: events, isCancelled: isCancelled)
                    base = (image, try Self.open(.unpacked(image), at: time).known)
                    if let key = node.image?.located { opened[key] = base }
                }
                let state = RackState(besideRecipe: FilePath(node.recipePath), user: user)
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
        report.merge(try await remarks(on: questions, at: time, isCancelled: isCancelled))
        report = report.unrepeated
        guard !report.hasErrors else { throw report }
        return RackPlan(
            cards: cards, warnings: report.warnings, damagedLines: ledgers.values.map(\.damaged).reduce(0, +))
    }
}

extension CardPlanner {
    /// What is wrong with the nodes on their images, or worth saying, in their order: all are rendered with placeholders.
    private func remarks(
        on questions: [(node: Node, image: KnownImage)], at time: Int64, isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> DiagnosticReport {
        let unread = CardPlanner(user: user, cache: cache, secrets: UnreadSecrets(), version: version, now: now)
        // What a node carries is in memory meanwhile: then one at a time.
        let carries = questions.contains { !$0.node.docker.packages.isEmpty || !$0.node.docker.preload.isEmpty }
        let workers = carries ? 1 : max(1, ProcessInfo.processInfo.activeProcessorCount)
        let size = max(1, (questions.count + workers - 1) / workers)
        return try await withThrowingTaskGroup(of: (Int, DiagnosticReport).self) { group in
            for start in stride(from: 0, to: questions.count, by: size) {
                let part = questions[start..<min(start + size, questions.count)]
                group.addTask {
                    var report = DiagnosticReport()
                    for (node, image) in part {
                        if isCancelled() { throw Failure(.cancelled, "stopped") }
                        do {
                            var supplies = try SupplyReading.files(of: node)
                            if node.docker.remote?.value == .tls { supplies.certificate = .placeholder }
                            // Salts only matter for what is written.
                            let provision = try await unread.render(
                                node, image, supplies: supplies, saltKey: [UInt8](repeating: 0, count: 32), at: time)
                            report.merge(DiagnosticReport(provision.warnings))
                        } catch let mistakes as DiagnosticReport {
                            report.merge(mistakes)
                        }
                    }
                    return (start, report)
                }
            }
            var parts: [(Int, DiagnosticReport)] = []
            for try await part in group { parts.append(part) }
            return DiagnosticReport(parts.sorted { $0.0 < $1.0 }.flatMap(\.1.diagnostics))
        }
    }
}

extension Node.Image {
    /// The same wherever it is named.
    fileprivate var located: Node.Image {
        let nowhere = Location(file: "", line: 0, column: 0)
        return Node.Image(
            source: Located(source.value, at: nowhere), sha256: sha256.map { Located($0.value, at: nowhere) })
    }
}
