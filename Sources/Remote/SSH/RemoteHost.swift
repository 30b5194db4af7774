package import Recipes

/// A running node as ssh reaches it.
package struct RemoteHost: Hashable, Sendable {
    /// The node's name, for people.
    package var name: String
    /// Its addresses in the order in which they are tried. If a name is not known, the next address is tried.
    package var addresses: [String]
    /// The login name; nil leaves it to the configuration of ssh.
    package var user: String?

    package init(name: String, addresses: [String], user: String? = nil) {
        self.name = name
        self.addresses = addresses
        self.user = user
    }

    /// The node for messages, with the address that was tried: "red01 (192.168.50.11)".
    func title(at address: String) -> String { address == name ? name : "\(name) (\(address))" }

    /// By the recipe's address; without one by multicast DNS, which every Pi system answers, then by the plain name.
    package init(_ node: Node) {
        let name = node.hostname.value
        self.init(
            name: name, addresses: node.address.map { [$0.value.address] } ?? ["\(name).local", name],
            user: node.user?.name.value)
    }
}

/// The user that a remote script runs as.
package enum RemotePrivilege: Sendable {
    /// The user that logs in.
    case user
    /// The user that logs in, if Docker answers; root otherwise.
    case docker
    /// root, through sudo without a password.
    case root

    /// The command for sshd to run. It is constant: all that varies comes over standard input. `sh -c`, because the user's
    /// login shell may be another one.
    var command: String {
        switch self {
        case .user: "exec sh -s"
        case .docker:
            """
            exec sh -c 'if [ "$(id -u)" = 0 ] || docker version >/dev/null 2>&1 </dev/null; then exec sh -s; fi; \
            exec sudo -n sh -s'
            """
        case .root: "exec sh -c 'if [ \"$(id -u)\" = 0 ]; then exec sh -s; fi; exec sudo -n sh -s'"
        }
    }
}
