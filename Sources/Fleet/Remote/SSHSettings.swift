package import Diagnostics

/// How the user's ssh program is called; the user's own ~/.ssh/config applies to the rest.
package struct SSHSettings: Sendable {
    /// The login name on every node, instead of the recipes'.
    package var user: String?
    /// The private key's file, absolute.
    package var identity: String?
    /// Options as in ssh_config(5), "Name=value".
    package var options: [String]
    /// Whether the key of a host that was never seen is taken as it is and remembered.
    package var acceptsNewHostKeys: Bool
    package var environment: [String: String]

    package init(
        user: String? = nil, identity: String? = nil, options: [String] = [], acceptsNewHostKeys: Bool = false,
        environment: [String: String] = [:]
    ) throws(Failure) {
        // A name that begins with "-" would be an option of ssh.
        if let user, user.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}/) == nil {
            throw Failure(.usage, severity: .usage, "\"\(user)\" is no login name")
        }
        for option in options where option.wholeMatch(of: /[A-Za-z][A-Za-z0-9]*[= ].+/) == nil {
            throw Failure(
                .usage, severity: .usage, "\"\(option)\" is no option of ssh",
                hint: "as in ssh_config(5): --ssh-option Port=2222")
        }
        self.user = user
        self.identity = identity
        self.options = options
        self.acceptsNewHostKeys = acceptsNewHostKeys
        self.environment = environment
    }

    /// The arguments that every call has. For each option ssh takes the first value that it is given: what the runner
    /// depends on stands first, then the user's options, then our defaults; ~/.ssh/config comes after all of them.
    func arguments(controlPath: String) -> [String] {
        var words = ["-T"]
        func set(_ options: String...) { for option in options { words += ["-o", option] } }
        set("BatchMode=yes", "RequestTTY=no", "RemoteCommand=none", "ClearAllForwardings=yes", "ForwardX11=no")
        // One login for all that is done on a node. The process in the background ends by itself should we be killed.
        set("ControlMaster=auto", "ControlPath=\(controlPath)", "ControlPersist=20")
        if acceptsNewHostKeys { set("StrictHostKeyChecking=accept-new") }
        for option in options { set(option) }
        // A node that is switched off in the middle is noticed after 20 seconds.
        set("ConnectTimeout=10", "ServerAliveInterval=5", "ServerAliveCountMax=4", "LogLevel=ERROR")
        if let identity { words += ["-i", identity] }
        return words
    }
}
