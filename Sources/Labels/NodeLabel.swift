public import Recipes

/// What stands on a node's label.
public struct NodeLabel: Hashable, Sendable {
    public struct Field: Hashable, Sendable {
        public var name: String
        public var value: String
    }

    public var node: String
    /// Where it is reached: its address, else its name in the local network.
    public var host: String
    /// Its fixed address; nil with DHCP.
    public var address: String?
    public var user: String?
    public var seat: String?
    /// What else the roster says, by the columns' names.
    public var columns: [Field]
    /// In clear, when it was asked for.
    public var password: String?

    public init(_ member: LoadedRack.Member, password: String? = nil) {
        let node = member.node
        self.node = node.hostname.value
        address = node.address?.value.address
        host = address ?? "\(node.hostname.value).local"
        user = node.user?.name.value
        seat = member.columns["seat"].flatMap { $0.isEmpty ? nil : $0 }
        columns = Self.harmless(member).map { Field(name: $0.key, value: $0.value) }
        self.password = password
    }

    /// The columns that are no secret by name, hold none that the recipe takes from them, and say something new; a name
    /// comes first, should there be no room for all.
    private static func harmless(_ member: LoadedRack.Member) -> [(key: String, value: String)] {
        var hidden: Set<String> = []
        for secret in member.node.secrets { if case .literal(let value) = secret.source { hidden.insert(value) } }
        let user = member.node.user?.name.value
        return member.columns.filter { name, value in
            let isSecret = name.contains(/pass|secret|token|(^|_)(pin|pw|key|psk)(_|$)/)
            return name != "seat" && !isSecret && !value.isEmpty && !hidden.contains(value)
                && !(value == user && ["login", "user"].contains(name))
        }.sorted { ($0.key == "name" ? 0 : 1, $0.key) < ($1.key == "name" ? 0 : 1, $1.key) }
    }

    /// What a phone or a terminal opens: ssh://user@host.
    public var link: String { "ssh://" + target }

    /// As ssh takes it: user@host.
    public var target: String { (user.map { "\($0)@" } ?? "") + host }
}
