package import Diagnostics

extension Node {
    /// The swarm that the node belongs to: one that exists if there is a token, otherwise one that the rack forms.
    package struct Swarm: Hashable, Sendable {
        package enum Role: String, Sendable, CaseIterable { case manager, worker }

        package enum Mode: String, Sendable, CaseIterable {
            /// Docker's own, from 1.12 on.
            case swarm
            /// The Swarm 0.2 container with Consul, for images of 2015.
            case classic
        }

        /// docker-node-update(1), --availability.
        package enum Availability: String, Sendable, CaseIterable { case active, pause, drain }

        package var mode: Mode
        /// The managers, tried in order; the first one forms the swarm: a node's name, an IP or a host name, the latter two
        /// with or without ":port".
        package var managers: [Located<String>]
        package var role: Role
        /// The token of a swarm that exists; nil if the rack forms one.
        package var token: Secret?
        /// By role; a role that is left out stays active.
        package var availability: [Role: Availability]
        /// Node labels, in the recipe's order.
        package var labels: [Label]
        /// What the first manager deploys.
        package var stacks: [Stack]
        /// Classic mode: the Consul server's address; nil for the first manager.
        package var consul: Located<String>?
        /// The names of the rack's nodes that belong to the same swarm, this one included.
        package var nodes: [String]
        package var location: Location

        package init(
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

        /// Whether the rack forms the swarm, with the engines' swarm mode.
        package var isFormed: Bool { mode == .swarm && token == nil }

        /// Whether nodes of the rack are the managers, which all other nodes must find.
        package var isOfTheRack: Bool { isFormed || mode == .classic }

        /// A node label: `docker node update --label-add KEY=VALUE`.
        package struct Label: Hashable, Sendable {
            package var key: Located<String>
            package var value: Located<String>

            package init(key: Located<String>, value: Located<String>) {
                self.key = key
                self.value = value
            }
        }

        package struct Stack: Hashable, Sendable {
            package var name: Located<String>
            /// The absolute path of its compose file on the workstation.
            package var compose: Located<String>

            package init(name: Located<String>, compose: Located<String>) {
                self.name = name
                self.compose = compose
            }
        }
    }
}
