import ArgumentParser
import Recipes

struct SchemaCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of recipes, for editors.",
        discussion: """
            EXAMPLE
              piflash schema > piflash.schema.json
            then write in a recipe's first line:
              # yaml-language-server: $schema=piflash.schema.json
            """)

    func run(in context: CommandContext) async throws { context.console.output(json: RecipeSchema.json()) }
}
