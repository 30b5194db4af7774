import Text
package import Recipes

/// The content of a node's label.
package struct NodeLabel: Hashable, Sendable {
    package struct Field: Hashable, Sendable {
        package var name: String
        package var value: String
    }

    package var node: String
    /// Where it is reached: its address, else its name, with ".local" if something on it answers to that.
    package var host: String
    /// Its fixed address; nil with DHCP.
    package var address: String?
    package var user: String?
    package var seat: String?
    /// What else the roster says, by the columns' names.
    package var columns: [Field]
    /// In clear, when it was asked for.
    package var password: String?
    /// In clear, when it was asked for and ssh does not take it: it is for the node's own screen and keyboard.
    package var keyboardPassword: String?

    /// - Parameter answersLocalName: whether the node answers to NAME.local.
    package init(_ member: LoadedRack.Member, password: String? = nil, answersLocalName: Bool = true) {
        let node = member.node
        self.node = node.hostname.value
        address = node.address?.value.address
        host = address ?? (answersLocalName ? "\(node.hostname.value).local" : node.hostname.value)
        user = node.user?.name.value
        seat = member.columns.first { $0.name == "seat" && !$0.value.isEmpty }?.value
        columns = Self.harmless(member)
        if node.user?.logsInByPassword == true { self.password = password } else { keyboardPassword = password }
    }

    /// The columns whose names do not suggest a secret, that hold no secret of the recipe, and that add something; in the
    /// roster's order, but a name comes first, should there be no room for all.
    private static func harmless(_ member: LoadedRack.Member) -> [Field] {
        var hidden: Set<String> = []
        for secret in member.node.secrets { if case .literal(let value) = secret.source { hidden.insert(value) } }
        let user = member.node.user?.name.value
        let columns = member.columns.filter { column in
            let (name, value) = (column.name, column.value)
            let isSecret = name.contains(/pass|secret|token|(^|_)(pin|pw|key|psk)(_|$)/)
            return name != "seat" && !isSecret && !value.isEmpty && !hidden.contains(value)
                && !(value == user && ["login", "user"].contains(name))
        }
        return (columns.filter { $0.name == "name" } + columns.filter { $0.name != "name" }).map {
            Field(name: $0.name, value: $0.value)
        }
    }

    /// What a phone or a terminal opens: ssh://user@host.
    package var link: String {
        let place = host.contains(scalar: ":") ? "[\(host)]" : host
        return "ssh://" + (user.map { "\($0)@" } ?? "") + place
    }

    /// As ssh takes it: user@host.
    package var target: String { (user.map { "\($0)@" } ?? "") + host }
}
