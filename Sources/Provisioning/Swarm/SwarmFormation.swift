import Text
import Diagnostics
import Filesystems
import Recipes

/// A node's part in a swarm that the rack forms by itself: what its card holds for that.
struct SwarmFormation: Hashable, Sendable {
    static let directory = "/etc/piflash/swarm"
    static let stacksDirectory = "/etc/piflash/stacks"

    let role: Node.Swarm.Role
    /// Whether the node makes the swarm.
    let isFirst: Bool
    /// The managers that the node asks, "host:2377" each: all but itself.
    let managers: [String]
    /// The address that the recipe knows this manager by.
    let ownAddress: String?
    let labels: [String]
    let availability: [Node.Swarm.Role: Node.Swarm.Availability]
    /// The names of the rack's nodes in the swarm.
    let nodes: [String]
    /// What the node deploys; none but on the first manager.
    let stacks: [Material.Stack]
    let keys: RackKeys

    /// For the first-boot program.
    var settings: [(String, String)] {
        [
            ("FORM", "1"), ("ROLE", role.rawValue), ("FIRST", isFirst ? "1" : "0"),
            ("DOOR_PORT", String(SwarmDoor.port)), ("LABELS", labels.joined(separator: " ")),
            ("AVAILABILITY_MANAGER", (availability[.manager] ?? .active).rawValue),
            ("AVAILABILITY_WORKER", (availability[.worker] ?? .active).rawValue),
            ("STACKS", stacks.map { "\($0.name):\(digest(of: [$0.contents]))" }.joined(separator: " ")),
            ("NODES", isFirst ? nodes.joined(separator: " ") : ""),
            // A card with other keys has work to do again.
            ("KEYS", digest(of: [keys.host, keys.worker, keys.manager].map { Array($0.publicKey.utf8) })),
        ]
    }

    /// The private key that lets the node in, which its first boot deletes; a manager that is the only one asks nobody.
    private var entryKey: (path: String, key: RackKeys.Pair)? {
        switch role {
        case .worker: ("\(Self.directory)/worker_key", keys.worker)
        case .manager: managers.isEmpty ? nil : ("\(Self.directory)/manager_key", keys.manager)
        }
    }

    /// Where the first boot takes keys away.
    static let entryKeyPaths = ["\(directory)/worker_key", "\(directory)/manager_key"]

    /// What changes when the node has to use its key again: the key itself, whom it asks and what for.
    var consumed: [String: String] {
        guard let entryKey else { return [:] }
        let text = [entryKey.key.privateKey, managers.joined(separator: " "), labels.joined(separator: " ")]
        return [entryKey.path: digest(of: text.map { Array($0.utf8) })]
    }

    /// All that can be on a card for a swarm of the rack's own.
    static let paths =
        entryKeyPaths + ["host_key", "known_hosts", "authorized_keys", "sshd_config"].map { "\(directory)/\($0)" } + [
            SwarmDoor.programPath, SwarmDoor.unitPath, doorLink,
        ]

    private static let doorLink = "/etc/systemd/system/multi-user.target.wants/\(SwarmDoor.unitName)"

    /// They go in the root partition on every system: the boot partition can be read by every user of the node, and by
    /// whoever puts the card in a reader.
    var edits: [RootEdit] {
        func file(_ path: String, _ text: String, _ mode: UInt16 = 0o600) -> RootEdit {
            RootEdit(.file(contents: Array(text.utf8), mode: mode), at: path)
        }
        var edits = [RootEdit(.directory(mode: 0o700), at: Self.directory)]
        if let entryKey {
            edits.append(file(entryKey.path, entryKey.key.privateKey))
            edits.append(file("\(Self.directory)/known_hosts", SwarmDoor.knownHosts(keys)))
        }
        if role == .manager {
            edits += [
                file("\(Self.directory)/host_key", keys.host.privateKey),
                file("\(Self.directory)/authorized_keys", SwarmDoor.authorizedKeys(keys)),
                file("\(Self.directory)/sshd_config", SwarmDoor.configuration),
                file(SwarmDoor.programPath, SwarmDoor.program, 0o755),
                file(SwarmDoor.unitPath, SwarmDoor.unit, 0o644),
                RootEdit(.symbolicLink(target: SwarmDoor.unitPath), at: Self.doorLink),
            ]
        }
        for stack in stacks {
            edits.append(
                RootEdit(
                    .file(contents: stack.contents, mode: 0o600), at: "\(Self.stacksDirectory)/\(stack.name).yml"))
        }
        return edits
    }
}

extension SwarmFormation {
    /// Nil when the rack forms no swarm.
    init?(_ node: Node, material: Material, keys: RackKeys, report: inout DiagnosticReport) {
        guard let swarm = node.swarm, swarm.isFormed else { return nil }
        let seen = SwarmManagers(node, swarm)
        managers = seen.others.compactMap { SwarmAddress.normalized($0, report: &report) }
        role = swarm.role
        isFirst = seen.isFirst
        ownAddress = seen.ownAddress
        labels = swarm.labels.map { "\($0.key.value)=\($0.value.value)" }
        availability = swarm.availability
        nodes = swarm.nodes.isEmpty ? [node.hostname.value] : swarm.nodes
        stacks = isFirst ? material.stacks : []
        self.keys = keys
    }
}
