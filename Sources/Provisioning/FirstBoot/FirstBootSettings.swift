import Recipes
import Text

/// What the first-boot program has to do on one node, and the files that say so.
struct FirstBootSettings: Hashable, Sendable {
    var node: String
    var bootMountPoint: String
    /// Seconds since 1970: a clock that is behind this is wrong.
    var flashTime: Int64
    var usesDocker: Bool
    /// The contents of daemon.json, or nil when the recipe has none.
    var daemon: [UInt8]?
    /// Whether daemon.json holds `hosts`, which dockerd's unit must then not name.
    var daemonHasHosts: Bool
    /// Whether one of our drop-ins gives dockerd its proxies.
    var daemonHasProxy = false
    /// "host:port" each; nil if the node does not join a swarm.
    var managers: [String]?
    /// The address that the others reach the node at, when the recipe fixes it.
    var advertise: String?
    var commands: [String]
    /// The commands that wait for the whole swarm; only on its first manager.
    var swarmCommands: [String] = []
    /// Debian packages that the program installs, if nothing else does.
    var packages: [String] = []
    /// A package with modules of the kernel that the swarm needs and the image lacks.
    var kernelPackage: String?
    /// The proxies of the node's network.
    var proxy: NodeProxy?
    /// The archive of old releases that packages come from.
    var legacyArchive: PackageArchive.Legacy?
    /// The locale that the program makes, if nothing else has: "en_GB.UTF-8".
    var language: String?
    /// Whether the program switches the radio on, if nothing else does.
    var usesWiFi = false
    /// The rack's nodes, for /etc/hosts.
    var rack: [Node.RackHost] = []
    /// ``StagedFiles/digest``
    var stagedFiles = ""
    /// Where the program gets Docker from; nil if it does not install Docker.
    var installation: DockerInstallation?
    /// What the convenience script installs.
    var channel: Node.Docker.Channel = .stable
    /// Whether Docker is held at the last version for ARMv6.
    var isARMv6 = false
    /// The user who joins the group docker once that exists.
    var dockerUser: String?
    /// Files on the card for the program.
    var carried: [CarriedFile] = []
    /// The node's certificate: if it changes, Docker is restarted.
    var certificate: NodeCertificate?
    /// The user that the program looks after.
    var account: Account?
    /// Whether cloud-init makes the node.
    var hasSeed = false
    /// Whether the boot partition has held secrets, so that what is free there must be overwritten.
    var wipesBootPartition = false
    /// Accounts whose password is locked once.
    var lockedAccounts: [String] = []
    /// What the node's cluster adds.
    var orchestration: [FirstBootSetting] = []

    /// The recipe's user, whom the program makes if the system's own first boot was cut short.
    struct Account: Hashable, Sendable {
        var name: String
        var groups: [String]
        /// Nil for no password.
        var passwordHash: String?
        var keys: [String]
        /// Set if the image's first user becomes this one: whether sshd takes passwords.
        var takeover: Bool?
        var sudo = Node.User.Sudo.passwordless
    }

    private var accountSettings: [FirstBootSetting] {
        var settings: [FirstBootSetting] = hasSeed ? [.init(.seed, true)] : []
        guard let account else { return settings }
        settings += [
            .init(.account, account.name), .init(.accountGroups, account.groups.joined(separator: " ")),
            .init(.passwordHash, account.passwordHash ?? "*"),
        ]
        if let allowsPasswords = account.takeover {
            settings += [.init(.takeover, true), .init(.passwordLogin, allowsPasswords ? "yes" : "no")]
        }
        if account.sudo != .passwordless { settings.append(.init(.sudo, account.sudo.rawValue)) }
        if !lockedAccounts.isEmpty { settings.append(.init(.locked, lockedAccounts.joined(separator: " "))) }
        return settings
    }

    /// The file with ``rack``, in the form of /etc/hosts.
    static let rackPath = "/etc/piflash/hosts"

    private var commandNames: [String] { Self.names(commands) }

    private static func names(_ commands: [String]) -> [String] {
        var seen: [String: Int] = [:]
        return commands.enumerated().map { index, command in
            // The stamp belongs to the command, not to its place: after a change of the recipe only new commands run.
            let digest = digest(of: [Array(command.utf8)])
            let occurrence = seen[digest, default: 0] + 1
            seen[digest] = occurrence
            let number = String(index + 1)
            return "\(String(repeating: "0", count: max(0, 4 - number.count)))\(number)-\(digest)-\(occurrence)"
        }
    }

