import ArgumentParser
import Cards
import Diagnostics
import Planning
import Racks
import Provisioning
import Recipes
import Systems

struct ConfigureCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "configure",
        abstract: "Put a recipe's settings on a card that is already written.",
        discussion: """
            Changes only the files with the node's settings, on the boot and the root
            partition; the image itself stays. A card that matches the recipe stays as it
            is, byte for byte. Settings take effect at the card's next boot.

            TARGET is a card's device, an image file, or the directory where the card's
            boot partition is mounted. In such a directory, piflash refuses settings that
            belong on the root partition.

            EXAMPLES
              piflash configure --recipe recipes/red/red01.yaml /dev/sdb
              piflash configure --recipe recipes/red/red01.yaml /media/me/bootfs
            """)

    @OptionGroup var recipe: RecipeOptions

    @Argument(help: "A device, an image file or a mounted boot directory.", completion: .file())
    var target: String

    @Flag(name: [.short, .long], help: "Do not ask before changing a device. Safety checks still apply.")
    var yes = false

    func run(in context: CommandContext) async throws {
        let node = try recipe.load(in: context, requireImage: false)
        let path = context.absolute(target)
        let target = try ConfigurationTarget(path, chooser: context.chooser(for: node))
        let secrets = context.secrets
        let reading = try InspectedCard(at: target.path)
        let change = try await Reconfiguration(
            of: node, on: reading,
            in: RackState(of: node).secrets(for: node, on: reading, now: context.now()),
            secrets: secrets, version: PiflashVersion.current, now: context.now(),
            isCancelled: context.isCancelled)
        context.console.report(DiagnosticReport(change.provision.warnings))
        let planner = context.planner(reading: secrets)
        func apply() async throws {
            let run = try await CardRun.single(
                node, at: target, image: reading.record?.image?.digest, planner: planner,
                warn: context.console.note)
            _ = try await run.configure(at: target, time: context.now()) { change }
        }
        guard !change.isEmpty else {
            try await apply()
            context.console.output("\(self.target): is \(node.hostname.value) already; nothing to change")
            return
        }
        if case .device(let facts) = target {
            try Confirmation(console: context.console, yes: yes).ask(
                about: .device(facts), to: "change its settings to those of \(node.hostname.value)")
        }
        try await apply()
        context.console.output("\(self.target): is \(node.hostname.value) now")
        for file in change.changedFiles { context.console.output("  \(file)") }
        for file in change.changedRootFiles { context.console.output("  \(file)  (root partition)") }
    }
}
