import ArgumentParser
import Diagnostics
import Images
import Racks
import Recipes

/// The rack that a command works on.
struct RackOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp("Recipe files, or directories of them.", valueName: "rack"),
        completion: .file(extensions: ["yaml", "yml"]))
    var racks: [String]

    /// Reads recipes and images, without secrets, and shows the warnings.
    func plan(in context: CommandContext, renderer: EventRenderer) async throws -> RackPlan {
        let loaded = try context.loadRack(racks, requireImage: true)
        let plan = try await context.planner(reading: UnreadSecrets()).rack(
            loaded.nodes, events: renderer.render, isCancelled: context.isCancelled)
        // Recipes that share a file repeat its warnings.
        renderer.report(DiagnosticReport(loaded.warnings + plan.warnings).unrepeated)
        let digests = Dictionary(plan.cards.map { ($0.name, $0.image.sourceDigest) }, uniquingKeysWith: { $1 })
        renderer.report(context.unpinnedImages(loaded.nodes, digest: { digests[$0.hostname.value] }))
        if plan.damagedLines > 0 {
            context.console.note(
                "warning: \(plan.damagedLines) lines of the rack's ledger are damaged and skipped (.piflash/ledger)")
        }
        return plan
    }
}
