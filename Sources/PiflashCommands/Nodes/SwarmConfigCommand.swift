import ArgumentParser
import Diagnostics
import FoundationEssentials
import Host
import Recipes
import Setups
import SystemPackage

struct SwarmConfigCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Make the recipes of a rack from a list of managers and workers.",
        discussion: """
            FILE has "manager:" and "worker:", each with a name or a list of names;
            red[01-04] means four names. Makes a directory with one recipe per node and
            shared.yaml, which they all extend. Never overwrites a file.

            EXAMPLES
              piflash swarm config hostnames.yaml
              piflash swarm config hostnames.yaml --output recipes/red \\
                --base base.yaml --first-address 192.168.50.10/24
            """)

    @Argument(help: "The list of managers and workers.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Option(
        name: .long, help: ArgumentHelp("The directory for the recipes (default: FILE's name).", valueName: "directory")
    )
    var output: String?

    @Option(
        name: .long, help: ArgumentHelp("A recipe with the image, the user and so on.", valueName: "recipe"),
        completion: .file(extensions: ["yaml", "yml"]))
    var base: String?

    @Option(
        name: .long, help: ArgumentHelp("The first node's address; the others follow.", valueName: "address/prefix"))
    var firstAddress: String?

    func run(in context: CommandContext) async throws {
        guard let bytes = RecipeLoader.contents(of: context.absolute(file)),
            let text = String(validating: bytes, as: UTF8.self)
        else { throw Failure(.usage, severity: .usage, "\(file): cannot be read, or is not text") }
        let roster = try SwarmRoster(parsing: text, file: file)
        let directory = output ?? FilePath(file).removingLastComponent().appending(FilePath(file).stem ?? "rack").string
        let place = context.absolute(directory)
        if let base, RecipeLoader.contents(of: context.absolute(base)) == nil {
            throw Failure(.usage, severity: .usage, "there is no recipe \(base)")
        }
        let draft = try RackDraft(
            roster, base: base.map { Self.path(to: context.absolute($0), from: place) }, firstAddress: firstAddress)
        let taken = draft.files.map(\.name).filter {
            FileManager.default.fileExists(atPath: place.appending($0).string)
        }
        guard taken.isEmpty else {
            throw Failure(
                .usage, severity: .refused, "\(directory) already has \(taken.joined(separator: ", "))",
                hint: "remove them, or choose another directory with --output")
        }
        let made = try PrivateDirectory.make(place, for: .output(mode: 0o755))
        for file in draft.files {
            try made.replace(file.name, with: Array(file.text.utf8), mode: 0o644)
            context.console.output("\(directory)/\(file.name)")
        }
        context.console.note(
            base == nil
                ? "next: add image and user to \(directory)/shared.yaml, then run `piflash check \(directory)`"
                : "next: run `piflash check \(directory)`")
    }

    /// The path of `target` relative to `directory`, both absolute: the rack can be moved together with its base.
    static func path(to target: FilePath, from directory: FilePath) -> String {
        let to = Array(target.components.map(\.string)), from = Array(directory.components.map(\.string))
        let common = zip(to, from).prefix { $0 == $1 }.count
        return (Array(repeating: "..", count: from.count - common) + to[common...]).joined(separator: "/")
    }
}
