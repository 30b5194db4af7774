import ArgumentParser
import Diagnostics
import Fleet
import Recipes

/// The rack that a command is about: its nodes, what each image is, and what is done.
struct RackOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp("Recipe files, or directories of them.", valueName: "rack"),
        completion: .file(extensions: ["yaml", "yml"]))
    var racks: [String]

    /// Reads recipes and images and shows what is worth saying; no secret is read.
    func plan(in context: CommandContext, renderer: EventRenderer) async throws -> RackPlan {
        let loaded = try context.loader(requireImage: true).loadRack(racks)
        let plan = try await context.planner(reading: UnreadSecrets()).rack(
            loaded.nodes, events: renderer.render, isCancelled: context.isCancelled)
        renderer.closeLine()
        // Recipes that share a file repeat its warnings.
        context.console.report(DiagnosticReport(loaded.warnings + plan.warnings).unrepeated)
        if plan.damagedLines > 0 {
            context.console.note(
                "warning: \(plan.damagedLines) lines of the rack's ledger are damaged and left out (.piflash/ledger)")
        }
        return plan
    }
}
