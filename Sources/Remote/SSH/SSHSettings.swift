import Text
package import Diagnostics

/// How the user's ssh program is called. ~/.ssh/config decides what is not fixed here.
package struct SSHSettings: Sendable {
    /// The login name on every node, instead of the recipes'.
    package var user: String?
    /// The absolute path of the private key.
    package var identity: String?
    /// Options of ssh_config(5), as "Name=value".
    package var options: [String]
    /// Whether an unknown host key is accepted and remembered.
    package var acceptsNewHostKeys: Bool
    /// When piflash last wrote the cards of nodes, by their names, in seconds since 1970. A new card has new host keys.
    package var timesOfWriting: [String: Int64]
    package var environment: [String: String]

    package init(
        user: String? = nil, identity: String? = nil, options: [String] = [], acceptsNewHostKeys: Bool = false,
        timesOfWriting: [String: Int64] = [:], environment: [String: String] = [:]
    ) throws(Failure) {
        // A name that begins with "-" would be an option of ssh.
        if let user, user.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}/) == nil {
            throw Failure(.usage, severity: .usage, "\"\(user)\" is not a valid login name")
        }
        for option in options where option.wholeMatch(of: /[A-Za-z][A-Za-z0-9]*[= ].+/) == nil {
            throw Failure(
                .usage, severity: .usage, "\"\(option)\" is not a valid option of ssh",
                hint: "write it as in ssh_config(5): --ssh-option Port=2222")
        }
        self.user = user
        self.identity = identity
        self.options = options
        self.acceptsNewHostKeys = acceptsNewHostKeys
        self.timesOfWriting = timesOfWriting
        self.environment = environment
        let owned = Set((fixed.map(\.name) + ["ControlPath", "SendEnv"]).map { $0.lowercased() })
        for option in options {
            let name = option.prefix { $0 != "=" && $0 != " " }
            guard owned.contains(name.lowercased()) else { continue }
            throw Failure(
                .usage, severity: .usage, "--ssh-option \(name): piflash sets this option itself",
                hint: name.lowercased() == "stricthostkeychecking" ? "use --accept-new for unknown host keys" : nil)
        }
    }

    /// A configuration for ssh: the user's and the machine's, in ssh's order, without the environment variables that they
    /// send. No option on the command line can take those back: SendEnv is the one option whose values add up.
    static let configuration = """
        Include ~/.ssh/config
        Include /etc/ssh/ssh_config
        Match all
            SendEnv -*

        """

    /// What the runner depends on, and what a node must not get from the user, whatever ~/.ssh/config says. The user's own
    /// ways to a node stay: ProxyJump, ProxyCommand, Match exec, keys, names and ports.
    private var fixed: [(name: String, value: String)] {
        [
            ("BatchMode", "yes"), ("RequestTTY", "no"), ("RemoteCommand", "none"), ("PermitLocalCommand", "no"),
            // A node with the agent, the display or a ticket of the user could use them as the user.
            ("ForwardAgent", "no"), ("ForwardX11", "no"), ("GSSAPIDelegateCredentials", "no"),
            ("ClearAllForwardings", "yes"), ("Tunnel", "no"), ("GatewayPorts", "no"),
            // Only a key that the user has accepted is a node's: neither a record of the DNS nor the node adds others.
            ("StrictHostKeyChecking", acceptsNewHostKeys ? "accept-new" : "yes"), ("VerifyHostKeyDNS", "no"),
            ("NoHostAuthenticationForLocalhost", "no"), ("UpdateHostKeys", "no"),
            // One login for all work on a node. If we are killed, the process in the background ends by itself.
            ("ControlMaster", "auto"), ("ControlPersist", "20"),
        ]
    }

    /// The arguments of every call. ssh takes the first value of each option: ours come first, then those of the command
    /// line, then our defaults. The configuration files come last.
    ///
    /// - Parameters:
    ///   - controlPath: the socket of the shared connection.
    ///   - configuration: a file with ``configuration``.
    func arguments(controlPath: String, configuration: String) -> [String] {
        var words = ["-T", "-F", configuration]
        func set(_ options: String...) { for option in options { words += ["-o", option] } }
        for option in fixed { set("\(option.name)=\(option.value)") }
        set("ControlPath=\(controlPath)")
        for option in options { set(option) }
        // A node that loses power during the work is noticed after 20 seconds.
        set("ConnectTimeout=10", "ServerAliveInterval=5", "ServerAliveCountMax=4", "LogLevel=ERROR")
        if let identity { words += ["-i", identity] }
        return words
    }

    /// The login name on `host`, as arguments.
    func login(on host: RemoteHost) -> [String] { (user ?? host.user).map { ["-l", $0] } ?? [] }

    /// The arguments with which a person logs in on `host` at `address` the same way.
    func plainArguments(for host: RemoteHost, at address: String) -> [String] {
        options.flatMap { ["-o", $0] } + (identity.map { ["-i", $0] } ?? []) + login(on: host) + [address]
    }

    /// The same as a line for a shell.
    func command(for host: RemoteHost, at address: String) -> String {
        (["ssh"] + plainArguments(for: host, at: address)).map(shellWord).joined(separator: " ")
    }
}
