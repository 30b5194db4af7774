package import Storage
package import SystemPackage

/// An unpacked image that cards are written from. While it lives, the cache keeps its file.
package final class BaseImage: Sendable {
    package let store: ImageFile
    /// SHA-256 of the unpacked image, lower-case hex.
    package let digest: String
    /// The last component of the source's path.
    package let sourceName: String
    /// SHA-256 of the source as it is given (the archive), lower-case hex.
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

/// What opening an image tells while it works.
package enum ImageEvent: Hashable, Sendable {
    /// How many bytes of the packed file have been unpacked, of how many.
    case unpacking(done: Int64, total: Int64)
    /// The unpacked image was in the cache.
    case cached(digest: String)
    /// Another piflash is unpacking the same image; this one waits for it.
    case waiting
    /// An image that was not used for long was removed to make room.
    case evicted(digest: String)
}
