import Crypto

/// SHA-256 of a list of parts. Each part is preceded by its length, so that no two lists give the same input.
package struct PartsDigest {
    private var hash = SHA256()

    package init() {}

    package mutating func add(_ part: [UInt8]) {
        hash.update(data: Array("\(part.count):".utf8))
        hash.update(data: part)
    }

    package mutating func add(_ text: String) { add(Array(text.utf8)) }

    /// Adds parts that were encoded before.
    package mutating func add(encoded parts: [UInt8]) { hash.update(data: parts) }

    /// The input of the hash for one part.
    package static func encoded(_ text: String) -> [UInt8] { Array("\(text.utf8.count):\(text)".utf8) }

    /// All 64 digits in lower-case hex.
    package var hex: String { hash.finalize().hex }
}

/// The first `digits` hex digits of the digest of `parts`.
package func digest(of parts: [[UInt8]], digits: Int = 12) -> String {
    var digest = PartsDigest()
    for part in parts { digest.add(part) }
    return String(digest.hex.prefix(digits))
}
