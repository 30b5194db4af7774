import Text
import Crypto

/// The keys of a rack's nodes: each is derived from a secret of the rack and the node's name, so that a card that is
/// written again has the same key, and none has to be kept.
package struct NodeKeys: Hashable, Sendable {
    private let secret: [UInt8]
    /// How often the card of a node was stolen, by its name. Each time the node gets another key.
    private let thefts: [String: Int]

    /// - Parameters:
    ///   - secret: 32 random bytes, made once for the rack.
    ///   - stolen: the names of nodes whose cards were stolen, one a line; other blank-separated words of a line are remarks.
    package init(secret: [UInt8], stolen: String = "") {
        self.secret = secret
        var thefts: [String: Int] = [:]
        for line in stolen.split(whereSeparator: \.isNewline) {
            guard let name = line.split(whereSeparator: \.isWhitespace).first, !name.begins(with: "#") else { continue }
            thefts[String(name), default: 0] += 1
        }
        self.thefts = thefts
    }

    package func pair(of node: String) -> RackKeys.Pair {
        // A host name has no line ends.
        let name = "piflash node key\n\(node)\n\(thefts[node] ?? 0)\n"
        let seed = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), info: Array(name.utf8), outputByteCount: 32)
        return RackKeys.Pair(seed: seed.withUnsafeBytes { Array($0) }, comment: "piflash \(node)")
    }
}
