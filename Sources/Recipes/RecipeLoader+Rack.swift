import Diagnostics
import FoundationEssentials
import SystemPackage

/// What the other recipes of a rack tell of it.
struct Rack {
    /// The nodes whose recipes fix their addresses, by name. Empty when there is no other node to tell of.
    var hosts: [Node.RackHost] = []
    /// The names of the nodes that form the same swarm, in order.
    var swarm: [String] = []
    /// All nodes' names.
    var names: Set<String> = []
}

extension RecipeLoader {
    /// The rack that the recipe of `node` at `path` belongs to, which is the directory it lies in.
    ///
    /// A recipe of the rack that is wrong or unfinished is no mistake of this one: its node is left out.
    func rack(of node: Node, at path: String) -> Rack {
        let directory = FilePath(path).removingLastComponent().string
        let own = FilePath(path).lastComponent
        let files = (try? recipes(at: directory.isEmpty ? "." : directory)) ?? []
        var rack = Rack(names: [node.hostname.value])
        let managers = node.swarm?.managers.map(\.value)
        for file in files where FilePath(file).lastComponent != own {
            guard let peer = try? decode(file, imageExists: { _ in true }).node,
                peer.hostname.value != node.hostname.value
            else { continue }
            rack.names.insert(peer.hostname.value)
            if let swarm = peer.swarm, swarm.isFormed, swarm.managers.map(\.value) == managers {
                rack.swarm.append(peer.hostname.value)
            }
            if let address = peer.address?.value.address {
                rack.hosts.append(.init(name: peer.hostname.value, address: address))
            }
        }
        if node.swarm?.isFormed == true { rack.swarm = (rack.swarm + [node.hostname.value]).sorted() }
        if !rack.hosts.isEmpty, let address = node.address?.value.address {
            rack.hosts.append(.init(name: node.hostname.value, address: address))
        }
        rack.hosts.sort { ($0.name, $0.address) < ($1.name, $1.address) }
        return rack
    }

    /// Says which managers nobody could find, or that may move away.
    func checkManagers(of node: Node, in rack: Rack, _ report: inout DiagnosticReport) {
        guard let swarm = node.swarm, swarm.isFormed else { return }
        for manager in swarm.managers {
            let name = manager.value
            let isOwn = name == node.hostname.value
            if rack.names.contains(name) {
                guard node.address(ofManager: name, in: rack.hosts) == nil else { continue }
                report.error(
                    at: manager.location,
                    "swarm.managers: \(isOwn ? "this node" : name) has no fixed address, and a manager whose address changes "
                        + "loses all workers: give its recipe address, or name it here by the address that the network "
                        + "reserves for it")
            } else if ValueRules.isIPAddress(name) || name.hasPrefix("[") {
                guard !rack.hosts.isEmpty, !rack.hosts.contains(where: { $0.address == name }) else { continue }
                report.warning(
                    at: manager.location,
                    "swarm.managers: no recipe of the rack has the address \(name): its card must come from this rack, "
                        + "with swarm.role: manager")
            } else if !name.contains(".") {
                report.error(
                    at: manager.location,
                    "swarm.managers: \"\(name)\" is no node of the rack (a recipe in the same directory) and no address"
                )
            }
        }
    }
}

extension Node {
    /// The address of the manager that the recipe calls `manager`, or nil when it is the name of a node without a fixed
    /// address.
    public func address(ofManager manager: String, in hosts: [RackHost]) -> String? {
        if manager == hostname.value { return address?.value.address }
        return hosts.first { $0.name == manager }?.address
    }
}
