import Diagnostics
import Docker
import Recipes
import Stacks
import SystemPackage
import TestSupport

/// Compose files in a directory, read as the stacks of a recipe beside them.
struct StackHarness {
    let scratch = ScratchDirectory()
    static let place = Location(file: "r.yaml", line: 1, column: 1)

    /// The report about one stack: what reading finds, and what validation finds.
    func report(
        _ compose: String, _ files: [String: String] = [:], environment: [String] = [], networks: [String] = [],
        engine: EngineVersion? = nil
    ) -> DiagnosticReport {
        report([("web", compose)], files, environment: environment, networks: networks, engine: engine)
    }

    func report(
        _ stacks: [(name: String, compose: String)], _ files: [String: String] = [:], environment: [String] = [],
        networks: [String] = [], engine: EngineVersion? = nil
    ) -> DiagnosticReport {
        var report = DiagnosticReport()
        let sources = sources(stacks, files, environment: environment, &report)
        let swarm = Node.Swarm(
            managers: [], role: .manager, networks: networks.map { .init(name: Located($0, at: Self.place)) },
            stacks: sources.map(\.stack), location: Self.place)
        report.merge(StackValidation(sources, of: swarm, engine: engine).report)
        for source in sources { report.merge(DiagnosticReport(source.warnings)) }
        return report
    }

    func sources(
        _ stacks: [(name: String, compose: String)], _ files: [String: String] = [:], environment: [String] = [],
        _ report: inout DiagnosticReport
    ) -> [StackSource] {
        for (name, text) in files { scratch.write(text, to: name) }
        return stacks.compactMap { name, compose in
            scratch.write(compose, to: "\(name).yml")
            let stack = Node.Swarm.Stack(
                name: Located(name, at: Self.place), compose: Located(scratch["\(name).yml"].string, at: Self.place),
                environment: environment.map {
                    .init(name: Located($0, at: Self.place), value: Secret(.literal("v"), at: Self.place))
                })
            return StackSource(reading: stack, &report)
        }
    }

    /// The errors, each as "line:column: text" without the directory.
    func errors(_ report: DiagnosticReport) -> [String] {
        report.errors.map { $0.description.replacing(scratch.path.string + "/", with: "") }
    }
}
