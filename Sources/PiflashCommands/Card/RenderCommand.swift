import Systems
import ArgumentParser
import Diagnostics
import Planning
import Racks
import Images
import Provisioning
import Recipes
import SystemPackage

struct RenderCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "render",
        abstract: "Show what a recipe puts on a card.",
        discussion: """
            Lists the files on the boot partition, on the root partition, and those that
            the first boot writes on the node. Secrets are not read; placeholders replace
            them.

            --into writes them to a directory: boot/, root/ and node/.
            --diff compares with a card, an image file or a mounted boot directory. It
            reads the secrets to compare them, and shows them masked.

            EXAMPLES
              piflash render --recipe recipes/red/red01.yaml
              piflash render --recipe recipes/classroom/class.yaml --node pi03
              piflash render --recipe recipes/red/red01.yaml --into /tmp/red01
              piflash render --recipe recipes/red/red01.yaml --diff /dev/sdb
            """)

    @OptionGroup var recipe: RecipeOptions

    @Option(name: .long, help: ArgumentHelp("Write the files to this new directory.", valueName: "directory"))
    var into: String?

    @Option(name: .long, help: ArgumentHelp("Compare with this device, image file or directory.", valueName: "target"))
    var diff: String?

    @Flag(name: .long, help: "Show the contents of the files, not only their names.")
    var contents = false

    func validate() throws {
        if into != nil, diff != nil { throw ValidationError("use either --into or --diff, not both") }
    }

    func run(in context: CommandContext) async throws {
        let node = try recipe.load(in: context, requireImage: diff == nil)
        if let diff { return try await showDifferences(of: node, from: diff, in: context) }
        let plan = try await context.planner(reading: UnreadSecrets()).preview(
            for: node, events: EventRenderer(console: context.console, form: .plain).render,
            isCancelled: context.isCancelled)
        context.console.report(DiagnosticReport(plan.provision.warnings))
        let tree = RenderedTree(plan.provision)
        if let into {
            let count = try tree.write(into: context.absolute(into))
            context.console.output("\(into): \(count) files")
        } else {
            context.console.output("\(node.hostname.value) on \(plan.profile.flavour.title)")
            context.console.output(tree.text(contents: contents))
        }
    }

    private func showDifferences(of node: Node, from target: String, in context: CommandContext) async throws {
        let reading = try InspectedCard(at: context.absolute(target))
        let change = try await Reconfiguration(
            of: node, on: reading,
            in: RackState(of: node).secrets(
                for: node, on: reading, now: context.now(), isTrial: true),
            secrets: context.secrets, version: PiflashVersion.current, now: context.now(),
            isCancelled: context.isCancelled)
        guard !change.isEmpty else {
            context.console.output("\(target): no difference")
            return
        }
        for path in change.changedFiles {
            context.console.output(try change.differenceText(of: path, on: reading.files))
        }
        for path in change.changedRootFiles { context.console.output("root partition: \(path)") }
    }
}
