package import Diagnostics
package import Filesystems
import Storage
package import SystemPackage

/// An unpacked image in the cache, which cards are written from. The cache keeps its file as long as this exists.
package final class Image: Sendable {
    package let store: ProvedImage
    /// SHA-256 of the unpacked image, in lower-case hex.
    package let digest: String
    /// The last component of the source's path.
    package let sourceName: String
    /// SHA-256 of the source as it is (the archive), in lower-case hex.
    package let sourceDigest: String

    init(store: ProvedImage, digest: String, sourceName: String, sourceDigest: String) {
        self.store = store
        self.digest = digest
        self.sourceName = sourceName
        self.sourceDigest = sourceDigest
    }

    package var path: FilePath { store.path }
    /// In bytes.
    package var size: Int64 { store.size }

    /// In bytes, from the beginning of a partition: libblkid identifies its contents by these. Before it is the record of
    /// a logical partition.
    static let signatures: Int64 = 16 << 20
    private static let recordSpace: Int64 = 1 << 20

    /// The partition table.
    ///
    /// libblkid reads the file itself. So what it looks at is proved, and if that made the cache unpack the image again,
    /// the table is read again.
    package func partitionTable() throws(Failure) -> PartitionTable {
        while true {
            // A GPT is at both ends.
            try store.prove(0..<Self.recordSpace)
            try store.prove(size - Self.recordSpace..<size)
            let file = store.file
            let table = try PartitionTable.read(file.enduringPath, name: FilePath(store.name))
            for partition in table.partitions {
                let start = partition.range.lowerBound
                try store.prove(start - Self.recordSpace..<start + Self.signatures)
            }
            if store.file === file { return table }
        }
    }
}

/// What the cache reports while it opens an image.
package enum ImageEvent: Hashable, Sendable {
    /// How many bytes of the source have been unpacked, of how many.
    case unpacking(done: Int64, total: Int64)
    /// Another piflash is unpacking the same image; this one waits for it.
    case waiting
    /// The image that was unused for longest was removed to make room.
    case evicted(digest: String)
    /// How many bytes of the vendor's own follow the compressed image in its file, and do not reach a card.
    case metadata(bytes: Int64)
}
