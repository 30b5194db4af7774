import Diagnostics
import Docker
import Recipes
import Systems

/// The files by which dockerd gets its configuration on one image: daemon.json, or options for an engine that reads no
/// such file, and drop-ins of its unit.
struct DaemonFiles: Sendable {
    /// Set for an engine that takes its options from a command line only, and for proxies under sysvinit.
    let options: DockerOptions?
    /// daemon.json, where the engine reads it, and the drop-ins.
    let files: [Provision.NodeFile]
    /// All that makes dockerd start again when it changes; nil when the recipe says nothing about Docker.
    let configuration: [UInt8]?
    /// Whether daemon.json holds `hosts`.
    let hasHosts: Bool

    init(_ node: Node, profile: OSProfile, root: RootSnapshot?, report: inout DiagnosticReport) {
        let daemon = DaemonConfiguration(node, profile: profile, root: root, report: &report)
        let options = daemon.flatMap { $0.options(profile, docker: node.docker, report: &report) }
        let readsFile = options?.words == nil
        var configuration = readsFile ? daemon?.contents : options?.edited(nil)
        // Other proxies are another configuration: dockerd has to start with them.
        if let environment = daemon?.environment { configuration? += Array(environment.dropIn.utf8) }
        var files: [Provision.NodeFile] = []
        if let daemon, readsFile {
            files.append(.init(path: DaemonConfiguration.path, contents: daemon.contents, mode: daemon.mode))
        }
        files += daemon?.dropIns(profile, options: options) ?? []
        self.options = options
        self.files = files
        self.configuration = configuration
        hasHosts = readsFile && daemon?.hasHosts == true
    }

    /// Whether a drop-in gives dockerd its proxies.
    var hasProxyDropIn: Bool { files.contains { $0.path == DaemonConfiguration.proxyDropIn } }
}
