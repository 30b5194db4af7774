import Crypto

/// HMAC-SHA256 of a list of parts, under a key that is made for one purpose. Without the key nobody can try which input
/// gives a digest, so it may be where strangers read it.
package struct KeyedDigest: Sendable {
    private let key: SymmetricKey

    /// - Parameters:
    ///   - secret: the key that the purpose's own key is derived from.
    ///   - purpose: what the digests are for: digests of two purposes never agree.
    package init(secret: [UInt8], purpose: String) {
        key = SymmetricKey(
            data: HMAC<SHA256>.authenticationCode(for: Array(purpose.utf8), using: SymmetricKey(data: secret)))
    }

    /// The digest's 32 bytes. Each part is preceded by its length, so that no two lists give the same input.
    package func bytes(of parts: [[UInt8]]) -> [UInt8] {
        var code = HMAC<SHA256>(key: key)
        for part in parts {
            code.update(data: Array("\(part.count):".utf8))
            code.update(data: part)
        }
        return Array(code.finalize())
    }

    /// The first `digits` hex digits of the digest.
    package func hex(of parts: [[UInt8]], digits: Int = 64) -> String { String(bytes(of: parts).hex.prefix(digits)) }
}
