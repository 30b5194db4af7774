import Diagnostics
import Docker
import Filesystems
import Recipes
import Systems
import Text

/// dockerd's configuration on one image, made from the recipe's `docker` section: the members of daemon.json, and the
/// proxies if that file cannot hold them.
package struct DaemonConfiguration: Hashable, Sendable {
    static let path = RootPath.daemonConfiguration

    private(set) var members: [JSONValue.Member] = []
    /// The proxies of an engine that takes them from its environment.
    private(set) var environment: ProxySettings?
    /// The engine's version, if the image shows it.
    let version: EngineVersion?

    /// The place of each of ``members`` in the recipe, and the recipe's name for it.
    private var origins: [Origin] = []

    private struct Origin: Hashable {
        var path: String
        var name: Location?
        var value: Location?
    }

    /// Nil if nothing on the node needs Docker. What the engine refuses or ignores is reported.
    init?(_ node: Node, profile: OSProfile, root: RootSnapshot? = nil, report: inout DiagnosticReport) {
        let docker = node.docker
        guard node.usesDocker else { return nil }
        version = RootFlavour.engineVersion(profile) ?? DockerInstallation.version(of: node, profile: profile)
        take(docker)
        let known = members.count
        addProxy(docker, networks: node.addresses.map(\.value))
        addRemote(docker, report: &report)
        addClassicSwarm(node, report: &report)
        if let architecture = profile.architecture, !strings("labels").contains(where: { $0.begins(with: "arch=") }) {
            add(["arch=\(architecture)"], to: "labels", Origin(path: "docker.daemon.labels"))
        }
        if let registry = docker.registry {
            let origin = Origin(
                path: "docker.registry", name: registry.mirror.location, value: registry.mirror.location)
            add([registry.mirror.value], to: "registry-mirrors", origin)
            if registry.insecure {
                add([registry.authority], to: "insecure-registries", origin)
            }
        }
        // The registry first, as a reader of the file expects it.
        let added = members[known...].sorted { Self.rank($0.name) < Self.rank($1.name) }
        let places = added.map { member in origins[members.firstIndex { $0.name == member.name } ?? 0] }
        members.replaceSubrange(known..., with: added)
        origins.replaceSubrange(known..., with: places)
        let model = DaemonModel(
            version: version, service: service(profile, root: root),
            surroundings: Self.surroundings(node, root: root))
        self.report(model.problems(in: members), docker.location, &report)
    }

    private static func rank(_ name: String) -> Int {
        ["registry-mirrors", "insecure-registries", "labels"].firstIndex(of: name) ?? 9
    }

    private init(_ docker: Node.Docker) {
        version = nil
        take(docker)
    }

    /// The errors of the section that do not depend on the engine's version. What depends on it, and the warnings, are
    /// reported once the image is known.
    static func errors(in docker: Node.Docker) -> DiagnosticReport {
        var report = DiagnosticReport()
        let configuration = DaemonConfiguration(docker)
        let model = DaemonModel(version: nil, service: ServiceFlags(), surroundings: .unknown)
        configuration.report(model.errors(in: configuration.members), docker.location, &report)
        return report
    }

    private mutating func take(_ docker: Node.Docker) {
        members = docker.daemon.map { .init($0.name.value, $0.value.value) }
        origins = docker.daemon.map {
            Origin(path: "docker.daemon.\($0.name.value)", name: $0.name.location, value: $0.value.location)
        }
    }

    func report(_ problems: [DaemonProblem], _ section: Location?, _ report: inout DiagnosticReport) {
        for problem in problems {
            let origin = problem.member.map { origins[$0] }
            var path = origin?.path ?? "docker"
            if let member = problem.member { path += problem.path.dropFirst(members[member].name.count) }
            let place = (problem.part == .name ? origin?.name : origin?.value) ?? section
            switch problem.severity {
            case .error: report.error(at: place, "\(path): \(problem.text)")
            case .warning: report.warning(at: place, "\(path): \(problem.text)")
            }
        }
    }

    // MARK: What the service and the node bring

    /// The options that the image's service gives dockerd, except -H: if the recipe names hosts, the first-boot program
    /// writes a drop-in that takes it away.
    private func service(_ profile: OSProfile, root: RootSnapshot?) -> ServiceFlags {
        let options = Self.options(of: root)
        switch profile.docker?.service {
        // Then the recipe's options replace the image's.
        case _ where !RootFlavour.readsDaemonFile(profile): return ServiceFlags()
        case .unit(_, let command, let takesOptions):
            let flags = command.map { ServiceFlags(command: $0, options: takesOptions ? options : "") }
            return (flags ?? ServiceFlags()).withoutHosts()
                .union(takesOptions ? ServiceFlags(command: options) : ServiceFlags())
        // The script of Debian and of moby's contrib/init.
        case .script: return ServiceFlags(command: "dockerd -p /var/run/docker.pid \(options)")
        case nil: return version.map { ServiceFlags.packaged($0).withoutHosts() } ?? ServiceFlags()
        }
    }

    /// DOCKER_OPTS of /etc/default/docker.
    private static func options(of root: RootSnapshot?) -> String {
        DockerOptions.options(in: root?.text(DockerOptions.path) ?? "").joined(separator: " ")
    }

    private static func surroundings(_ node: Node, root: RootSnapshot?) -> DaemonSurroundings {
        var networks: [DaemonSurroundings.Network] = []
        func add(_ text: String, _ name: String) {
            guard let network = IPNetwork(text), !networks.contains(where: { $0.network.contains(network) }) else {
                return
            }
            networks.append(.init(network, name: name))
        }
        func addHost(_ address: String, _ name: String) {
            add("\(address)/\(address.contains(scalar: ":") ? 128 : 32)", name)
        }
        for address in node.addresses { add(address.value.description, "the node's network") }
        for gateway in node.network.gateways { addHost(gateway.value, "the gateway") }
        for host in node.rack { addHost(host.address, "the rack's node \(host.name)") }
        for server in node.network.dns { addHost(server.value, "the name server") }
        var groups = DaemonSurroundings.debianGroups.union(node.user?.groups.map(\.value) ?? [])
        var users: Set<String> = []
        if let name = node.user?.name.value {
            groups.insert(name)
            users.insert(name)
        }
        let files = root.map { Set(node.firstBoot.files.map(\.path.value)).union($0.entries.keys) }
        var surroundings = DaemonSurroundings(
            isInSwarm: node.swarm?.mode == .swarm, networks: networks, groups: groups, users: users,
            files: files, bridges: nil, plugins: nil)
        if node.docker.remote?.value == .tls { surroundings.ownFiles = Set(SuppliedFiles.certificatePaths) }
        return surroundings
    }

    // MARK: What the recipe's short forms mean

    private mutating func addProxy(_ docker: Node.Docker, networks: [Node.StaticAddress]) {
        guard let proxy = docker.proxy else { return }
        var direct = proxy.noProxy.map(\.value)
        // Hosts in the node's own network are reached without the proxy, above all the swarm's managers.
        for own in networks.compactMap({ IPNetwork($0.description)?.canonical }) where !direct.contains(own) {
            direct.append(own)
        }
        let settings = ProxySettings(http: proxy.http?.value, https: proxy.https?.value, noProxy: direct)
        if let version, version >= .proxiesKey {
            guard !members.contains(where: { $0.name == "proxies" }) else { return }
            members.append(settings.member)
            origins.append(Origin(path: "docker.proxy", name: proxy.location, value: proxy.location))
        } else {
            environment = settings
        }
    }

    private mutating func addRemote(_ docker: Node.Docker, report: inout DiagnosticReport) {
        guard let remote = docker.remote else { return }
        switch remote.value {
        case .none, .ssh: return
        case .tls:
            for member in RemoteAccess.members(docker, report: &report)
            where !members.contains(where: { $0.name == member.name }) {
                members.append(member)
                origins.append(Origin(path: "docker.remote", name: remote.location, value: remote.location))
            }
        case .insecure:
            guard !members.contains(where: { $0.name == "hosts" }) else {
                return report.error(
                    at: remote.location,
                    "docker.remote: leave it out; docker.daemon.hosts already says where dockerd listens")
            }
            open(Origin(path: "docker.remote", name: remote.location, value: remote.location))
        }
    }

    /// The managers of a classic swarm reach every engine without TLS.
    private mutating func addClassicSwarm(_ node: Node, report: inout DiagnosticReport) {
        guard let swarm = node.swarm, swarm.mode == .classic else { return }
        if let remote = node.docker.remote, remote.value == .tls {
            return report.error(
                at: remote.location,
                "docker.remote: tls: classic Swarm reaches dockerd on port 2375 without TLS; leave it out")
        }
        if let key = node.docker.daemon.first(where: { ["hosts", "tls", "tlsverify"].contains($0.name.value) }) {
            return report.error(
                at: key.name.location,
                "docker.daemon.\(key.name.value): swarm.mode: classic says where dockerd listens, which is without TLS; "
                    + "leave it out")
        }
        report.warning(
            at: swarm.location,
            "swarm.mode: classic: dockerd's port 2375, Consul and the managers' port 10000 do not authenticate anyone: "
                + "everyone in the node's network has root on the node")
        if !members.contains(where: { $0.name == "hosts" }) {
            open(Origin(path: "swarm.mode: classic", name: swarm.location, value: swarm.location))
        }
    }

    /// Makes dockerd listen on port 2375, without TLS, besides its socket.
    private mutating func open(_ origin: Origin) {
        add(["unix:///var/run/docker.sock", "tcp://0.0.0.0:2375"], to: "hosts", origin)
        // Without it dockerd waits 15 seconds at each start, so that its warning is seen (moby, loadListeners).
        if !members.contains(where: { ["tls", "tlsverify"].contains($0.name) }) {
            members.append(.init("tls", .bool(false)))
            origins.append(origin)
        }
    }

    // MARK: Where it is written

    static let proxyDropIn = "\(ServiceDropIn.directory)/piflash-proxy.conf"
    static let optionsDropIn = "\(ServiceDropIn.directory)/piflash-options.conf"

    /// What goes into /etc/default/docker, or nil for nothing.
    func options(_ profile: OSProfile, docker: Node.Docker, report: inout DiagnosticReport) -> DockerOptions? {
        var options = DockerOptions()
        if !RootFlavour.readsDaemonFile(profile), let version {
            let rendered = DaemonOptions(members, version: version)
            self.report(rendered.problems, docker.location, &report)
            options.words = rendered.words
        }
        if profile.initSystem?.kind == .sysvinit { options.environment = environment?.shellLines ?? [] }
        return options.words == nil && options.environment.isEmpty ? nil : options
    }

    /// Proxies in the service's environment, and the options of an old engine whose unit does not read
    /// /etc/default/docker.
    func dropIns(_ profile: OSProfile, options: DockerOptions?) -> [Provision.NodeFile] {
        guard profile.initSystem?.kind != .sysvinit else { return [] }
        var files: [Provision.NodeFile] = []
        if let environment {
            // Only root may read it, since a proxy's address may hold a password.
            files.append(.init(path: Self.proxyDropIn, contents: Array(environment.dropIn.utf8), mode: 0o600))
        }
        if let words = options?.words, !words.isEmpty,
            case .unit(_, let command?, takesOptions: false)? = profile.docker?.service
        {
            let text = ServiceDropIn.adding(words, to: command)
            files.append(.init(path: Self.optionsDropIn, contents: Array(text.utf8), mode: 0o644))
        }
        return files
    }

    /// What daemon.json may be read by: root alone where it holds the login of a proxy.
    var mode: UInt16 { ProxySettings.holdsLogin(members) ? 0o600 : 0o644 }

    var hasHosts: Bool { !strings("hosts").isEmpty }

    /// The file's contents: UTF-8 without a byte-order mark, one object, a line end, which every version reads.
    var contents: [UInt8] { Array(JSONValue.object(members).prettyText.utf8) }

    private func strings(_ name: String) -> [String] {
        guard case .array(let items) = members.first(where: { $0.name == name })?.value else { return [] }
        return items.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    /// A member that is not a list stays as it is, and is reported with everything else.
    private mutating func add(_ values: [String], to name: String, _ origin: Origin) {
        guard let index = members.firstIndex(where: { $0.name == name }) else {
            members.append(.init(name, .array(values.map { .string($0) })))
            origins.append(origin)
            return
        }
        guard case .array(var items) = members[index].value else { return }
        items += values.map { .string($0) }.filter { !items.contains($0) }
        members[index].value = .array(items)
    }
}
