package import Diagnostics
import Docker
package import Recipes
import Systems
package import Text

/// Docker's configuration for a running node: what its first boot would get, for the engine that it has now.
package struct NodeDaemon: Sendable {
    /// daemon.json's members, in the recipe's order.
    package let members: [JSONValue.Member]
    /// Whether dockerd's unit must not name any host itself.
    package let hasHosts: Bool

    private let configuration: DaemonConfiguration
    private let docker: Node.Docker

    /// The proxies of an engine that takes them from its environment, as its unit's drop-in; nil for none.
    package var proxyDropIn: String? { configuration.environment?.dropIn }

    /// Nil when the recipe says nothing about Docker.
    ///
    /// - Parameters:
    ///   - engine: its version, as it reports it ("20.10.24+dfsg1"); nil if it was not asked.
    ///   - architecture: the userland's, in Docker's spelling ("armv7"); nil if it is not known.
    package init?(_ node: Node, engine: String?, architecture: String?, report: inout DiagnosticReport) {
        // No fact of the flavour matters once the engine runs.
        let profile = OSProfile(
            flavour: .raspbian, bootMountPoint: "/boot", architecture: architecture,
            docker: engine.map { .init(version: $0) })
        guard let configuration = DaemonConfiguration(node, profile: profile, report: &report) else { return nil }
        self.configuration = configuration
        docker = node.docker
        members = configuration.members
        hasHosts = configuration.hasHosts
    }

    /// The same as options of dockerd, for the engines before 1.10, which read no file.
    package func options(version: String, report: inout DiagnosticReport) -> [String] {
        guard let version = EngineVersion(version) else { return [] }
        let options = DaemonOptions(members, version: version)
        configuration.report(options.problems, docker.location, &report)
        return options.words
    }

    /// What an engine of this version says to a whole daemon.json, also to what no recipe brought.
    @Sendable package static func validate(_ members: [JSONValue.Member], engine: String) -> [Diagnostic] {
        let version = EngineVersion(engine)
        let service = version.map { ServiceFlags.packaged($0).withoutHosts() }
        var surroundings = DaemonSurroundings.unknown
        surroundings.ownFiles = Set(SuppliedFiles.certificatePaths)
        let model = DaemonModel(version: version, service: service ?? ServiceFlags(), surroundings: surroundings)
        return model.problems(in: members).map { Diagnostic($0.severity, at: nil, "\($0.path): \($0.text)") }
    }

    /// Whether these members of a daemon.json may be read by root alone: the address of a proxy in them holds a login.
    package static func isPrivate(_ members: [JSONValue.Member]) -> Bool { ProxySettings.holdsLogin(members) }

    /// Whether `contents` is the file whose digest a first boot's settings name as DOCKER_CONFIG.
    package static func isFirstBoots(_ contents: [UInt8], digest named: String) -> Bool {
        !named.isEmpty && digest(of: [contents]) == named
    }

    /// Shell functions of the first-boot program: write_dropin and restart_docker; they want `root` and `dropin` set.
    package static let shellFunctions = String(decoding: PackageResources.service_sh, as: UTF8.self)
}
