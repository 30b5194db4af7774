import Crypto
import Diagnostics
public import Recipes
import SystemPackage

/// What tells that a node's card is no longer what its recipe says: one digest over everything that the card is made from
/// but for the image.
///
/// That is the recipe, what the node knows of the rack (names, addresses, the swarm's nodes), and the contents of the files
/// that are carried: packages, saved images, stacks. The values of secrets stay out, for they are not read to compare.
public struct ConfigurationDigest {
    private var files: [String: String] = [:]

    public init() {}

    /// Lower-case hex. A file that several nodes name is read once.
    public mutating func of(_ node: Node) throws -> String {
        var hash = SHA256()
        // Every text with its length: no two nodes give the same bytes.
        func add(_ text: String) { hash.update(data: Array("\(text.utf8.count):\(text)".utf8)) }
        add("piflash configuration 1")
        add(node.hostname.value)
        add(node.recipeDigest)
        add("\(node.rack.count)")
        for host in node.rack {
            add(host.name)
            add(host.address)
        }
        add("\(node.swarm?.nodes.count ?? 0)")
        for name in node.swarm?.nodes ?? [] { add(name) }
        for path in node.docker.packages + node.docker.preload + (node.swarm?.stacks.map(\.compose) ?? []) {
            add(try digest(ofFile: path.value))
        }
        return Self.hex(hash.finalize())
    }

    /// A file that is not there has a digest, too: what is made of it is refused elsewhere, with its line.
    private mutating func digest(ofFile path: String) throws -> String {
        if let known = files[path] { return known }
        let made = try FileContents.read(FilePath(path)).map { Self.hex(SHA256.hash(data: $0)) } ?? "missing"
        files[path] = made
        return made
    }

    private static func hex(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
