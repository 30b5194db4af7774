package import Recipes

/// The token service of a manager: a second sshd, on another port, from which the nodes of the rack fetch the token of
/// their role and nothing else. The vendor's sshd is not changed: the first boot replaces its host keys, and the user
/// decides what its configuration allows.
///
/// Each node has a key. The card of every manager says which key is which node's, and what role and labels that node has:
/// what a node says of itself counts for nothing.
package enum TokenService {
    /// Next to Docker's own 2377.
    static let port = 2378
    static let programPath = "/usr/local/lib/piflash/swarm-door"
    package static let unitName = "piflash-swarm-door.service"
    static let unitPath = "/etc/systemd/system/piflash-swarm-door.service"
    /// The name of the host key in known_hosts, whatever address a manager has.
    static let hostAlias = "piflash-swarm"

    static let program = String(decoding: PackageResources.token_service_sh, as: UTF8.self)

    /// OpenSSH 6.7 (Debian jessie) and today's know every option. What would weaken the service is switched off here, and
    /// once more for each key in ``authorizedKeys(_:)``.
    static let configuration = """
        # The swarm's token service, written by piflash: see /usr/local/lib/piflash/swarm-door.
        Port \(port)
        HostKey \(SwarmFormation.directory)/host_key
        PidFile /run/piflash-swarm-door.pid
        AuthorizedKeysFile \(SwarmFormation.directory)/authorized_keys
        AllowUsers root
        PermitRootLogin forced-commands-only
        PubkeyAuthentication yes
        PasswordAuthentication no
        ChallengeResponseAuthentication no
        HostbasedAuthentication no
        KerberosAuthentication no
        GSSAPIAuthentication no
        AllowTcpForwarding no
        AllowStreamLocalForwarding no
        AllowAgentForwarding no
        GatewayPorts no
        X11Forwarding no
        PermitTunnel no
        PermitOpen none
        PermitTTY no
        PermitUserEnvironment no
        PermitUserRC no
        UseDNS no
        PrintMotd no
        PrintLastLog no
        StrictModes yes
        LoginGraceTime 20
        MaxAuthTries 2
        MaxSessions 1
        MaxStartups 40:30:100
        ClientAliveInterval 15
        ClientAliveCountMax 3
        LogLevel INFO

        """

    /// The keys of all nodes, and the shared ones of a rack that an older piflash began.
    static func authorizedKeys(of members: [Node.Swarm.Member], _ keys: RackKeys) -> String {
        let own = members.compactMap { member in
            (keys.arePlaceholders ? "<the public key of \(member.name)>" : keys.members[member.name]).map {
                line("\(member.role.rawValue) \(member.name)", $0, comment: member.name)
            }
        }
        let shared = [("worker", keys.shared?.worker), ("manager", keys.shared?.manager)].compactMap { role, key in
            key.map { line(role, $0.publicKey, comment: "piflash-\(role)") }
        }
        return (own + shared).joined()
    }

    /// The long list instead of `restrict`, which came with OpenSSH 7.2.
    private static func line(_ words: String, _ publicKey: String, comment: String) -> String {
        "command=\"/bin/sh \(programPath) \(words)\",no-port-forwarding,no-agent-forwarding,no-X11-forwarding,"
            + "no-pty,no-user-rc \(publicKey) \(comment)\n"
    }

    /// The nodes with their roles and labels, as the program reads them: "NAME ROLE [KEY=VALUE]…".
    static func list(of members: [Node.Swarm.Member]) -> String {
        members.map { ([$0.name, $0.role.rawValue] + $0.labels).joined(separator: " ") + "\n" }.joined()
    }

    private static let authorizedKeysPath = "\(SwarmFormation.directory)/authorized_keys"
    private static let membersPath = "\(SwarmFormation.directory)/members"

    /// What the service of the manager `node` reads at each request, and its program.
    package static func files(for node: Node, keys: RackKeys) -> [Provision.NodeFile] {
        files(of: SwarmFormation.members(for: node), keys)
    }

    static func files(of members: [Node.Swarm.Member], _ keys: RackKeys) -> [Provision.NodeFile] {
        [
            .init(path: authorizedKeysPath, contents: Array(authorizedKeys(of: members, keys).utf8), mode: 0o600),
            .init(path: membersPath, contents: Array(list(of: members).utf8), mode: 0o600),
            .init(path: programPath, contents: Array(program.utf8), mode: 0o755),
        ]
    }

    static func knownHosts(_ keys: RackKeys) -> String { "\(hostAlias) \(keys.host.publicKey)\n" }

    static let unit = """
        [Unit]
        Description=The swarm's token service: gives the nodes of the rack their join token (piflash)
        Documentation=file:/usr/local/lib/piflash/swarm-door
        After=network.target
        ConditionPathExists=\(SwarmFormation.directory)/host_key

        [Service]
        ExecStart=/bin/sh \(programPath) serve
        Restart=on-failure
        RestartSec=10

        [Install]
        WantedBy=multi-user.target

        """
}
