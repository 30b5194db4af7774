import ArgumentParser
import Cards
import Diagnostics
import Fleet
import Provisioning
import Recipes

struct ConfigureCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "configure",
        abstract: "Put a recipe's settings on a card that is already written.",
        discussion: """
            Only the files change that hold the node's settings, on the boot and in the
            root partition; the image itself stays. A card that is as the recipe wants it
            is left alone, byte for byte. Settings take effect at the card's next boot.

            TARGET is a card's device, an image file, or the directory where the card's
            boot partition is mounted; there, settings that belong in the root partition
            are refused.

            EXAMPLES
              piflash configure --recipe recipes/red/red01.yaml /dev/sdb
              piflash configure --recipe recipes/red/red01.yaml /media/me/bootfs
            """)

    @OptionGroup var recipe: RecipeOptions

    @Argument(help: "A device, an image file or a mounted boot directory.", completion: .file())
    var target: String

    @Flag(name: [.short, .long], help: "Do not ask before changing a device. Overrides no safety refusal.")
    var yes = false

    func run(in context: CommandContext) async throws {
        let node = try recipe.load(in: context, requireImage: false)
        let path = context.absolute(target)
        let target = try ConfigurationTarget(path, chooser: context.chooser(for: node))
        let secrets = context.secrets
        let reading = try CardReading(at: target.path)
        let change = try await Reconfiguration(
            of: node, on: reading, user: context.user, secrets: secrets, version: PiflashCommand.version,
            now: context.now())
        context.console.report(DiagnosticReport(change.provision.warnings))
        let planner = context.planner(reading: secrets)
        guard !change.isEmpty else {
            try await planner.apply(change, of: node, on: reading, to: target, tell: context.console.note)
            context.console.output("\(self.target): is \(node.hostname.value) already; nothing to change")
            return
        }
        if case .device(let facts) = target {
            try Confirmation(console: context.console, yes: yes).ask(
                about: .device(facts), to: "change its settings to those of \(node.hostname.value)")
        }
        try await planner.apply(change, of: node, on: reading, to: target, tell: context.console.note)
        context.console.output("\(self.target): is \(node.hostname.value) now")
        for file in change.changedFiles { context.console.output("  \(file)") }
        for file in change.changedRootFiles { context.console.output("  \(file)  (root partition)") }
    }
}
