import Systems
import ArgumentParser
import Diagnostics
import Planning
import Racks
import Images
import Recipes
import Text

struct PlanCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show every card of a rack: what it holds, what is done, what is left.",
        discussion: """
            Checks recipes and images as for writing; unpacks images that are not in
            the cache. Secrets are not read: only `piflash batch` notices a changed one.
            Finished cards are recorded in .piflash/ledger beside the recipes
            (docs/batch.md).

            EXAMPLES
              piflash plan recipes/red
              piflash plan --json recipes/red
            """)

    @OptionGroup var rack: RackOptions

    @Flag(name: .long, help: "Print an array with one object per card (docs/batch.md).")
    var json = false

    func run(in context: CommandContext) async throws {
        let renderer = EventRenderer(
            console: context.console, form: OutputForm(json: false, console: context.console))
        let plan = try await rack.plan(in: context, renderer: renderer)
        let rows = plan.cards.map(Row.init)
        try context.console.answer(
            json: json, rows,
            or: TextTable.columns(
                ["NODE", "ROLE", "ADDRESS", "IMAGE", "FLAVOUR", "DONE", "LEFT"], rows.map(\.columns),
                width: context.console.outputIsTerminal ? context.console.width : nil,
                // What says least about a card's state is left out first.
                spare: ["FLAVOUR", "IMAGE", "ROLE", "ADDRESS"]))
        context.notePrograms(of: plan.cards.map(\.node))
        if json { return }
        let counts = CardState.allCases.map { state in (state, plan.cards.count { $0.state == state }) }
        context.console.note(
            "\(plan.cards.count) \(plan.cards.count == 1 ? "card" : "cards"): "
                + counts.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }.joined(separator: ", ")
        )
    }

    private struct Row: Encodable {
        let node: String
        let role: String?
        let address: String?
        let image: String
        let imageSHA256: String
        let flavour: String
        let configuration: String
        let state: CardState
        let done: String
        let left: String
        let device: String?
        let time: Int64?
        let reason: String?

        enum CodingKeys: String, CodingKey {
            case node, role, address, image, flavour, configuration, state, done, left, device, time, reason
            case imageSHA256 = "image_sha256"
        }

        init(_ card: RackPlan.Card) {
            node = card.name
            role = card.node.swarm?.role.rawValue
            address = card.node.address.map { "\($0.value.address)/\($0.value.prefixLength)" }
            image = card.image.sourceName
            imageSHA256 = card.image.digest
            flavour = card.profile.flavour.rawValue
            configuration = card.configuration
            state = card.state
            done = card.done
            left = card.left
            device = card.last?.device
            time = card.last?.time
            reason = card.last?.reason
        }

        var columns: [String] { [node, role ?? "-", address ?? "DHCP", image, flavour, done, left] }
    }
}

extension RackPlan.Card {
    /// What happened to it last.
    fileprivate var done: String {
        guard let last else { return "-" }
        let day = UTCTime(seconds: last.time).iso8601.prefix { $0 != "T" }
        return switch last.result {
        case .verified: "verified \(day)"
        case .configured: "configured \(day)"
        case .failed: "failed \(day)"
        case .begun, .interrupted: "interrupted \(day)"
        case .written: "not verified \(day)"
        case .redo: "-"
        }
    }

    fileprivate var left: String {
        switch state {
        case .done: "nothing"
        case .stale where last?.image == image.digest: "new settings"
        case .stale: "new image"
        case .pending where isRedone: "write again"
        case .pending, .failed: "write"
        }
    }
}
