import ArgumentParser
import Diagnostics
import Planning
import Recipes
import SystemPackage
import Systems

struct CheckCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check recipes, and report all mistakes at once.",
        discussion: """
            Does everything that `write` does before it touches a card: opens the image
            (and unpacks it if it is not in the cache), reads the secrets, makes each
            node's files and applies them to a copy in memory. Programs of !command are
            not run, and nobody is asked for a !prompt.

            Each mistake is one line: file:line:column, what was found, what is allowed.
            A recipe of several nodes is checked as a whole. A directory means all
            recipes in it, except those that another one extends.

            EXAMPLES
              piflash check recipes/red/red01.yaml
              piflash check recipes/red
              piflash check --no-image --no-secrets recipes/classroom/class.yaml
            """)

    @Argument(help: "Recipe files, or directories of them.", completion: .file(extensions: ["yaml", "yml"]))
    var recipes: [String]

    @Flag(
        name: .long,
        help: "Do not open images, and do not require that they exist: what only they show stays unchecked.")
    var noImage = false

    @Flag(name: .long, help: "Do not read secrets, and do not require that they exist.")
    var noSecrets = false

    /// Stands for --no-image --no-secrets.
    @Flag(name: .long, help: .hidden)
    var withoutImages = false

    @Flag(name: .long, help: "Print one object with the nodes and all diagnostics (docs/recipes.md).")
    var json = false

    func run(in context: CommandContext) async throws {
        let renderer = EventRenderer(
            console: context.console, form: OutputForm(json: false, console: context.console))
        var report = DiagnosticReport()
        var rows: [Row] = []
        var nodes: [Node] = []
        let secrets: any SecretReading =
            noSecrets || withoutImages ? UnreadSecrets() : AvailableSecrets(context.secrets)
        for path in recipes {
            do {
                let rack = try context.loadRack([path], requireImage: opensImages)
                report.merge(DiagnosticReport(rack.warnings))
                let profiles = try await check(rack, reading: secrets, in: context, renderer, &report)
                nodes += rack.nodes
                rows += rack.members.map { Row($0, profiles[$0.node.hostname.value], opensImages: opensImages) }
            } catch let mistakes as DiagnosticReport {
                report.merge(mistakes)
            }
        }
        renderer.closeLine()
        // Recipes that share a file repeat its mistakes: each is reported once.
        report = DiagnosticReport(report.unrepeated.sorted)
        if json {
            let result = Result(nodes: report.hasErrors ? [] : rows, diagnostics: report.diagnostics.map(Entry.init))
            try context.console.answer(json: true, result, or: "")
        }
        guard !report.hasErrors else { throw report }
        context.console.report(report)
        context.notePrograms(of: nodes)
        if !json { for row in rows { context.console.output(row.line) } }
    }

    private var opensImages: Bool { !noImage && !withoutImages }

    /// Returns the system of each node whose image was opened.
    private func check(
        _ rack: LoadedRack, reading secrets: any SecretReading, in context: CommandContext, _ renderer: EventRenderer,
        _ report: inout DiagnosticReport
    ) async throws -> [String: OSProfile] {
        do throws(DiagnosticReport) { try await secrets.readAll(rack.nodes.flatMap(\.secrets)) } catch {
            report.merge(error)
        }
        guard opensImages else { return [:] }
        let (problems, profiles, digests) = try await context.planner(reading: secrets).check(
            rack.nodes, events: renderer.render, isCancelled: context.isCancelled)
        report.merge(problems)
        report.merge(context.unpinnedImages(rack.nodes, digest: { digests[$0.hostname.value] }))
        return profiles
    }

    /// What is said of a node without a mistake.
    private struct Row: Encodable {
        let node: String
        let recipe: String
        /// The flavour's name, if the image was opened.
        let flavour: String?
        /// Whether the image was opened: false without one, too.
        let imageOpened: Bool
        var line: String {
            "\(recipe): \(node): ok" + (imageOpened ? "" : note)
        }
        private let note: String

        init(_ member: LoadedRack.Member, _ profile: OSProfile?, opensImages: Bool) {
            node = member.node.hostname.value
            recipe = member.file
            flavour = profile?.flavour.rawValue
            imageOpened = profile != nil
            note = opensImages ? " (the recipe names no image)" : " (the image was not opened)"
        }

        enum CodingKeys: String, CodingKey { case node, recipe, flavour, imageOpened }
    }

    private struct Entry: Encodable {
        let severity: Diagnostic.Severity
        let file: String?
        let line: Int?
        let column: Int?
        let message: String

        init(_ diagnostic: Diagnostic) {
            severity = diagnostic.severity
            file = diagnostic.location?.file
            line = diagnostic.location?.line
            column = diagnostic.location?.column
            message = diagnostic.text
        }
    }

    private struct Result: Encodable {
        let nodes: [Row]
        let diagnostics: [Entry]
    }
}
