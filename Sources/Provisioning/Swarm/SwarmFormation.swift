import Diagnostics
import Docker
import Filesystems
import Recipes
import Systems
import Text

/// A node's part in a swarm that the rack forms by itself.
struct SwarmFormation: Orchestration, Hashable {
    static let directory = "/etc/piflash/swarm"
    static let stacksDirectory = "/etc/piflash/stacks"
    /// Of each stack with files besides its compose file: a directory with all of them, NAME.env with the values of its
    /// variables, and NAME.secrets with the names of the files that the first boot deletes.
    static let stackFilesDirectory = "/etc/piflash/stack.d"

    let role: Node.Swarm.Role
    /// Whether the node initializes the swarm.
    let isFirst: Bool
    /// The managers that the node asks, "host:2377" each: all but itself.
    let managers: [String]
    /// The address that the recipe gives for this node.
    let ownAddress: String?
    let labels: [String]
    let availability: [Node.Swarm.Role: Node.Swarm.Availability]
    /// The names of the rack's nodes in the swarm.
    let nodes: [String]
    /// What a manager knows of the swarm's nodes; empty for a worker.
    let members: [Node.Swarm.Member]
    /// The pools of the swarm's networks; empty for Docker's own.
    let addressPool: [String]
    /// How long certificates last.
    let certificateHours: Int
    /// The overlay networks that the node makes: only on the first manager.
    let networks: [Node.Swarm.Network]
    /// The stacks that the node deploys: only on the first manager.
    let stacks: [Material.Stack]
    let keys: RackKeys

    var settings: [FirstBootSetting] {
        [
            .init(.form, true), .init(.role, role.rawValue), .init(.first, isFirst),
            .init(.tokenServicePort, String(TokenService.port)), .init(.labels, labels.joined(separator: " ")),
            .init(.availabilityManager, (availability[.manager] ?? .active).rawValue),
            .init(.availabilityWorker, (availability[.worker] ?? .active).rawValue),
            .init(.addressPool, isFirst ? addressPool.joined(separator: " ") : ""),
            .init(.certificateHours, String(certificateHours)),
            .init(.networks, networks.map(Self.word).joined(separator: " ")),
            .init(.stacks, stacks.map { "\($0.name):\($0.digest(key: keys))" }.joined(separator: " ")),
            .init(.nodes, isFirst ? nodes.joined(separator: " ") : ""),
            .init(.keys, digest(of: [keys.host, keys.own].map { Array($0.publicKey.utf8) })),
        ]
    }

    /// A network for the first-boot program: its name, then the options of `docker network create`, with commas between them.
    private static func word(_ network: Node.Swarm.Network) -> String {
        var words = [network.name.value]
        if network.isAttachable { words.append("--attachable") }
        if network.isInternal { words.append("--internal") }
        if network.isEncrypted { words.append("--opt=encrypted") }
        if let subnet = network.subnet { words.append("--subnet=\(subnet.value)") }
        return words.joined(separator: ",")
    }

    var bootFiles: [Provision.BootFile] { [] }

    static let removableBootFiles: [String] = []

    /// The token service is made of OpenSSH's programs.
    var needsOpenSSH: Bool { true }

    /// The private key for the managers' token service, which the first boot deletes. A single manager asks no other.
    private var entryKey: (path: String, key: RackKeys.Pair)? {
        switch role {
        case .worker: ("\(Self.directory)/worker_key", keys.own)
        case .manager: managers.isEmpty ? nil : ("\(Self.directory)/manager_key", keys.own)
        }
    }

    /// The key of a rack that an older piflash began: managers with a card of that time know no other.
    private var sharedKey: (path: String, key: RackKeys.Pair)? {
        guard entryKey != nil, let shared = keys.shared else { return nil }
        return ("\(Self.directory)/shared_key", role == .manager ? shared.manager : shared.worker)
    }

    /// The keys that the first boot deletes.
    static let entryKeyPaths = ["worker_key", "manager_key", "shared_key"].map { "\(directory)/\($0)" }

    /// The digest changes if the node has to use its key again: it covers the key, the managers and the labels.
    var consumed: [String: String] {
        var consumed: [String: String] = [:]
        for entryKey in [entryKey, sharedKey].compactMap({ $0 }) {
            let text = [entryKey.key.privateKey, managers.joined(separator: " "), labels.joined(separator: " ")]
            consumed[entryKey.path] = digest(of: text.map { Array($0.utf8) })
        }
        // If anything of a stack changes, it is deployed again, and needs its secrets for that.
        for stack in stacks {
            for path in stack.secretPaths { consumed[path] = stack.digest(key: keys) }
        }
        return consumed
    }

    private static let paths =
        entryKeyPaths
        + ["host_key", "known_hosts", "authorized_keys", "members", "sshd_config"].map { "\(directory)/\($0)" } + [
            TokenService.programPath, TokenService.unitPath, serviceLink,
        ]

