public import Diagnostics
import Images
public import Recipes

/// Docker's configuration for a node that runs: what its first boot would get, from the engine that it has now.
public struct NodeDaemon: Sendable {
    /// daemon.json's members, in the recipe's order.
    public let members: [JSONValue.Member]
    /// Whether dockerd's unit must not name any host itself.
    public let hasHosts: Bool

    private let configuration: DaemonConfiguration
    private let docker: Node.Docker

    /// Nil when the recipe says nothing about Docker.
    ///
    /// - Parameter architecture: the userland's, in Docker's spelling ("armv7"); nil when it is not known.
    public init?(_ node: Node, architecture: String?, report: inout DiagnosticReport) {
        // The flavour decides nothing here.
        let profile = OSProfile(flavour: .raspbian, bootMountPoint: "/boot", architecture: architecture)
        guard let configuration = DaemonConfiguration(node, profile: profile, report: &report) else { return nil }
        self.configuration = configuration
        docker = node.docker
        members = configuration.members
        hasHosts = configuration.hasHosts
    }

    /// The same as options of dockerd, for the engines before 1.10, which read no file.
    public func options(version: String, report: inout DiagnosticReport) -> [String] {
        DockerOptions(configuration, docker: docker, version: version, report: &report).words
    }

    /// Whether `contents` is the file whose digest a first boot's settings name as DOCKER_CONFIG.
    public static func isFirstBoots(_ contents: [UInt8], digest named: String) -> Bool {
        !named.isEmpty && digest(of: [contents]) == named
    }

    /// Shell functions of the first-boot program: write_dropin and restart_docker; they want `root` and `dropin` set.
    public static let shellFunctions = String(decoding: PackageResources.service_sh, as: UTF8.self)
}
