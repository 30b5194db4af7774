import Text
import Crypto
import Diagnostics
import Images
import Planning
import Provisioning
package import Recipes
import Stacks
import Storage
import SystemPackage

/// One digest over everything that a node's card is made from, except the image. If it changes, the card is stale.
///
/// It covers the recipe, what the node knows about the rack (names, addresses, the nodes of the swarm), and the contents of
/// carried files: packages, saved images, stacks with their configs. It does not cover the values of secrets, which are not read to compare.
package struct ConfigurationDigest {
    private var files: [String: String] = [:]
    private var stacks: [Node.Swarm.Stack: [StackFile]] = [:]
    /// The rack of the last node, and its digest. All nodes of a rack share one array of hosts.
    private var rack: (hosts: [Node.RackHost], digest: String)?
    /// The swarm of the last node, and its part of the digest. All nodes share it, too.
    private var swarm: (nodes: [String], bytes: [UInt8])?

    package init() {}

    /// The digest of `node` in lower-case hex. A file that several nodes name is read once.
    package mutating func of(_ node: Node) throws -> String {
        var whole = PartsDigest()
        whole.add("piflash configuration 1")
        whole.add(node.hostname.value)
        whole.add(node.recipeDigest)
        whole.add(digest(of: node.rack))
        whole.add("\(node.swarm?.nodes.count ?? 0)")
        whole.add(encoded: bytes(ofSwarm: node.swarm?.nodes ?? []))
        // Only managers' cards have the roles and labels of other nodes.
        for member in node.swarm?.members ?? [] {
            whole.add(member.role.rawValue)
            whole.add(member.labels.joined(separator: " "))
        }
        for path in node.docker.packages + node.docker.preload + (node.swarm?.stacks.map(\.compose) ?? []) {
            whole.add(try digest(ofFile: path.value))
        }
        for stack in node.swarm?.stacks ?? [] {
            for file in files(of: stack) where !file.isSecret {
                whole.add(file.path)
                whole.add(file.contents)
            }
        }
        return whole.hex
    }

    /// The files that a compose file names. All nodes of a rack share its stacks.
    private mutating func files(of stack: Node.Swarm.Stack) -> [StackFile] {
        if let known = stacks[stack] { return known }
        // Mistakes are reported by another check.
        var ignored = DiagnosticReport()
        let files = StackSource(reading: stack, &ignored)?.files ?? []
        stacks[stack] = files
        return files
    }

    private mutating func bytes(ofSwarm nodes: [String]) -> [UInt8] {
        if let swarm, swarm.nodes == nodes { return swarm.bytes }
        let bytes = nodes.flatMap(PartsDigest.encoded)
        swarm = (nodes, bytes)
        return bytes
    }

    private mutating func digest(of hosts: [Node.RackHost]) -> String {
        if let rack, rack.hosts == hosts { return rack.digest }
        var hash = SHA256()
        // Names and addresses contain no blanks.
        for host in hosts { hash.update(data: Array("\(host.name) \(host.address)\n".utf8)) }
        let digest = hash.finalize().hex
        rack = (hosts, digest)
        return digest
    }

    /// A file that is missing, or cannot be carried, has a digest, too: another check reports it, with its line.
    private mutating func digest(ofFile path: String) throws -> String {
        if let known = files[path] { return known }
        var made = "missing"
        if let file = try? ImageFile(opening: FilePath(path)) {
            made = file.size > Supplies.sizeLimit ? "too long" : try file.sha256(isCancelled: { false })
        }
        files[path] = made
        return made
    }
}
