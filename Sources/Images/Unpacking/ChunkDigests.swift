import Crypto
import Diagnostics
import FoundationEssentials
import Storage

/// The SHA-256 of each chunk of an image. The digest of a whole image says nothing of a part of it, and a card gets only
/// the parts that are in use.
struct ChunkDigests: Codable, Hashable, Sendable {
    /// In bytes: a multiple of a sector, and small enough that a reader of 4 KiB of file system structures does not pay for
    /// much more. The digests of an image of 8 GB have 1 MiB.
    static let chunk: Int64 = 256 << 10

    /// The digests one after the other, 32 bytes each.
    private var digests = Data()

    var count: Int { digests.count / SHA256.byteCount }

    mutating func append(_ digest: SHA256.Digest) { digests.append(contentsOf: digest) }

    /// Whether these are the bytes of chunk `number`.
    func match(_ bytes: UnsafeRawBufferPointer, chunk number: Int) -> Bool {
        guard number < count else { return false }
        let start = digests.startIndex + number * SHA256.byteCount
        return SHA256.hash(bufferPointer: bytes).elementsEqual(digests[start..<start + SHA256.byteCount])
    }

    init() {}

    init(from decoder: any Decoder) throws { digests = try decoder.singleValueContainer().decode(Data.self) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(digests)
    }
}

extension SHA256 {
    static func hash(bufferPointer bytes: UnsafeRawBufferPointer) -> SHA256.Digest {
        var hasher = SHA256()
        hasher.update(bufferPointer: bytes)
        return hasher.finalize()
    }
}
