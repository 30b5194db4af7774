/// The token service of a manager: a second sshd, on another port, from which the nodes of the rack fetch the token of
/// their role and nothing else. The vendor's sshd is not changed: the first boot replaces its host keys, and the user
/// decides what its configuration allows.
enum TokenService {
    /// Next to Docker's own 2377.
    static let port = 2378
    static let programPath = "/usr/local/lib/piflash/swarm-door"
    static let unitName = "piflash-swarm-door.service"
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

    /// The long list instead of `restrict`, which came with OpenSSH 7.2.
    static func authorizedKeys(_ keys: RackKeys) -> String {
        [("worker", keys.worker), ("manager", keys.manager)].map { role, key in
            "command=\"/bin/sh \(programPath) \(role)\",no-port-forwarding,no-agent-forwarding,no-X11-forwarding,"
                + "no-pty,no-user-rc \(key.publicKey) piflash-\(role)\n"
        }.joined()
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
        KillMode=process
        Restart=on-failure
        RestartSec=10

        [Install]
        WantedBy=multi-user.target

        """
}
