import FoundationEssentials
import SystemPackage

extension RecipeLoader {
    /// The nodes of the rack that the recipe at `path` belongs to, which is the directory it lies in: those whose recipes
    /// fix their addresses, by name. Empty when there is no other node to tell of.
    ///
    /// A recipe of the rack that is wrong or unfinished is no mistake of this one: its node is left out.
    func rack(besides node: Node, at path: String) -> [Node.RackHost] {
        let directory = FilePath(path).removingLastComponent().string
        let own = FilePath(path).lastComponent
        let files = (try? recipes(at: directory.isEmpty ? "." : directory)) ?? []
        var hosts: [Node.RackHost] = []
        for file in files where FilePath(file).lastComponent != own {
            guard let peer = try? decode(file, imageExists: { _ in true }).node,
                peer.hostname.value != node.hostname.value,
                let address = peer.address?.value.address
            else { continue }
            hosts.append(.init(name: peer.hostname.value, address: address))
        }
        guard !hosts.isEmpty else { return [] }
        if let address = node.address?.value.address {
            hosts.append(.init(name: node.hostname.value, address: address))
        }
        return hosts.sorted { ($0.name, $0.address) < ($1.name, $1.address) }
    }
}
