import Text
package import Diagnostics
import Provisioning
import Recipes
import Systems

/// What a recipe changes in the configuration of a node's engine (see ``MergedConfiguration``).
package struct DaemonChange: Sendable {
    /// "daemon.json", or "docker-options" for engines before 1.10.
    let name: String
    /// On the node.
    package let path: String
    private let configuration: MergedConfiguration
    package let warnings: [Diagnostic]
    /// The checksum of the file that was merged.
    let sum: String
    package let needsRestart: Bool
    /// Whether the node has no record, or an old one, of what the recipe wants.
    let recordIsStale: Bool
    package let isManager: Bool
    package let engine: String

    package var old: String { configuration.old }
    package var new: String { configuration.new }
    package var isEmpty: Bool { !needsRestart && !recordIsStale }

    init(_ node: Node, on probe: NodeProbe) throws {
        guard let engine = probe.engine else {
            throw Failure(
                .remote, "Docker is not installed", hint: "install it, or write a card with docker.install: debian")
        }
        self.engine = engine
        isManager = probe.isManager
        name = probe.readsDaemonFile ? "daemon.json" : "docker-options"
        path = probe.readsDaemonFile ? RootPath.daemonConfiguration : RootPath.dockerOptions
        sum = probe.sum(name)
        let record = probe.file(name + ".written")
        var report = DiagnosticReport()
        configuration =
            probe.readsDaemonFile
            ? try MergedConfiguration(
                daemonFile: probe.file(name), of: node, engine: engine, probe: probe, record: record, report: &report)
            : try MergedConfiguration(
                options: probe.file(name), of: node, engine: engine, probe: probe, record: record, report: &report)
        guard !report.hasErrors else { throw report }
        warnings = report.warnings
        needsRestart = configuration.old != configuration.new || configuration.dropInsDiffer
        recordIsStale = record != Array(configuration.written.utf8)
    }

    /// The difference, with secrets masked; empty if there is none.
    package func difference(from node: String) -> String {
        let from = NodeText.masked(old), to = NodeText.masked(new)
        guard old != new else { return needsRestart ? "\(node): the service's drop-ins differ\n" : "" }
        // Two texts that differ only in what is masked.
        guard from != to else { return "\(node): \(path): only a secret differs\n" }
        return TextDifference(from: from, to: to).unified(from: "\(node):\(path)", to: "recipe")
    }

    /// daemon.sh, after the values that it works with.
    func script(wait: Int) -> String {
        let values = [
            ("NAME", name), ("FILE", path), ("NEW", new), ("WRITTEN", configuration.written), ("SUM", sum),
            ("PROXIES", configuration.proxies), ("PRIVATE", configuration.isPrivate ? "1" : "0"),
            ("HOSTS", configuration.hasHosts ? "1" : "0"), ("RESTART", needsRestart ? "1" : "0"),
            ("MANAGER", isManager ? "1" : "0"), ("WAIT", String(wait)),
        ]
        return values.map { "\($0)=\(shellQuoted($1))\n" }.joined() + Self.program
    }

    static let program =
        NodeDaemon.shellFunctions + "\n" + String(decoding: PackageResources.daemon_sh, as: UTF8.self)
}
