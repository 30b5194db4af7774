import Crypto
import FoundationEssentials

/// The keys with which a node takes part in forming the rack's swarm.
package struct RackKeys: Hashable, Sendable {
    /// The host key of every manager's token service; every card of the rack has its public part.
    package var host: Pair
    /// With it the node asks the token services. It says which node asks.
    package var own: Pair
    /// The public keys of the swarm's nodes by their names: whom a manager answers. Empty for a worker.
    package var members: [String: String]
    /// The keys that the nodes of a rack share that an older piflash began: such cards have no others.
    package var shared: Shared?
    /// Whether these are only placeholders for keys that have not been made.
    package let arePlaceholders: Bool

    package struct Shared: Hashable, Sendable {
        package var worker: Pair
        package var manager: Pair

        package init(worker: Pair, manager: Pair) { (self.worker, self.manager) = (worker, manager) }
    }

    package init(host: Pair, own: Pair, members: [String: String] = [:], shared: Shared? = nil) {
        (self.host, self.own, self.members, self.shared) = (host, own, members, shared)
        arePlaceholders = false
    }

    /// For showing what a card would get, without keys.
    package static let placeholders = RackKeys()

    private init() {
        host = Pair(privateKey: "<the rack's host key>\n", publicKey: "<the rack's public host key>")
        own = Pair(privateKey: "<the node's key>\n", publicKey: "<the node's public key>")
        members = [:]
        arePlaceholders = true
    }

    /// All private keys that a card may hold.
    var privateKeys: [String] { [host, own, shared?.worker, shared?.manager].compactMap { $0?.privateKey } }

    /// An Ed25519 key as OpenSSH stores it, without a passphrase: no person can type one at a first boot.
    package struct Pair: Hashable, Sendable {
        /// The private key's file.
        package let privateKey: String
        /// "ssh-ed25519 AAAA…", without a comment.
        package let publicKey: String

        init(privateKey: String, publicKey: String) {
            self.privateKey = privateKey
            self.publicKey = publicKey
        }
    }
}

/// OpenSSH's own form of a private key, for Ed25519 without a passphrase; numbers are big-endian, a string is its length
/// (32 bits) and its bytes:
///
///     "openssh-key-v1\0"
///     string  cipher "none", string KDF "none", string KDF options ""
///     uint32  number of keys, 1
///     string  public key: string "ssh-ed25519", string 32 bytes
///     string  private section:
///         uint32  twice the same arbitrary number
///         string  "ssh-ed25519", string 32 bytes of the public key, string 64 bytes: seed and public key
///         string  comment
///         1, 2, 3, … up to a multiple of 8
///
/// <https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key>
extension RackKeys.Pair {
    private static let magic = Array("openssh-key-v1\0".utf8)
    private static let type = Array("ssh-ed25519".utf8)
    private static let begin = "-----BEGIN OPENSSH PRIVATE KEY-----"
    private static let end = "-----END OPENSSH PRIVATE KEY-----"

    /// A new key.
    package static func make(comment: String) -> Self {
        let key = Curve25519.Signing.PrivateKey()
        return Self(
            seed: Array(key.rawRepresentation), publicKey: Array(key.publicKey.rawRepresentation),
            check: UInt32.random(in: 0...UInt32.max), comment: comment)
    }

    /// The key of a seed of 32 bytes: the same seed always gives the same file.
    init(seed: [UInt8], comment: String) {
        // 32 bytes are a seed, whatever they are.
        let signer = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        let digest = SHA256.hash(data: seed)
        self.init(
            seed: seed, publicKey: signer.map { Array($0.publicKey.rawRepresentation) } ?? [],
            check: digest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }, comment: comment)
    }

    init(seed: [UInt8], publicKey: [UInt8], check: UInt32, comment: String) {
        let blob = Self.string(Self.type) + Self.string(publicKey)
        var section = Self.number(check) + Self.number(check) + blob
        section += Self.string(seed + publicKey) + Self.string(Array(comment.utf8))
        var pad: UInt8 = 1
        while !section.count.isMultiple(of: 8) {
            section.append(pad)
            pad += 1
        }
        let none = Self.string(Array("none".utf8))
        let bytes =
            Self.magic + none + none + Self.string([]) + Self.number(1) + Self.string(blob) + Self.string(section)
        var encoded = Data(bytes).base64EncodedString()[...]
        var text = Self.begin + "\n"
        while !encoded.isEmpty {
            text += encoded.prefix(70) + "\n"
            encoded = encoded.dropFirst(70)
        }
        self.init(
            privateKey: text + Self.end + "\n",
            publicKey: "ssh-ed25519 " + Data(blob).base64EncodedString())
    }

    /// Reads a private key's file; nil when it is not such a key.
    package init?(privateKey text: String) {
        let lines = text.split(whereSeparator: \.isNewline).map(String.init)
        guard lines.first == Self.begin, lines.last == Self.end,
            let data = Data(base64Encoded: lines.dropFirst().dropLast().joined())
        else { return nil }
        var rest = Array(data)[...]
        let none = Array("none".utf8)
        guard rest.starts(with: Self.magic) else { return nil }
        rest = rest.dropFirst(Self.magic.count)
        guard Self.takeString(&rest) == none, Self.takeString(&rest) == none, Self.takeString(&rest) == [],
            Self.takeNumber(&rest) == 1, let blob = Self.takeString(&rest)
        else { return nil }
        var inner = blob[...]
        guard Self.takeString(&inner) == Self.type, let key = Self.takeString(&inner), key.count == 32, inner.isEmpty,
            let section = Self.takeString(&rest), rest.isEmpty
        else { return nil }
        var secret = section[...]
        guard let check = Self.takeNumber(&secret), Self.takeNumber(&secret) == check,
            Self.takeString(&secret) == Self.type, Self.takeString(&secret) == key,
            let pair = Self.takeString(&secret), pair.count == 64, Array(pair.suffix(32)) == key,
            let signer = try? Curve25519.Signing.PrivateKey(rawRepresentation: pair.prefix(32)),
            Array(signer.publicKey.rawRepresentation) == key
        else { return nil }
        self.init(
            privateKey: lines.joined(separator: "\n") + "\n",
            publicKey: "ssh-ed25519 " + Data(blob).base64EncodedString())
    }

    private static func number(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func string(_ bytes: [UInt8]) -> [UInt8] { number(UInt32(bytes.count)) + bytes }

    private static func takeNumber(_ bytes: inout ArraySlice<UInt8>) -> UInt32? {
        guard bytes.count >= 4 else { return nil }
        defer { bytes = bytes.dropFirst(4) }
        return bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func takeString(_ bytes: inout ArraySlice<UInt8>) -> [UInt8]? {
        guard let count = takeNumber(&bytes), bytes.count >= Int(count) else { return nil }
        defer { bytes = bytes.dropFirst(Int(count)) }
        return Array(bytes.prefix(Int(count)))
    }
}
