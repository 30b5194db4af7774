import Crypto
package import Diagnostics
import FoundationEssentials
package import Host
package import Storage
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Unpacked images, named by the SHA-256 of their content, so that all cards and runs share them.
///
///     images/<digest>.img     the unpacked image, sparse, read-only; locked (shared) while it is in use
///     images/<digest>.json    its size and modification time; its own modification time is the last use
///     images/<key>.part       an image being unpacked; the lock of its source is held meanwhile
///     sources/<key>.json      a source file's identity and the digests of its packed and unpacked bytes
///     sources/<key>.lock      held while the source is unpacked
///
/// Safe if two runs need the same image (the second waits, then finds the first one's result), and if a run crashes at
/// any moment: nobody uses a `.part` file, and the next run that finds its source's lock free removes it; the index is
/// replaced as a whole, after the image.
package struct ImageCache: Sendable {
    package static let defaultLimit: Int64 = 16 << 30

    let images: FilePath
    let sources: FilePath
    /// In bytes, without holes: larger caches lose the images that were unused for longest.
    let limit: Int64
    /// In bytes: how much unpacking leaves free in the file system, for other programs.
    let reserve: Int64

    package init(directories: UserDirectories, limit: Int64 = ImageCache.defaultLimit) {
        self.init(directories: directories, limit: limit, reserve: 256 << 20)
    }

    init(directories: UserDirectories, limit: Int64, reserve: Int64) {
        self.reserve = reserve
        images = directories.cache.appending("images")
        sources = directories.cache.appending("sources")
        self.limit = limit
    }

    /// The unpacked image of the file at `source`, from the cache or unpacked now.
    ///
    /// - Parameters:
    ///   - sha256: The required SHA-256 of the file or of its image, in hex; nil for any.
    ///   - validate: Called with a newly unpacked image before it gets into the cache. If it throws, the image is
    ///     refused.
    package func image(
        at source: FilePath, sha256: String?, validate: (FilePath, ImageFile) throws(Failure) -> Void,
        events: (ImageEvent) -> Void, isCancelled: () -> Bool
    ) throws(Failure) -> Image {
        try image(
            at: source, sha256: sha256, validate: validate, events: events, isCancelled: isCancelled, began: { _ in })
    }

    /// The unpacked image of the file at `source` if it is in the cache; nothing is unpacked.
    package func knownImage(at source: FilePath) -> Image? {
        let key = Data(source.string.utf8).sha256
        guard let identity = try? SourceIdentity(of: source), let known = index(key), known.identity == identity else {
            return nil
        }
        return (try? open(known, source: source)) ?? nil
    }

    /// The same. `began` is called when unpacking begins, if the size of the image is known then.
    func image(
        at source: FilePath, sha256: String?, validate: (FilePath, ImageFile) throws(Failure) -> Void,
        events: (ImageEvent) -> Void, isCancelled: () -> Bool, began: (UnpackingBeginning) -> Void
    ) throws(Failure) -> Image {
        try DurableFile.makeDirectories(images)
        try DurableFile.makeDirectories(sources)
        let key = Data(source.string.utf8).sha256
        sweep()
        let lock = try lock(sources.appending("\(key).lock"), source: source, events: events, isCancelled: isCancelled)
        defer { withExtendedLifetime(lock) {} }

        let identity = try SourceIdentity(of: source)
        if let known = index(key), known.identity == identity, let image = try open(known, source: source) {
            try check(known.sourceDigest, known.imageDigest, against: sha256, source: source)
            return image
        }
        let opened = try ImageSource(source)
        // The checksum may be that of the image inside. A raw image has only one, which is checked before it is copied.
        if let sha256, opened.format == .raw {
            let digest = try ImageFile(opening: source).sha256(isCancelled: isCancelled)
            try check(digest, digest, against: sha256, source: source)
        }
        let part = images.appending("\(key).part")
        do throws(Failure) {
            let packed = opened.format == .raw ? nil : try BackgroundDigest(of: source)
            let unpacked = try unpack(opened, to: part, events: events, isCancelled: isCancelled) { file, size in
                began(UnpackingBeginning(file: file, size: size, packed: packed))
            }
            guard
                let digest = try packed.map({ (packed) throws(Failure) in try packed.value(unless: isCancelled) })
                    ?? unpacked
            else {
                throw Failure(.cancelled, "stopped while reading \(source)")
            }
            try check(digest, unpacked, against: sha256, source: source)
            try validate(part, ImageFile(opening: part))
            guard try SourceIdentity(of: source) == identity else {
                throw Failure(.corruptArchive, "\(source) changed while it was unpacked", hint: "try again")
            }
            let entry = SourceIndex(identity: identity, sourceDigest: digest, imageDigest: unpacked)
            // Locked before the file gets its final name, so that no other run can remove it.
            let kept = try FileLock.take(existing: part, .shared)
            defer { withExtendedLifetime(kept) {} }
            try adopt(part, as: entry, key: key, source: source)
            try evict(keeping: unpacked, events: events)
            guard let image = try open(entry, source: source) else {
                throw Failure(.system, "the unpacked image of \(source) vanished from the cache", hint: "try again")
            }
            return image
        } catch {
            unlink(part.string)
            throw error
        }
    }

    /// Reads the whole image again and compares its digest. Throws if the image was damaged on the disk; the next run
    /// then unpacks its source again.
    package func verify(_ image: Image, isCancelled: () -> Bool = { false }) throws(Failure) {
        guard try image.store.sha256(isCancelled: isCancelled) != image.digest else { return }
        unlink(images.appending("\(image.digest).json").string)
        throw Failure(
            .corruptCache, "the unpacked image of \(image.sourceName) was damaged in the cache (\(image.path))",
            hint: "run the same command again: it unpacks the image again; if the same error returns, check the disk")
    }
}
