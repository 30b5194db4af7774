import Text
package import Diagnostics

/// How the user's ssh program is called. For everything else the user's ~/.ssh/config applies.
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
    }

    /// The arguments of every call. ssh takes the first value of each option: what the runner depends on comes first, then
    /// the user's options, then our defaults. ~/.ssh/config comes last.
    func arguments(controlPath: String) -> [String] {
        var words = ["-T"]
        func set(_ options: String...) { for option in options { words += ["-o", option] } }
        set("BatchMode=yes", "RequestTTY=no", "RemoteCommand=none", "ClearAllForwardings=yes", "ForwardX11=no")
        // One login for all work on a node. If we are killed, the process in the background ends by itself.
        set("ControlMaster=auto", "ControlPath=\(controlPath)", "ControlPersist=20")
        if acceptsNewHostKeys { set("StrictHostKeyChecking=accept-new") }
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
