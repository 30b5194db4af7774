import ArgumentParser
import Diagnostics
import Recipes
import SystemPackage

struct CheckCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check recipes, and report all mistakes at once.",
        discussion: """
            Each mistake is one line: file:line:column, what was found, what is allowed.
            Secrets are not read. A recipe of several nodes is checked as a whole. A
            directory means all recipes in it, except those that another one extends.

            EXAMPLES
              piflash check recipes/red/red01.yaml
              piflash check recipes/red
              piflash check --without-images recipes/classroom/class.yaml
            """)

    @Argument(help: "Recipe files, or directories of them.", completion: .file(extensions: ["yaml", "yml"]))
    var recipes: [String]

    @Flag(name: .long, help: "Do not require the recipes' images to exist.")
    var withoutImages = false

    func run(in context: CommandContext) async throws {
        var report = DiagnosticReport()
        var lines: [String] = []
        for path in recipes {
            do {
                let rack = try context.loadRack([path], requireImage: !withoutImages)
                report.merge(DiagnosticReport(rack.warnings))
                for member in rack.members { lines.append("\(member.file): \(member.node.hostname.value): ok") }
            } catch let mistakes as DiagnosticReport {
                report.merge(mistakes)
            }
        }
        // Recipes that share a file repeat its mistakes: each is reported once.
        report = DiagnosticReport(report.unrepeated.sorted)
        guard !report.hasErrors else { throw report }
        context.console.report(report)
        for line in lines { context.console.output(line) }
    }
}
