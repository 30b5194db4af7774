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
        abstract: "Make a rack of recipes from a list of managers and workers.",
        discussion: """
            FILE holds "manager:" and "worker:", each a name or a list of names; ranges
            as in red[01-04] stand for several. Makes a directory with a recipe a node
            and shared.yaml, which they extend. Never overwrites a file.

            EXAMPLES
              piflash swarm config hostnames.yaml
              piflash swarm config hostnames.yaml --output recipes/red \\
                --base base.yaml --first-address 192.168.50.10/24
            """)

    @Argument(help: "The list of managers and workers.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Option(
        name: .long, help: ArgumentHelp("Where the recipes go (default: named as FILE).", valueName: "directory"))
    var output: String?

    @Option(
        name: .long, help: ArgumentHelp("The recipe with image, user and so on.", valueName: "recipe"),
        completion: .file(extensions: ["yaml", "yml"]))
    var base: String?

    @Option(
        name: .long, help: ArgumentHelp("The first node's address; the others follow.", valueName: "address/prefix"))
    var firstAddress: String?

    func run(in context: CommandContext) async throws {
        guard let bytes = RecipeLoader.contents(of: context.absolute(file)),
            let text = String(validating: bytes, as: UTF8.self)
        else { throw Failure(.usage, severity: .usage, "\(file): cannot be read, or is no text") }
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
                .usage, severity: .refused, "\(directory) holds \(taken.joined(separator: ", ")) already",
                hint: "remove them, or give another directory with --output")
        }
        try context.user.makeDirectories(place, mode: 0o755)
        for file in draft.files {
            try context.user.replaceFile(place.appending(file.name), with: Array(file.text.utf8))
            context.console.output("\(directory)/\(file.name)")
        }
        context.console.note(
            base == nil
                ? "next: image and user into \(directory)/shared.yaml, then `piflash check \(directory)`"
                : "next: `piflash check \(directory)`")
    }

    /// `target` as seen from `directory`, both absolute: the rack can be moved together with its base.
    static func path(to target: FilePath, from directory: FilePath) -> String {
        let to = Array(target.components.map(\.string)), from = Array(directory.components.map(\.string))
        let common = zip(to, from).prefix { $0 == $1 }.count
        return (Array(repeating: "..", count: from.count - common) + to[common...]).joined(separator: "/")
    }
}
