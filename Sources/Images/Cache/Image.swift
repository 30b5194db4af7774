import Host
package import Storage
package import SystemPackage

/// An unpacked image in the cache, which cards are written from. The cache keeps its file as long as this exists.
package final class Image: Sendable {
    package let store: ImageFile
    /// SHA-256 of the unpacked image, in lower-case hex.
    package let digest: String
    /// The last component of the source's path.
    package let sourceName: String
    /// SHA-256 of the source as it is (the archive), in lower-case hex.
    package let sourceDigest: String
    private let lock: FileLock

    init(store: ImageFile, digest: String, sourceName: String, sourceDigest: String, lock: FileLock) {
        self.store = store
        self.digest = digest
        self.sourceName = sourceName
        self.sourceDigest = sourceDigest
        self.lock = lock
    }

    package var path: FilePath { store.path }
    /// In bytes.
    package var size: Int64 { store.size }
}

/// What the cache reports while it opens an image.
package enum ImageEvent: Hashable, Sendable {
    /// How many bytes of the source have been unpacked, of how many.
    case unpacking(done: Int64, total: Int64)
    /// Another piflash is unpacking the same image; this one waits for it.
    case waiting
    /// The image that was unused for longest was removed to make room.
    case evicted(digest: String)
}
