import Diagnostics
import Images
import Recipes

/// /etc/docker/daemon.json, as the recipe's `docker` section wants it.
struct DaemonConfiguration: Hashable, Sendable {
    static let path = "/etc/docker/daemon.json"

    private(set) var members: [JSONValue.Member] = []

    /// Nil when the recipe says nothing about Docker. What dockerd is certain to refuse is reported.
    init?(_ node: Node, profile: OSProfile, report: inout DiagnosticReport) {
        let docker = node.docker
        guard docker.location != nil || !docker.daemon.isEmpty || docker.registry != nil || node.swarm != nil else {
            return nil
        }
        members = docker.daemon.map { .init($0.name.value, $0.value.value) }
        let remote = RemoteAccess.members(docker, report: &report)
        members += remote.filter { member in !members.contains { $0.name == member.name } }
        if let registry = docker.registry {
            let mirror = registry.mirror.value
            add([mirror], to: "registry-mirrors", docker: docker, report: &report)
            if registry.insecure {
                add([Self.authority(of: mirror)], to: "insecure-registries", docker: docker, report: &report)
            }
        }
        if let architecture = profile.architecture, !strings("labels").contains(where: { $0.hasPrefix("arch=") }) {
            add(["arch=\(architecture)"], to: "labels", docker: docker, report: &report)
        }
        // dockerd: "--live-restore daemon configuration is incompatible with swarm mode"; it does not start.
        if node.swarm != nil, let key = docker.daemon.first(where: { $0.name.value == "live-restore" }),
            key.value.value == .bool(true)
        {
            report.error(
                at: key.value.location, "docker.daemon.live-restore: Docker does not start with it on a node of a swarm"
            )
        }
        if hasHosts, !strings("hosts").contains(where: { $0.hasPrefix("unix://") || $0.hasPrefix("fd://") }) {
            let location = docker.daemon.first { $0.name.value == "hosts" }?.value.location
            let text = "docker.daemon.hosts: without unix:///var/run/docker.sock the docker command on the node fails"
            if node.swarm == nil {
                report.warning(at: location, text)
            } else {
                report.error(at: location, text + ", and the node cannot join the swarm")
            }
        }
    }

    var hasHosts: Bool { !strings("hosts").isEmpty }

    /// The file's contents: UTF-8 without a byte-order mark, one object, a line end, which every version reads.
    var contents: [UInt8] { Array(JSONValue.object(members).prettyText.utf8) }

    private func strings(_ name: String) -> [String] {
        guard case .array(let items) = members.first(where: { $0.name == name })?.value else { return [] }
        return items.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    private mutating func add(
        _ values: [String], to name: String, docker: Node.Docker, report: inout DiagnosticReport
    ) {
        guard let index = members.firstIndex(where: { $0.name == name }) else {
            members.append(.init(name, .array(values.map { .string($0) })))
            return
        }
        guard case .array(var items) = members[index].value else {
            let location = docker.daemon.first { $0.name.value == name }?.value.location
            report.error(at: location ?? docker.location, "docker.daemon.\(name): must be a list")
            return
        }
        items += values.map { .string($0) }.filter { !items.contains($0) }
        members[index].value = .array(items)
    }

    /// host[:port] of a URL.
    private static func authority(of url: String) -> String {
        var rest = url[...]
        for scheme in ["http://", "https://"] where rest.lowercased().hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
        }
        return String(rest.prefix { $0 != "/" })
    }
}
