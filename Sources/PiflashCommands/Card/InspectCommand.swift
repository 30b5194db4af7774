import Systems
import ArgumentParser
import Diagnostics
import Planning
import Images
import Provisioning
import Text

struct InspectCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show which node a card is for: node, recipe, image, time.",
        discussion: """
            TARGET is a card's device, an image file, or the directory where the card's
            boot partition is mounted. If the card has booted, also shows the last report
            of its first boot, and since when its step lasts, by the node's clock.

            EXAMPLES
              piflash inspect /dev/sdb
              piflash inspect --json red01.img
            """)

    @Argument(help: "A device, an image file or a mounted boot directory.", completion: .file())
    var target: String

    @Flag(name: .long, help: "Print the card's record as JSON.")
    var json = false

    func run(in context: CommandContext) async throws {
        let reading = try InspectedCard(at: context.absolute(target))
        guard let record = reading.record else {
            if let node = reading.unfinishedNode {
                throw Failure(
                    .init("commands.unfinished-edit"),
                    "\(target): an edit of this card to \(node) was begun and not finished",
                    hint: "run `piflash configure` with its recipe again")
            }
            throw Failure(
                .init("commands.no-record"),
                "\(target): piflash did not write this card (it has no \(InspectedCard.recordPath))",
                hint: "`piflash devices` shows what is on each card")
        }
        let report = try reading.firstBootStatus().flatMap { FirstBootStatus($0) }
        if json {
            return context.console.output(json: try Self.json(record, report, unfinished: reading.unfinishedNode))
        }
        var rows = [("node", record.node), ("recipe", "\(record.recipe)  sha256 \(record.recipeDigest)")]
        if let image = record.image { rows.append(("image", "\(image.name)  sha256 \(image.digest)")) }
        if let flavour = record.flavour { rows.append(("system", flavour.title)) }
        if let problem = record.mechanismProblem { rows.append(("not by its own way", problem)) }
        rows.append(("written", record.writtenAtText))
        rows.append(("by", "piflash \(record.version)"))
        if let node = reading.unfinishedNode {
            rows.append(
                ("unfinished", "an edit to \(node) was begun and not finished: run `piflash configure` again"))
            if let problem = reading.root?.problem { rows.append(("but", problem)) }
        }
        if let report {
            rows.append(("first boot", report.summary))
            for (name, text) in [("since", report.since), ("repaired", report.repaired), ("clock", report.clock)] {
                if let text { rows.append((name, text)) }
            }
        }
        context.console.output(TextTable.pairs(rows))
    }

    /// The card's record, with the node of an edit that was not finished and the report of the first boot as further
    /// members.
    private static func json(
        _ record: CardRecord, _ report: FirstBootStatus?, unfinished: String?
    ) throws -> String {
        guard report != nil || unfinished != nil, case .object(var members) = try JSONValue(parsing: record.encoded)
        else {
            return String(decoding: record.encoded, as: UTF8.self)
        }
        if let unfinished { members.append(JSONValue.Member("unfinished_edit", .string(unfinished))) }
        guard let report else { return JSONValue.object(members).prettyText }
        let fields = [
            ("state", report.state), ("step", report.step), ("since", report.since),
            ("waiting_for", report.waitingFor), ("last_error", report.lastError), ("repaired", report.repaired),
            ("clock", report.clock),
        ]
        let known = fields.compactMap { name, text in text.map { JSONValue.Member(name, .string($0)) } }
        return JSONValue.object(members + [JSONValue.Member("first_boot", .object(known))]).prettyText
    }
}