    /// A digest of dockerd's configuration; empty when there is none.
    private var daemonDigest: String {
        guard let daemon else { return "" }
        return digest(of: [daemon] + (certificate.map { [Array($0.certificate.utf8)] } ?? []))
    }

    private var installationSettings: [FirstBootSetting] {
        var settings: [FirstBootSetting] = []
        if let installation {
            settings += [
                .init(.install, installation.rawValue), .init(.installFrom, installation.title),
                .init(.channel, channel.rawValue), .init(.armv6, isARMv6),
            ]
        }
        if let kernelPackage { settings.append(.init(.kernelPackage, kernelPackage)) }
        if let dockerUser { settings.append(.init(.dockerUser, dockerUser)) }
        for (name, kind) in [(FirstBootSetting.Name.debs, CarriedFile.Kind.packages), (.preload, .images)] {
            let files = carried.filter { $0.kind == kind }.map(\.name)
            if !files.isEmpty { settings.append(.init(name, files.joined(separator: " "))) }
        }
        return settings
    }

    /// All settings but the generation, in the order of the file.
    private var settings: [FirstBootSetting] {
        let common: [FirstBootSetting] = [
            .init(.node, node), .init(.boot, bootMountPoint), .init(.flashTime, String(flashTime)),
            .init(.docker, usesDocker), .init(.dockerConfiguration, daemonDigest),
            .init(.dockerHosts, daemonHasHosts), .init(.swarm, managers != nil),
            .init(.managers, (managers ?? []).joined(separator: " ")), .init(.advertise, advertise ?? ""),
            .init(.run, commandNames.joined(separator: " ")), .init(.packages, packages.joined(separator: " ")),
            .init(.locale, language ?? ""), .init(.wifi, usesWiFi), .init(.hosts, !rack.isEmpty),
        ]
        let proxy: [FirstBootSetting] = daemonHasProxy ? [.init(.dockerProxy, true)] : []
        let staged: [FirstBootSetting] = stagedFiles.isEmpty ? [] : [.init(.files, stagedFiles)]
        let after: [FirstBootSetting] =
            swarmCommands.isEmpty ? [] : [.init(.swarmRun, Self.names(swarmCommands).joined(separator: " "))]
        var network: [FirstBootSetting] = []
        if let proxy = self.proxy { network += [.init(.proxy, true), .init(.proxyDigest, proxy.digest)] }
        if let legacyArchive { network.append(.init(.legacyArchive, legacyArchive.rawValue)) }
        if wipesBootPartition { network.append(.init(.wipe, true)) }
        return common + staged + after + accountSettings + installationSettings + orchestration + proxy + network
    }

    private var text: String {
        func line(_ setting: FirstBootSetting) -> String { "\(setting.name.rawValue)=\(shellQuoted(setting.value))\n" }
        let text = "# Read by \(FirstBootProgram.path); written by piflash.\n" + settings.map(line).joined()
        // Finished work is finished for this generation only.
        return text + line(.init(.generation, digest(of: [Array(text.utf8)])))
    }

    /// The settings file, the commands, the program and its unit.
    var files: [Provision.NodeFile] {
        var files: [Provision.NodeFile] = [
            .init(path: FirstBootProgram.settingsPath, contents: Array(text.utf8), mode: 0o600),
            .init(path: FirstBootProgram.path, contents: Array(FirstBootProgram.source.utf8), mode: 0o755),
            .init(path: FirstBootUnit.path, contents: Array(FirstBootUnit.text.utf8), mode: 0o644),
        ]
        if !rack.isEmpty {
            let lines = rack.map { "\($0.address)\t\($0.name)\n" }.joined()
            files.append(.init(path: Self.rackPath, contents: Array(lines.utf8), mode: 0o644))
        }
        if let account, !account.keys.isEmpty {
            let lines = account.keys.map { $0 + "\n" }.joined()
            files.append(.init(path: FirstBootProgram.keysPath, contents: Array(lines.utf8), mode: 0o600))
        }
        for (directory, commands) in [
            (FirstBootProgram.commandsDirectory, commands), (FirstBootProgram.swarmCommandsDirectory, swarmCommands),
        ] {
            for (name, command) in zip(Self.names(commands), commands) {
                files.append(
                    .init(path: "\(directory)/\(name)", contents: Array((command + "\n").utf8), mode: 0o600))
            }
        }
        return files
    }
}
