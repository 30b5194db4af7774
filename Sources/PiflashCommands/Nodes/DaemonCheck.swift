import Diagnostics
import Docker
import Host

/// `piflash daemon --check`: checks daemon.json files for one version of dockerd, or for every version.
struct DaemonCheck {
    private let model: DaemonModel

    /// - Parameter engine: Docker's version; nil to find what is wrong in every version.
    init(engine: String?) {
        // The file may be for any machine: if something may be missing there, it is a warning.
        model = DaemonModel(version: engine.flatMap(EngineVersion.init), surroundings: .unknown)
    }

    /// Reports the problems of all files at once; throws them if there is an error.
    func run(on files: [String], in context: CommandContext) throws {
        var report = DiagnosticReport()
        for file in files {
            guard let bytes = (try? DurableFile.read(context.absolute(file), limit: 4 << 20)) ?? nil else {
                throw Failure(.usage, severity: .usage, "\(file): cannot be read")
            }
            report.merge(model.validate(bytes, file: file))
        }
        guard !report.hasErrors else { throw report }
        context.console.report(report)
        for file in files { context.console.output("\(file): ok") }
    }
}
