import ArgumentParser
import Diagnostics
import Planning
import Images

struct ImageInfoCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Show what an image or a card is, and how it is configured.",
        discussion: """
            FILE is an image, packed (zip, xz, gz, bz2, zst, lz4, 7z, tar) or not, or a card's device.
            piflash unpacks a file into the cache, as `piflash write` does, and changes
            nothing in it.

            With --pin, FILE is a recipe. piflash writes the SHA-256 of its image's file
            into it, as image.sha256, and changes nothing else: from then on no other
            file is accepted. Compare it with what the vendor publishes.

            EXAMPLES
              piflash image info hypriotos-rpi-v1.12.3.img.zip
              piflash image info --json /dev/sdb
              piflash image info --pin recipes/red/red.yaml
            """)

    @Argument(help: "An image, packed or not, or a card's device.", completion: .file())
    var file: String

    @Flag(name: .long, help: "Write the SHA-256 of a recipe's image into the recipe.")
    var pin = false

    @Flag(name: .long, help: "Print one JSON object (docs/image-info.md).")
    var json = false

    func validate() throws {
        guard !pin || !json else { throw ValidationError("--pin prints no JSON") }
    }

    func run(in context: CommandContext) async throws {
        // Standard output gets only the result; progress goes to standard error.
        let renderer = EventRenderer(
            console: context.console, form: OutputForm(json: false, console: context.console))
        defer { renderer.closeLine() }
        if pin { return try context.pinImages(of: file, events: renderer.render) }
        let reading = try InspectedImage(
            at: context.absolute(file), cache: ImageCache(directories: context.directories), events: renderer.render,
            isCancelled: context.isCancelled)
        renderer.closeLine()
        try context.console.answer(json: json, ImageInfoObject(file: file, reading), or: reading.text(of: file))
    }
}
