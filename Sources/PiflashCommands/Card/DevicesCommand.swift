import ArgumentParser
import Cards
import Diagnostics
import Fleet
import Host
import Foundation
import SystemPackage

struct DevicesCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices",
        abstract: "List the cards that could be written, and what is on them.",
        discussion: """
            --all also lists the disks that piflash would refuse, with the reason.

            EXAMPLES
              piflash devices
              piflash devices --all
              piflash devices --json
            """)

    @Flag(name: .long, help: "Also list disks that would be refused, and why.")
    var all = false

    @Flag(name: .long, help: "Print a JSON list.")
    var json = false

    func run(in context: CommandContext) async throws {
        let judgement = CardJudgement()
        let judged = BlockDeviceTree().disks().map { facts in
            Row(facts, refusals: judgement.refusals(of: facts, imageSize: nil, protecting: [context.directories.cache]))
        }
        let rows = judged.filter { all || $0.refusals.isEmpty }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            context.console.output(String(decoding: try encoder.encode(rows), as: UTF8.self))
            return
        }
        guard !rows.isEmpty else {
            context.console.note(
                "no card that could be written" + (judged.isEmpty ? "" : "; `piflash devices --all` says why"))
            return
        }
        context.console.output(
            TextTable.columns(
                ["DEVICE", "SIZE", "BUS", "MODEL", "ON IT NOW"],
                rows.map { [$0.device, formatBytes($0.size), $0.bus, $0.model, $0.summary] }))
        for row in rows {
            for reason in row.refusals { context.console.output("refused: \(reason)") }
        }
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

        init(_ facts: DeviceFacts, refusals: [Failure]) {
            device = facts.path.string
            size = facts.size
            bus = facts.bus.rawValue
            model = facts.title
            serial = facts.serial
            let card = CardContentsSummary(of: facts)
            node = card.node
            contents = card.lines
            self.refusals = refusals.map(\.message)
        }

        var summary: String {
            node.map { "card of \($0)" } ?? contents.joined(separator: "; ")
        }
    }
}
