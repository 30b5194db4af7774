import ArgumentParser
import Diagnostics
import Fleet
import Foundation
import Images

struct ImageInfoCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Tell what an image or a card is, and how it is configured.",
        discussion: """
            FILE is an image, packed (zip, xz, gz, bz2, zst) or not, or a card's device.
            A file is unpacked into the cache, as `piflash write` does. Nothing of it is
            changed.

            EXAMPLES
              piflash image info hypriotos-rpi-v1.12.3.img.zip
              piflash image info --json /dev/sdb
            """)

    @Argument(help: "An image, packed or not, or a card's device.", completion: .file())
    var file: String

    @Flag(name: .long, help: "Print one JSON object (docs/image-info.md).")
    var json = false

    func run(in context: CommandContext) async throws {
        // The output is the answer alone; progress goes to standard error in either form.
        let renderer = EventRenderer(
            console: context.console, form: EventRenderer.form(json: false, console: context.console))
        defer { renderer.closeLine() }
        let reading = try ImageReading(
            at: context.absolute(file), cache: ImageCache(directories: context.directories), events: renderer.render,
            isCancelled: context.isCancelled)
        renderer.closeLine()
        guard json else { return context.console.output(reading.text(of: file)) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let object = ImageInfoObject(file: file, reading)
        context.console.output(String(decoding: try encoder.encode(object), as: UTF8.self))
    }
}
