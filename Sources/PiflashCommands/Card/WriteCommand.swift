import Systems
import ArgumentParser
import Cards
import Diagnostics
import Planning
import Racks
import Images
import Provisioning
import Recipes
import Storage

struct WriteCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "write",
        abstract: "Write one node's card, and read everything back.",
        discussion: """
            Unpacks the image once (into the cache), adds the node's settings, and
            checks everything before it writes the first byte. On a first run, the card
            is written while the image is still being unpacked. The card's first block
            is written last: a card that failed, or was pulled out, has no partition
            table and never looks finished.

            TARGET is a whole disk such as /dev/sdb or /dev/mmcblk0, or a file whose
            name ends in .img. piflash refuses a disk that is mounted, used for swap or
            in use otherwise, and the system's disk; no option changes that.

            EXAMPLES
              piflash write --recipe recipes/red/red01.yaml /dev/sdb
              piflash write --recipe recipes/red/red01.yaml --yes /dev/mmcblk0
              piflash write --recipe recipes/red/red01.yaml --wipe /dev/sdb
              piflash write --recipe recipes/red/red01.yaml red01.img
              piflash write --recipe recipes/classroom/class.yaml --node pi03 /dev/sdb
            """)

    @OptionGroup var recipe: RecipeOptions
    @OptionGroup var writing: WriteOptions

    @Argument(help: "The card's device, or a file whose name ends in .img.", completion: .file())
    var target: String

    @Flag(name: [.short, .long], help: "Do not ask before writing. Safety checks still apply.")
    var yes = false

    @Flag(name: .long, help: "Print events as JSON lines (docs/events.md).")
    var json = false

    func run(in context: CommandContext) async throws {
        let renderer = EventRenderer(
            console: context.console, form: OutputForm(json: json, console: context.console))
        do {
            try await run(in: context, renderer: renderer)
        } catch let failure as Failure {
            renderer.renderFailure(failure)
            throw failure
        } catch let mistakes as DiagnosticReport {
            renderer.renderMistakes(mistakes)
            throw mistakes
        }
    }

    private func run(in context: CommandContext, renderer: EventRenderer) async throws {
        let node = try recipe.load(in: context, requireImage: true, report: renderer.report)
        let chooser = context.chooser(for: node)
        // The card is validated before the image is unpacked too: a refusal should not wait for that.
        let chosen = try chooser.choose(context.absolute(target))
        let planner = context.planner(reading: context.secrets)
        let plan = try await planner.planUnpacking(
            for: node, in: RackState(of: node).secrets(for: node, now: context.now()),
            events: renderer.render, isCancelled: context.isCancelled)
        // On a first run the image is still being unpacked; if no card is written from it, it is not kept.
        defer { plan.image.cancel() }
        renderer.report(DiagnosticReport(plan.provision.warnings))
        try chooser.validate(chosen, imageSize: plan.content.size)
        try Confirmation(console: context.console, yes: yes).ask(
            about: chosen, to: "write \(plan.node.hostname.value) (\(plan.profile.flavour.title)) to it")
        let card = try chooser.open(chosen, imageSize: plan.content.size)
        let run = try await CardRun.single(
            node, at: ConfigurationTarget(chosen), image: plan.image.finished?.digest, planner: planner,
            observer: renderer, warn: renderer.notice)
        let summary = try await run.write(options: writing.options, isCancelled: context.isCancelled) { (plan, card) }
        renderer.cardDone(
            plan.node.hostname.value, target: card.name, summary, imageDigest: plan.image.finished?.digest ?? "")
        renderer.report(context.unpinnedImages([node], digest: { _ in plan.image.finished?.sourceDigest }))
        renderer.note(
            "\(plan.node.hostname.value): written to \(chosen.path) and verified, "
                + "\(formatBytes(plan.content.size)); it configures itself at its first boot")
    }
}
