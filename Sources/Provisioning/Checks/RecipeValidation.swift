package import Diagnostics
package import Recipes
import Stacks

/// The stage between reading recipes and everything that is done with them: `check`, `plan`, `write` and all other
/// commands go through it.
///
/// A recipe is decoded without knowing dockerd and the files that piflash writes. This stage adds what the model of dockerd
/// refuses in every version, and files of the recipe that no image can have at their path, and only then throws, so that all mistakes of both are reported at once. Provisioner goes on with what depends on the image.
package enum RecipeValidation {
    /// The nodes of `reading`; throws all mistakes at once if there is an error.
    package static func validate(_ reading: RecipeReading) throws(DiagnosticReport) -> LoadedRack {
        try checked(reading).loaded()
    }

    /// The node of a reading that is about one; throws all mistakes at once if there is an error.
    package static func validateOne(_ reading: RecipeReading) throws(DiagnosticReport) -> LoadedRecipe {
        try checked(reading).loadedRecipe()
    }

    private static func checked(_ reading: RecipeReading) -> RecipeReading {
        var reading = reading
        // Most nodes of a rack have the same section.
        var seen: Set<Node.Docker> = []
        for docker in reading.docker where seen.insert(docker).inserted {
            reading.report.merge(DaemonConfiguration.errors(in: docker))
        }
        for file in reading.files {
            guard let problem = FileChecks.problem(file) else { continue }
            reading.report.error(at: file.path.location, "first_boot.files: \(problem)")
        }
        for member in reading.members { reading.report.merge(LoginChecks.warnings(member.node)) }
        addStacks(&reading)
        return reading
    }

    /// What every version of Docker refuses in the compose files. What depends on the version, and the warnings, are reported
    /// once the image is known.
    private static func addStacks(_ reading: inout RecipeReading) {
        // Most nodes of a rack have the same stacks.
        var seen: Set<[Node.Swarm.Stack]> = []
        for swarm in reading.swarms where !swarm.stacks.isEmpty && seen.insert(swarm.stacks).inserted {
            var report = DiagnosticReport()
            let sources = swarm.stacks.compactMap { StackSource(reading: $0, &report) }
            report.merge(StackValidation(sources, of: swarm, engine: nil).report)
            reading.report.merge(DiagnosticReport(report.errors))
        }
    }
}
