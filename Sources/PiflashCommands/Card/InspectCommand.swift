import Systems
import ArgumentParser
import Diagnostics
import Fleet
import Foundation
import Images
import Provisioning

struct InspectCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Tell whose card this is: node, recipe, image, when.",
        discussion: """
            TARGET is a card's device, an image file, or the directory where the card's
            boot partition is mounted. Of a card that has booted it also tells what the
            first boot reported there.

            EXAMPLES
              piflash inspect /dev/sdb
              piflash inspect --json red01.img
            """)

    @Argument(help: "A device, an image file or a mounted boot directory.", completion: .file())
    var target: String

    @Flag(name: .long, help: "Print the card's record as JSON.")
    var json = false

    func run(in context: CommandContext) async throws {
        let reading = try CardReading(at: context.absolute(target))
        guard let record = reading.record else {
            throw Failure(
                .init("commands.no-record"),
                "\(target): piflash has not prepared this card (there is no \(CardReading.recordPath) on it)",
                hint: "`piflash devices` shows what is on every card")
        }
        let report = try reading.firstBootStatus().flatMap { FirstBootStatus($0) }
        if json { return context.console.output(try Self.json(record, report)) }
        var rows = [("node", record.node), ("recipe", "\(record.recipe)  sha256 \(record.recipeDigest)")]
        if let image = record.image { rows.append(("image", "\(image.name)  sha256 \(image.digest)")) }
        if let flavour = record.flavour { rows.append(("system", flavour.title)) }
        rows.append(("written", record.writtenAtText))
        rows.append(("by", "piflash \(record.version)"))
        if let report {
            rows.append(("first boot", report.summary))
            if let since = report.since { rows.append(("since", since)) }
        }
        context.console.output(TextTable.pairs(rows))
    }

    /// The record as it stands on the card, and what the first boot reported as one more member.
    private static func json(_ record: CardRecord, _ report: FirstBootStatus?) throws -> String {
        let text = String(decoding: record.encoded, as: UTF8.self)
        guard let report, var object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
            return text
        }
        var fields = ["state": report.state]
        fields["step"] = report.step
        fields["since"] = report.since
        fields["waiting_for"] = report.waitingFor
        fields["last_error"] = report.lastError
        object["first_boot"] = fields
        let data = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }
}
