import ArgumentParser
import Diagnostics
import Recipes

/// The node that a command works on: its recipe, or a rack's recipe and the node's name.
struct RecipeOptions: ParsableArguments {
    @Option(
        name: [.short, .long], help: ArgumentHelp("The recipe of one node or of several.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var recipe: String

    @Option(name: [.short, .long], help: ArgumentHelp("The node, if the recipe has several.", valueName: "name"))
    var node: String?

    /// Reads the recipe and shows its warnings, by `report` if that is given.
    func load(
        in context: CommandContext, requireImage: Bool, report: ((DiagnosticReport) -> Void)? = nil
    ) throws -> Node {
        try context.load(recipe, node: node, requireImage: requireImage, report: report).node
    }
}
