package import Diagnostics
package import Text

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
        /// The networks that the swarm's own networks are cut from; empty for a pool that suits the rack.
        package var addressPool: [Located<String>]
        /// How long the nodes' certificates last, in hours; nil for ``certificateHours``.
        package var certificates: Located<Int>?
        /// Overlay networks that the first manager makes before any stack.
        package var networks: [Network]
        /// What the first manager deploys.
        package var stacks: [Stack]
        /// Classic mode: the Consul server's address; nil for the first manager.
        package var consul: Located<String>?
        /// The names of the rack's nodes that belong to the same swarm, this one included.
        package var nodes: [String]
        /// What a manager knows about these nodes; empty for a worker.
        package var members: [Member] = []
        /// The networks outside the swarm that its containers have to reach, as far as the rack's recipes name them.
        package var surroundings: [NamedNetwork]
        package var location: Location

        package init(
            mode: Mode = .swarm, managers: [Located<String>], role: Role, token: Secret? = nil,
            availability: [Role: Availability] = [:], labels: [Label] = [], addressPool: [Located<String>] = [],
            certificates: Located<Int>? = nil, networks: [Network] = [], stacks: [Stack] = [],
            consul: Located<String>? = nil, nodes: [String] = [], surroundings: [NamedNetwork] = [],
            location: Location
        ) {
            self.mode = mode
            self.managers = managers
            self.role = role
            self.token = token
            self.availability = availability
            self.labels = labels
            self.addressPool = addressPool
            self.certificates = certificates
            self.networks = networks
            self.stacks = stacks
            self.consul = consul
            self.nodes = nodes
            self.surroundings = surroundings
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

        /// A node of the swarm: what the managers give it, whatever it says of itself.
        package struct Member: Hashable, Sendable {
            package var name: String
            package var role: Role
            /// "KEY=VALUE" each.
            package var labels: [String]

            package init(name: String, role: Role, labels: [String] = []) {
                self.name = name
                self.role = role
                self.labels = labels
            }

            package init(_ node: Node) {
                self.init(
                    name: node.hostname.value, role: node.swarm?.role ?? .worker,
                    labels: (node.swarm?.labels ?? []).map { "\($0.key.value)=\($0.value.value)" })
            }
        }

        /// A year: Docker's own 90 days are less than a summer, and a swarm that was switched off for longer than its
        /// certificates last is dead.
        package static let certificateHours = 8760

        /// An overlay network: `docker network create --driver overlay`.
        package struct Network: Hashable, Sendable {
            package var name: Located<String>
            /// Whether containers that are not part of a service may join it.
            package var isAttachable: Bool
            /// Whether its traffic between nodes is encrypted.
            package var isEncrypted: Bool
            /// Whether it has no way out.
            package var isInternal: Bool
            /// IPv4, with its prefix length; nil for one of the pool.
            package var subnet: Located<String>?

            package init(
                name: Located<String>, isAttachable: Bool = false, isEncrypted: Bool = false, isInternal: Bool = false,
                subnet: Located<String>? = nil
            ) {
                self.name = name
                self.isAttachable = isAttachable
                self.isEncrypted = isEncrypted
                self.isInternal = isInternal
                self.subnet = subnet
            }
        }

        /// A network, and what it is for messages: "the network of red01".
        package struct NamedNetwork: Hashable, Sendable {
            package var network: IPNetwork
            package var name: String

            package init(_ network: IPNetwork, name: String) {
                self.network = network
                self.name = name
            }
        }

        package struct Stack: Hashable, Sendable {
            package var name: Located<String>
            /// The absolute path of its compose file on the workstation.
            package var compose: Located<String>
            /// The values of the compose file's variables, in the recipe's order.
            package var environment: [Variable]

            package init(name: Located<String>, compose: Located<String>, environment: [Variable] = []) {
                self.name = name
                self.compose = compose
                self.environment = environment
            }

            package struct Variable: Hashable, Sendable {
                package var name: Located<String>
                package var value: Secret

                package init(name: Located<String>, value: Secret) {
                    self.name = name
                    self.value = value
                }
            }
        }
    }
}
