import Text
import Recipes

/// What the first-boot program has to do on one node, and the files that tell it.
struct FirstBootSettings: Hashable, Sendable {
    var node: String
    var bootMountPoint: String
    /// Seconds since 1970: a clock that shows less is wrong.
    var flashTime: Int64
    var usesDocker: Bool
    /// The contents of daemon.json, or nil when the recipe has none.
    var daemon: [UInt8]?
    /// Whether daemon.json holds `hosts`, which dockerd's unit must then not name.
    var daemonHasHosts: Bool
    /// Whether a drop-in of ours gives dockerd its proxies.
    var daemonHasProxy = false
    /// "host:port" each; nil when the node joins no swarm.
    var managers: [String]?
    /// The address that the others reach the node at, when the recipe fixes it.
    var advertise: String?
    var commands: [String]
    /// Debian packages that the program installs, where nothing else does.
    var packages: [String] = []
    /// The locale that the program makes, where nothing else does: "en_GB.UTF-8".
    var language: String?
    /// Whether the program switches the radio on, where nothing else does.
    var usesWiFi = false
    /// The rack's nodes, for /etc/hosts.
    var rack: [Node.RackHost] = []
    /// Where the program gets Docker from; nil when it does not.
    var installation: DockerInstallation?
    /// What the convenience script installs.
    var channel: Node.Docker.Channel = .stable
    /// Whether Docker is held at the last version for ARMv6.
    var isARMv6 = false
    /// Who is put in the group docker, once there is one.
    var dockerUser: String?
    /// What the card carries for the program.
    var carried: [CarriedFile] = []
    /// The node's certificate: with another one Docker is restarted.
    var certificate: NodeCertificate?
    /// The node's part in a swarm that the rack forms by itself.
    var formation: SwarmFormation?
    /// The node's part in a swarm of containers.
    var classic: ClassicSwarm?

    /// Where ``rack`` stands on the node; each line as in /etc/hosts.
    static let rackPath = "/etc/piflash/hosts"

    private var commandNames: [String] {
        var seen: [String: Int] = [:]
        return commands.enumerated().map { index, command in
            // The stamp is the command's, not its place's: a changed recipe runs only what is new in it.
            let digest = digest(of: [Array(command.utf8)])
            let occurrence = seen[digest, default: 0] + 1
            seen[digest] = occurrence
            let number = String(index + 1)
            return "\(String(repeating: "0", count: max(0, 4 - number.count)))\(number)-\(digest)-\(occurrence)"
        }
    }

    /// The settings file, the commands, the program and its unit.
    var files: [Provision.NodeFile] {
        let names = commandNames
        let daemonDigest =
            daemon.map { digest(of: [$0] + (certificate.map { [Array($0.certificate.utf8)] } ?? [])) } ?? ""
        var values: [(String, String)] = [
            ("NODE", node), ("BOOT", bootMountPoint), ("FLASH_TIME", String(flashTime)),
            ("DOCKER", usesDocker ? "1" : "0"), ("DOCKER_CONFIG", daemonDigest),
            ("DOCKER_HOSTS", daemonHasHosts ? "1" : "0"), ("SWARM", managers == nil ? "0" : "1"),
            ("MANAGERS", (managers ?? []).joined(separator: " ")), ("ADVERTISE", advertise ?? ""),
            ("RUN", names.joined(separator: " ")), ("PACKAGES", packages.joined(separator: " ")),
            ("LOCALE", language ?? ""), ("WIFI", usesWiFi ? "1" : "0"), ("HOSTS", rack.isEmpty ? "0" : "1"),
        ]
        if let installation {
            values += [
                ("INSTALL", installation.rawValue), ("INSTALL_FROM", installation.title), ("CHANNEL", channel.rawValue),
                ("ARMV6", isARMv6 ? "1" : "0"),
            ]
        }
        if let dockerUser { values.append(("DOCKER_USER", dockerUser)) }
        for (name, kind) in [("DEBS", CarriedFile.Kind.packages), ("PRELOAD", .images)] {
            let files = carried.filter { $0.kind == kind }.map(\.name)
            if !files.isEmpty { values.append((name, files.joined(separator: " "))) }
        }
        values += formation?.settings ?? classic?.settings ?? []
        var text = "# Read by \(FirstBootProgram.path); written by piflash.\n"
        for (name, value) in values { text += "\(name)=\(shellQuoted(value))\n" }
        if daemonHasProxy { text += "DOCKER_PROXY='1'\n" }
        // Work that is finished is finished for this generation only.
        text += "GENERATION=\(shellQuoted(digest(of: [Array(text.utf8)])))\n"

        var files = [
            Provision.NodeFile(path: FirstBootProgram.settingsPath, contents: Array(text.utf8), mode: 0o600),
            Provision.NodeFile(
                path: FirstBootProgram.path, contents: Array(FirstBootProgram.source.utf8), mode: 0o755),
            Provision.NodeFile(
                path: FirstBootUnit.path, contents: Array(FirstBootUnit.text.utf8), mode: 0o644),
        ]
        if !rack.isEmpty {
            let lines = rack.map { "\($0.address)\t\($0.name)\n" }.joined()
            files.append(.init(path: Self.rackPath, contents: Array(lines.utf8), mode: 0o644))
        }
        for (name, command) in zip(names, commands) {
            files.append(
                Provision.NodeFile(
                    path: "\(FirstBootProgram.commandsDirectory)/\(name)", contents: Array((command + "\n").utf8),
                    mode: 0o600))
        }
        return files
    }
}
