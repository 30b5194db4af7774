import Diagnostics

/// What is wrong with a compose file. Every text begins with the recipe's key and says at which key of the file the
/// mistake is: "swarm.stacks.compose: services.web.image: …".
struct ComposeProblems {
    private(set) var report = DiagnosticReport()

    mutating func error(at place: Location, _ path: String, _ text: String) {
        report.error(at: place, "swarm.stacks.compose: \(path.isEmpty ? "" : path + ": ")\(text)")
    }

    mutating func warning(at place: Location, _ path: String, _ text: String) {
        report.warning(at: place, "swarm.stacks.compose: \(path.isEmpty ? "" : path + ": ")\(text)")
    }
}
