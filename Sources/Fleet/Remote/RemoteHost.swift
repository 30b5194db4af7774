package import Recipes

/// A running node as ssh reaches it.
package struct RemoteHost: Hashable, Sendable {
    /// The node's name, for people.
    package var name: String
    /// Where it may be, in the order in which it is looked for; a name that nobody knows leads to the next.
    package var addresses: [String]
    /// The login name; nil leaves it to ssh's own configuration.
    package var user: String?

    package init(name: String, addresses: [String], user: String? = nil) {
        self.name = name
        self.addresses = addresses
        self.user = user
    }

    /// At the recipe's address, else by multicast DNS, which every Pi system answers, else by its plain name.
    package init(_ node: Node) {
        let name = node.hostname.value
        self.init(
            name: name, addresses: node.address.map { [$0.value.address] } ?? ["\(name).local", name],
            user: node.user?.name.value)
    }
}

/// What a remote script is run as.
package enum RemotePrivilege: Sendable {
    /// The user who logs in.
    case user
    /// Whoever may use Docker: the user, when Docker answers, else root.
    case docker
    /// root, by sudo without a password.
    case root

    /// The command for sshd to run. Constant: all that varies comes over standard input. `sh -c`, since the user's login
    /// shell may be another.
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
