public import Diagnostics

extension Node {
    /// The swarm that the node belongs to: one that exists, when there is a token, or one that the rack forms by itself.
    public struct Swarm: Hashable, Sendable {
        public enum Role: String, Sendable, CaseIterable { case manager, worker }

        public enum Mode: String, Sendable, CaseIterable {
            /// Docker's own, from 1.12 on.
            case swarm
            /// The Swarm 0.2 container with Consul, for images of 2015.
            case classic
        }

        /// docker-node-update(1), --availability.
        public enum Availability: String, Sendable, CaseIterable { case active, pause, drain }

        public var mode: Mode
        /// The managers, tried in order; the first one forms the swarm: a node's name, an IP or a host name, the latter two
        /// with or without ":port".
        public var managers: [Located<String>]
        public var role: Role
        /// Of a swarm that exists; nil when the rack forms one.
        public var token: Secret?
        /// What the roles are set to; a role that is left out stays active.
        public var availability: [Role: Availability]
        /// Node labels, in the recipe's order.
        public var labels: [Label]
        /// What the first manager deploys.
        public var stacks: [Stack]
        /// Classic mode: the Consul server's address; nil for the first manager.
        public var consul: Located<String>?
        /// The names of the rack's nodes that belong to the same swarm, this one included.
        public var nodes: [String]
        public var location: Location

        public init(
            mode: Mode = .swarm, managers: [Located<String>], role: Role, token: Secret? = nil,
            availability: [Role: Availability] = [:], labels: [Label] = [], stacks: [Stack] = [],
            consul: Located<String>? = nil, nodes: [String] = [], location: Location
        ) {
            self.mode = mode
            self.managers = managers
            self.role = role
            self.token = token
            self.availability = availability
            self.labels = labels
            self.stacks = stacks
            self.consul = consul
            self.nodes = nodes
            self.location = location
        }

        /// Whether the rack forms the swarm by itself, with the engines' own swarm mode.
        public var isFormed: Bool { mode == .swarm && token == nil }

        /// Whether the rack's own nodes are the managers, which all others must find.
        public var isOfTheRack: Bool { isFormed || mode == .classic }

        /// A node label: `docker node update --label-add KEY=VALUE`.
        public struct Label: Hashable, Sendable {
            public var key: Located<String>
            public var value: Located<String>

            public init(key: Located<String>, value: Located<String>) {
                self.key = key
                self.value = value
            }
        }

        public struct Stack: Hashable, Sendable {
            public var name: Located<String>
            /// The absolute path of its compose file on the workstation.
            public var compose: Located<String>

            public init(name: Located<String>, compose: Located<String>) {
                self.name = name
                self.compose = compose
            }
        }
    }
}
