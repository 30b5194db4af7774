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
            With --all, also lists the disks that piflash refuses, with the reason.

            EXAMPLES
              piflash devices
              piflash devices --all
              piflash devices --json
            """)

    @Flag(name: .long, help: "Also list disks that piflash refuses, and why.")
    var all = false

    @Flag(name: .long, help: "Print a JSON list.")
    var json = false

    func run(in context: CommandContext) async throws {
        let validation = CardValidation()
        let known = BlockDeviceTree().disks().map { facts in
            Row(
                facts, problems: validation.problems(of: facts, imageSize: nil, protecting: [context.directories.cache])
            )
        }
        let rows = known.filter { all || $0.refusals.isEmpty }
        guard json || !rows.isEmpty else {
            context.console.note(
                "no card that can be written" + (known.isEmpty ? "" : "; `piflash devices --all` says why"))
            return
        }
        try context.console.answer(json: json, rows, or: Self.text(of: rows))
    }

    private static func text(of rows: [Row]) -> String {
        let table = TextTable.columns(
            ["DEVICE", "SIZE", "BUS", "MODEL", "ON IT NOW"],
            rows.map { [$0.device, formatBytes($0.size), $0.bus, $0.model, $0.summary] })
        return ([table] + rows.flatMap(\.refusals).map { "refused: \($0)" }).joined(separator: "\n")
    }

    private struct Row: Encodable {
        let device: String
        let size: Int64
        let bus: String
        let model: String
        let serial: String?
        let node: String?
        let contents: [String]
        let refusals: [String]

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
        }

        var summary: String {
            node.map { "card of \($0)" } ?? contents.joined(separator: "; ")
        }
    }
}
