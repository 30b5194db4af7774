import ArgumentParser
import Cards
import Diagnostics
import Planning
import Racks
import Host
import SystemPackage

struct DevicesCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices",
        abstract: "List the cards that can be written, and what is on them.",
        discussion: """
            Cards and USB disks that piflash refuses now, such as one that the desktop has mounted, follow with the reason. With
            --all, so do all other disks.

            EXAMPLES
              piflash devices
              piflash devices --all
              piflash devices --json
            """)

    @Flag(name: .long, help: "Also list all other disks, and why piflash refuses them.")
    var all = false

    @Flag(name: .long, help: "Print a JSON list.")
    var json = false

    func run(in context: CommandContext) async throws {
        let validation = CardValidation()
        let known = BlockDeviceTree().disks().map { facts in
            (
                facts: facts,
                problems: validation.problems(of: facts, imageSize: nil, protecting: [context.directories.cache])
            )
        }
        let listing = DeviceListing(known, all: all)
        if !json, listing.rows.allSatisfy({ !$0.refusals.isEmpty }) {
            let rest = known.count > listing.rows.count ? "; `piflash devices --all` says why" : ""
            context.console.note("no card that can be written" + (listing.rows.isEmpty ? rest : ""))
        }
        guard json || !listing.rows.isEmpty else { return }
        try context.console.answer(json: json, listing.rows, or: listing.text)
    }
}

/// The disks that `piflash devices` lists: those that can be written, and those that somebody may miss among them.
struct DeviceListing {
    let rows: [Row]

    /// - Parameter all: Whether disks are listed, too, that cannot be taken for a card.
    init(_ disks: [(facts: DeviceFacts, problems: [Failure])], all: Bool) {
        rows = disks.filter { all || $0.problems.isEmpty || $0.facts.mayBeCard }.map {
            Row($0.facts, problems: $0.problems)
        }
    }

    var text: String {
        let writable = rows.filter(\.refusals.isEmpty)
        let table = TextTable.columns(
            ["DEVICE", "SIZE", "BUS", "MODEL", "ON IT NOW"],
            writable.map { [$0.device, formatBytes($0.size), $0.bus, $0.model, $0.summary] })
        let refused = rows.filter { !$0.refusals.isEmpty }.flatMap { row in
            ["", "\(row.device) (\(formatBytes(row.size)), \(row.bus), \(row.model)) cannot be written now:"]
                + zip(row.refusals, row.hints).flatMap { refusal, hint in
                    ["  \(refusal)"] + (hint.isEmpty ? [] : ["    hint: \(hint)"])
                }
        }
        return ((writable.isEmpty ? [] : [table]) + (writable.isEmpty ? Array(refused.dropFirst()) : refused))
            .joined(separator: "\n")
    }

    struct Row: Encodable {
        let device: String
        let size: Int64
        let bus: String
        let model: String
        let serial: String?
        let node: String?
        let contents: [String]
        let refusals: [String]
        /// What to do about each of them; empty if there is nothing.
        let hints: [String]

        init(_ facts: DeviceFacts, problems: [Failure]) {
            device = facts.path.string
            size = facts.size
            bus = facts.bus.rawValue
            model = facts.title
            serial = facts.serial
            let card = CardContentsSummary(of: facts)
            node = card.node
            contents = card.lines
            refusals = problems.map(\.message)
            // A disk that can never be a card must not come with advice to unmount it.
            let isFinal = problems.contains { CardValidation.finalCodes.contains($0.code) }
            hints = problems.map { isFinal ? "" : $0.hint ?? "" }
        }

        var summary: String {
            node.map { "card of \($0)" } ?? contents.joined(separator: "; ")
        }
    }
}
