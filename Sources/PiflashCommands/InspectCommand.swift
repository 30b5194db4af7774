import ArgumentParser
import Diagnostics
import Fleet
import Images
import Provisioning

struct InspectCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Tell whose card this is: node, recipe, image, when.",
        discussion: """
            TARGET is a card's device, an image file, or the directory where the card's
            boot partition is mounted.

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
        if json {
            context.console.output(String(decoding: record.encoded, as: UTF8.self))
            return
        }
        var rows = [("node", record.node), ("recipe", "\(record.recipe)  sha256 \(record.recipeDigest)")]
        if let image = record.image { rows.append(("image", "\(image.name)  sha256 \(image.digest)")) }
        if let flavour = record.flavour { rows.append(("system", flavour.title)) }
        rows.append(("written", record.writtenAtText))
        rows.append(("by", "piflash \(record.version)"))
        if let status = try reading.firstBootStatus() { rows.append(("first boot", status)) }
        context.console.output(TextTable.pairs(rows))
    }
}
