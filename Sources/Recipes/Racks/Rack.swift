import Diagnostics
import Text

/// What the nodes of a rack know of each other.
struct Rack {
    /// The nodes whose recipes fix their addresses, by name. Empty if there is no other node.
    let hosts: [Node.RackHost]
    /// All nodes' names.
    let names: Set<String>
    /// The nodes that form a swarm under the same managers, in the order of their names.
    private let swarms: [[String]: [Node.Swarm.Member]]
    /// Their names.
    private let swarmNames: [[String]: [String]]
    /// How many managers each of these swarms has: nodes may be managers without being named as one.
    private let managerCounts: [[String]: Int]
    /// What the swarm's containers have to reach.
    private let surroundings: [Node.Swarm.NamedNetwork]
    /// What Docker advises as the most: https://docs.docker.com/engine/swarm/admin_guide/
    private static let mostManagers = 7

    init(_ nodes: [Node]) {
        names = Set(nodes.map(\.hostname.value))
        let known = nodes.flatMap { node in
            node.addresses.map { Node.RackHost(name: node.hostname.value, address: $0.value.address) }
        }
        let isAlone = names.count < 2
        // IPv4 first: it is the address that a node's name stands for.
        hosts =
            isAlone
            ? []
            : known.sorted {
                ($0.name, $0.address.contains(scalar: ":") ? 1 : 0, $0.address)
                    < ($1.name, $1.address.contains(scalar: ":") ? 1 : 0, $1.address)
            }
        var swarms: [[String]: [Node.Swarm.Member]] = [:]
        for node in nodes {
            guard let swarm = node.swarm, swarm.isFormed else { continue }
            swarms[swarm.managers.map(\.value), default: []].append(Node.Swarm.Member(node))
        }
        self.swarms = swarms.mapValues { $0.sorted { $0.name < $1.name } }
        swarmNames = self.swarms.mapValues { $0.map(\.name) }
        var counts: [[String]: Int] = [:]
        for (managers, members) in swarms {
            let members = Set(members.map(\.name))
            let own = nodes.filter { members.contains($0.hostname.value) && $0.swarm?.role == .manager }
            let known = Set(own.flatMap { [$0.hostname.value] + $0.addresses.map(\.value.address) })
            counts[managers] = Set(own.map(\.hostname.value)).count + managers.count { !known.contains($0) }
        }
        managerCounts = counts
        surroundings = RackSurroundings(nodes).networks
    }

    /// `node` with what it has to know of the others.
    func completing(_ node: Node) -> Node {
        var node = node
        let knowsOthers = hosts.contains { $0.name != node.hostname.value }
        node.rack = knowsOthers ? hosts : []
        if let swarm = node.swarm, swarm.isFormed {
            let managers = swarm.managers.map(\.value)
            node.swarm?.nodes = swarmNames[managers] ?? [node.hostname.value]
            node.swarm?.members = swarm.role == .manager ? swarms[managers] ?? [] : []
            node.swarm?.surroundings = surroundings
        }
        return node
    }

    /// Reports managers that no node could find, or whose address may change.
    func checkManagers(of node: Node, _ report: inout DiagnosticReport) {
        guard let swarm = node.swarm, swarm.isOfTheRack else { return }
        for manager in swarm.managers {
            check(manager, "swarm.managers", what: "a manager", of: node, &report)
            let name = manager.value
            guard !names.contains(name), Self.isAddress(name), !hosts.isEmpty,
                !hosts.contains(where: { $0.address == name })
            else { continue }
            report.warning(
                at: manager.location,
                "swarm.managers: no recipe of the rack has the address \(name): the node that gets it needs a card of this "
                    + "rack, with swarm.role: manager")
        }
        if let consul = swarm.consul { check(consul, "swarm.consul", what: "a Consul server", of: node, &report) }
        if swarm.isFormed {
            checkCount(of: swarm, &report)
            checkPool(of: swarm, &report)
        }
    }

    /// Raft: more than half of the managers must agree.
    private func checkCount(of swarm: Node.Swarm, _ report: inout DiagnosticReport) {
        guard let last = swarm.managers.last, let count = managerCounts[swarm.managers.map(\.value)] else { return }
        if count > Self.mostManagers {
            report.warning(
                at: last.location,
                "swarm.managers: more than half of the managers must agree to every change, so \(count) managers only make "
                    + "the swarm slower: use three or five")
        } else if count.isMultiple(of: 2) {
            report.warning(
                at: last.location,
                "swarm.managers: \(count) managers tolerate no more failures than \(count - 1): use an odd number")
        }
    }

    /// Docker hands out parts of the pool whatever the nodes' own networks are.
    private func checkPool(of swarm: Node.Swarm, _ report: inout DiagnosticReport) {
        for (key, given) in [
            ("swarm.address_pool", swarm.addressPool), ("swarm.networks.subnet", swarm.networks.compactMap(\.subnet)),
        ] {
            for text in given {
                guard let network = IPNetwork(text.value),
                    let used = surroundings.first(where: { $0.network.overlaps(network) })
                else { continue }
                report.error(
                    at: text.location,
                    "\(key): \(network) overlaps \(used.name), \(used.network), which containers then cannot reach")
            }
        }
    }

    /// A host that all nodes must find.
    private func check(
        _ host: Located<String>, _ key: String, what: String, of node: Node, _ report: inout DiagnosticReport
    ) {
        let name = host.value
        if names.contains(name) {
            guard node.address(ofManager: name, in: hosts) == nil else { return }
            let isOwn = name == node.hostname.value
            report.error(
                at: host.location,
                "\(key): \(isOwn ? "this node" : name) has no fixed \(Self.family(name, hosts))address, and \(what) whose address changes "
                    + "loses all workers: add address to its recipe, or write here the address that the network reserves "
                    + "for it")
        } else if !Self.isAddress(name), !name.contains(scalar: ".") {
            let near = nearest(to: name, among: names.sorted()).map { " (did you mean \"\($0)\"?)" } ?? ""
            report.error(at: host.location, "\(key): \"\(name)\" is neither a node of the rack nor an address\(near)")
        }
    }

    /// "IPv4 " for a node that has an IPv6 address, which a swarm cannot use.
    private static func family(_ name: String, _ hosts: [Node.RackHost]) -> String {
        hosts.contains { $0.name == name } ? "IPv4 " : ""
    }

    private static func isAddress(_ text: String) -> Bool { HostPort(text).map { !$0.host.isName } ?? false }

    /// Reports names and addresses that appear twice in the rack.
    static func checkDuplicates(_ nodes: [Node], _ report: inout DiagnosticReport) {
        var names: [String: Node] = [:]
        var addresses: [String: Node] = [:]
        for node in nodes {
            if let other = names.updateValue(node, forKey: node.hostname.value) {
                report.error(
                    at: node.hostname.location,
                    "hostname: \"\(node.hostname.value)\" is already another node's name (\(other.hostname.location))")
            }
            for address in node.addresses {
                guard let other = addresses.updateValue(node, forKey: address.value.address) else { continue }
                report.error(
                    at: address.location,
                    "address: \(address.value.address) of \(node.hostname.value) is already the address of \(other.hostname.value)"
                )
            }
        }
    }
}

extension Node {
    /// The IPv4 address of the manager that the recipe calls `manager`, or nil when it is the name of a node without a
    /// fixed one.
    package func address(ofManager manager: String, in hosts: [RackHost]) -> String? {
        if manager == hostname.value { return ipv4Address }
        return hosts.first { $0.name == manager && !$0.address.contains(scalar: ":") }?.address
    }
}
