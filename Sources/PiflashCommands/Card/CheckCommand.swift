import ArgumentParser
import Diagnostics
import Recipes
import SystemPackage

struct CheckCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check recipes, and report every mistake at once.",
        discussion: """
            Each mistake is one line: file:line:column, what was found, what is allowed.
            Secrets are not read. A recipe of several nodes is checked as a whole. A
            directory stands for the recipes in it that no other one there extends.

            EXAMPLES
              piflash check recipes/red/red01.yaml
              piflash check recipes/red
              piflash check --without-images recipes/classroom/class.yaml
            """)

    @Argument(help: "Recipe files, or directories of them.", completion: .file(extensions: ["yaml", "yml"]))
    var recipes: [String]

    @Flag(name: .long, help: "Do not require that the images named by the recipes are there.")
    var withoutImages = false

    func run(in context: CommandContext) async throws {
        let loader = context.loader(requireImage: !withoutImages)
        var report = DiagnosticReport()
        var lines: [String] = []
        for path in recipes {
            do {
                let rack = try loader.loadRack([path])
                report.merge(DiagnosticReport(rack.warnings))
                for member in rack.members { lines.append("\(member.file): \(member.node.hostname.value): ok") }
            } catch let mistakes as DiagnosticReport {
                report.merge(mistakes)
            }
        }
        // Recipes that share a file repeat its mistakes: each is said once.
        report = DiagnosticReport(report.unrepeated.sorted)
        guard !report.hasErrors else { throw report }
        context.console.report(report)
        for line in lines { context.console.output(line) }
    }
}
