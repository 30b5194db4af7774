import Diagnostics
import Docker
import FoundationEssentials
import SystemPackage

/// `piflash daemon --check`: what one version of dockerd, or every version, has against daemon.json files.
struct DaemonCheck {
    private let model: DaemonModel

    /// - Parameter engine: Docker's version; nil for what is wrong in every version.
    init(engine: String?) {
        // The file may be for any machine: what may be missing there is a warning.
        model = DaemonModel(version: engine.flatMap(EngineVersion.init), surroundings: .unknown)
    }

    /// Reports the problems of all files at once; throws them if there is an error.
    func run(on files: [String], in context: CommandContext) throws {
        var report = DiagnosticReport()
        for file in files {
            guard let data = FileManager.default.contents(atPath: context.absolute(file).string) else {
                throw Failure(.usage, severity: .usage, "\(file): cannot be read")
            }
            report.merge(model.validate(Array(data), file: file))
        }
        guard !report.hasErrors else { throw report }
        context.console.report(report)
        for file in files { context.console.output("\(file): ok") }
    }
}