    static func owns(_ path: String) -> Bool {
        let prefix = stacksDirectory + "/"
        return paths.contains(path) || path.begins(with: stackFilesDirectory + "/")
            || path.hasPrefix(prefix) && path.ends(with: ".yml") && !path.dropFirst(prefix.count).contains(scalar: "/")
    }

    private static let serviceLink = "/etc/systemd/system/multi-user.target.wants/\(TokenService.unitName)"

    /// They go in the root partition on every system: every user of the node can read the boot partition, and so can anyone
    /// who puts the card in a reader.
    var rootEdits: [TreeChange] {
        func file(_ path: String, _ text: String, _ mode: UInt16 = 0o600) -> TreeChange {
            TreeChange(.file(contents: Array(text.utf8), mode: mode), at: path)
        }
        var edits = [TreeChange(.directory(mode: 0o700), at: Self.directory)]
        if let entryKey {
            edits.append(file(entryKey.path, entryKey.key.privateKey))
            edits.append(file("\(Self.directory)/known_hosts", TokenService.knownHosts(keys)))
        }
        if let sharedKey { edits.append(file(sharedKey.path, sharedKey.key.privateKey)) }
        if role == .manager {
            edits += [
                file("\(Self.directory)/host_key", keys.host.privateKey),
                file("\(Self.directory)/sshd_config", TokenService.configuration),
                file(TokenService.unitPath, TokenService.unit, 0o644),
                TreeChange(.symbolicLink(target: TokenService.unitPath), at: Self.serviceLink),
            ]
            edits += TokenService.files(of: members, keys).map {
                TreeChange(.file(contents: $0.contents, mode: $0.mode), at: $0.path)
            }
        }
        return edits + stacks.flatMap(\.rootEdits)
    }
}

extension SwarmFormation {
    static func part(
        of node: Node, material: Material, keys: RackKeys, report: inout DiagnosticReport
    ) -> (any Orchestration)? { Self(node, material: material, keys: keys, report: &report) }

    /// Nil if the rack does not form its swarm by itself.
    init?(_ node: Node, material: Material, keys: RackKeys, report: inout DiagnosticReport) {
        guard let swarm = node.swarm, swarm.isFormed else { return nil }
        let seen = SwarmManagers(node, swarm)
        managers = seen.others.map { SwarmAddress.normalized($0.value) }
        role = swarm.role
        isFirst = seen.isFirst
        ownAddress = seen.ownAddress
        labels = swarm.labels.map { "\($0.key.value)=\($0.value.value)" }
        availability = swarm.availability
        nodes = swarm.nodes.isEmpty ? [node.hostname.value] : swarm.nodes
        members = Self.members(for: node)
        addressPool = AddressPool.networks(of: swarm)
        certificateHours = swarm.certificates?.value ?? Node.Swarm.certificateHours
        networks = isFirst ? swarm.networks : []
        stacks = isFirst ? material.stacks : []
        self.keys = keys
    }

    /// Whom a manager answers; for a worker nobody.
    static func members(for node: Node) -> [Node.Swarm.Member] {
        guard let swarm = node.swarm, swarm.role == .manager else { return [] }
        return swarm.members.isEmpty ? [Node.Swarm.Member(node)] : swarm.members
    }

    /// The cards hold keys, and the node's sshd must support them.
    static func check(_ node: Node, profile: OSProfile, root: RootSnapshot?, report: inout DiagnosticReport) {
        guard let swarm = node.swarm, swarm.isFormed, RootFlavour.hasSwarmMode(profile) else { return }
        AddressPool.check(swarm, engine: engine(of: node, profile), report: &report)
        KernelNeeds.check(node, swarm, profile: profile, engine: engine(of: node, profile), report: &report)
        if let root {
            if let problem = root.problem {
                report.error(
                    at: swarm.location,
                    "swarm: without token the rack's keys go in the root partition, which cannot be edited: \(problem)"
                )
            }
        } else {
            report.error(
                at: swarm.location,
                "swarm: without token the rack's keys go in the root partition; name the card or the image file, not a "
                    + "mounted directory")
        }
        // Each of these is refused at its own line.
        let hasOwnLine = !swarm.networks.isEmpty || !swarm.stacks.isEmpty || !node.firstBoot.afterSwarm.isEmpty
        if let problem = problem(profile), !hasOwnLine { report.error(at: swarm.location, "swarm: " + problem) }
    }

    /// Why an image cannot form a swarm; nil if it can. Ed25519 keys came with OpenSSH 6.5; wheezy has 6.0.
    static func problem(_ profile: OSProfile) -> String? {
        guard profile.initSystem?.kind == .sysvinit || profile.system?.codename == "wheezy" else { return nil }
        return "without token it takes a system with systemd and OpenSSH 6.5 (from jessie on); give swarm.token"
    }

    /// The engine's version, if it is known.
    static func engine(of node: Node, _ profile: OSProfile) -> EngineVersion? {
        RootFlavour.engineVersion(profile) ?? DockerInstallation.version(of: node, profile: profile)
    }
}
