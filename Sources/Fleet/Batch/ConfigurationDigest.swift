import Text
import Crypto
import Diagnostics
package import Recipes
import SystemPackage

/// What tells that a node's card is no longer what its recipe says: one digest over everything that the card is made from
/// but for the image.
///
/// That is the recipe, what the node knows of the rack (names, addresses, the swarm's nodes), and the contents of the files
/// that are carried: packages, saved images, stacks. The values of secrets stay out, for they are not read to compare.
package struct ConfigurationDigest {
    private var files: [String: String] = [:]
    /// The last node's rack and its digest. A thousand nodes know the same thousand, in one array.
    private var rack: (hosts: [Node.RackHost], digest: String)?
    /// The last node's swarm, and what of it goes into a digest; the same thousand again.
    private var swarm: (nodes: [String], bytes: [UInt8])?

    package init() {}

    /// Lower-case hex. A file that several nodes name is read once.
    package mutating func of(_ node: Node) throws -> String {
        var hash = SHA256()
        func add(_ text: String) { hash.update(data: Self.bytes(text)) }
        add("piflash configuration 1")
        add(node.hostname.value)
        add(node.recipeDigest)
        add(digest(of: node.rack))
        add("\(node.swarm?.nodes.count ?? 0)")
        hash.update(data: bytes(ofSwarm: node.swarm?.nodes ?? []))
        for path in node.docker.packages + node.docker.preload + (node.swarm?.stacks.map(\.compose) ?? []) {
            add(try digest(ofFile: path.value))
        }
        return hash.finalize().hex
    }

    /// A text with its length: no two nodes give the same bytes.
    private static func bytes(_ text: String) -> [UInt8] { Array("\(text.utf8.count):\(text)".utf8) }

    private mutating func bytes(ofSwarm nodes: [String]) -> [UInt8] {
        if let swarm, swarm.nodes == nodes { return swarm.bytes }
        let bytes = nodes.flatMap(Self.bytes)
        swarm = (nodes, bytes)
        return bytes
    }

    private mutating func digest(of hosts: [Node.RackHost]) -> String {
        if let rack, rack.hosts == hosts { return rack.digest }
        var hash = SHA256()
        // Neither a name nor an address can hold a blank.
        for host in hosts { hash.update(data: Array("\(host.name) \(host.address)\n".utf8)) }
        let digest = hash.finalize().hex
        rack = (hosts, digest)
        return digest
    }

    /// A file that is not there has a digest, too: what is made of it is refused elsewhere, with its line.
    private mutating func digest(ofFile path: String) throws -> String {
        if let known = files[path] { return known }
        let made = try FileContents.read(FilePath(path)).map { SHA256.hash(data: $0).hex } ?? "missing"
        files[path] = made
        return made
    }
}
