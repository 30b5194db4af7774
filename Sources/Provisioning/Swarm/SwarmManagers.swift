import Diagnostics
import Recipes
import Text

/// The managers of the rack's own swarm as one of its nodes sees them.
struct SwarmManagers: Hashable, Sendable {
    /// All but the node itself, by their addresses if the rack has them.
    private(set) var others: [Located<String>] = []
    /// Whether the node is the first of them.
    let isFirst: Bool
    /// The node's address, if the recipe gives it.
    let ownAddress: String?

    init(_ node: Node, _ swarm: Node.Swarm) {
        let own = Set([node.hostname.value] + node.addresses.map(\.value.address))
        var ownPlace: Int?
        for (index, manager) in swarm.managers.enumerated() {
            let address = node.address(ofManager: manager.value, in: node.rack)
            if own.contains(manager.value) || (address.map(own.contains) ?? false) {
                ownPlace = index
            } else {
                others.append(Located(address ?? manager.value, at: manager.location))
            }
        }
        // A single manager whose address the network reserves: its recipe says only that it is a manager.
        var known = node.ipv4Address
        if ownPlace == nil, swarm.role == .manager, swarm.managers.count == 1, let only = swarm.managers.first {
            ownPlace = 0
            others = []
            if known == nil, IPAddress(only.value) != nil { known = only.value }
        }
        isFirst = ownPlace == 0
        ownAddress = known
    }
}
