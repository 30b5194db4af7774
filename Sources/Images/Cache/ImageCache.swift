package import Diagnostics
import FoundationEssentials
package import Host
package import Storage
package import SystemPackage

/// Unpacked images, named by the SHA-256 of their content, so that all cards and runs share them.
///
///     images/<digest>.img     the unpacked image, sparse, read-only; locked (shared) while it is in use
///     images/<digest>.json    its size, its modification time and the digests of its chunks (``ProvedImage``);
///                             its own modification time is the last use
///     images/<key>.part       an image being unpacked; the lock of its source is held meanwhile
///     sources/<key>.json      a source file's identity and the digests of its packed and unpacked bytes
///     sources/<key>.lock      held while the source is unpacked
///
/// Safe if two runs need the same image (the second waits, then finds the first one's result), and if a run crashes at
/// any moment: nobody uses a `.part` file, and the next run that finds its source's lock free removes it; the index is
/// replaced as a whole, after the image. Nobody else can write to it, or it is not used (``CacheFiles``).
package struct ImageCache: Sendable {
    package static let defaultLimit: Int64 = 16 << 30

    let directory: FilePath
    /// In bytes, without holes: larger caches lose the images that were unused for longest.
    let limit: Int64
    /// In bytes: how much unpacking leaves free in the file system, for other programs.
    let reserve: Int64

    package init(directories: UserDirectories, limit: Int64 = ImageCache.defaultLimit) {
        self.init(directories: directories, limit: limit, reserve: 256 << 20)
    }

    init(directories: UserDirectories, limit: Int64, reserve: Int64) {
        self.reserve = reserve
        directory = directories.cache
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
        events: (ImageEvent) -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) throws(Failure) -> Image {
        try image(
            at: source, sha256: sha256, validate: validate, events: events, isCancelled: isCancelled, began: { _ in })
    }

    /// The unpacked image of the file at `source` if it is in the cache; nothing is unpacked, unless it turns out to be
    /// damaged.
    package func knownImage(at source: FilePath) -> Image? {
        guard let files = (try? CacheFiles(known: self)) ?? nil, let identity = try? SourceIdentity(of: source),
            let known = files.index(Self.key(of: source)), known.identity == identity
        else { return nil }
        return (try? open(known, in: files, source: source, isCancelled: { false })) ?? nil
    }

    static func key(of source: FilePath) -> String { Data(source.string.utf8).sha256 }

    /// The same. `began` is called when unpacking begins, if the size of the image is known then.
    func image(
        at source: FilePath, sha256: String?, validate: (FilePath, ImageFile) throws(Failure) -> Void,
        events: (ImageEvent) -> Void, isCancelled: @escaping @Sendable () -> Bool, began: (UnpackingBeginning) -> Void
    ) throws(Failure) -> Image {
        let files = try CacheFiles(self)
        let key = Self.key(of: source)
        files.sweep()
        let lock = try files.lock(key, source: source, events: events, isCancelled: isCancelled)
        defer { withExtendedLifetime(lock) {} }

        let identity = try SourceIdentity(of: source)
        if let known = files.index(key), known.identity == identity,
            let image = try open(known, in: files, source: source, isCancelled: isCancelled)
        {
            try files.check(known.sourceDigest, known.imageDigest, against: sha256, source: source)
            return image
        }
        let opened = try ImageSource(source)
        // The checksum may be that of the image inside. A raw image has only one, which is checked before it is copied.
        if let sha256, opened.format == .raw {
            let digest = try ImageFile(opening: source).sha256(isCancelled: isCancelled)
            try files.check(digest, digest, against: sha256, source: source)
        }
        let part = "\(key).part"
        do throws(Failure) {
            let packed = opened.format == .raw ? nil : try BackgroundDigest(of: source)
            let unpacked = try files.unpack(opened, to: part, events: events, isCancelled: isCancelled) { file, size in
                began(UnpackingBeginning(file: file, size: size, packed: packed))
            }
            guard
                let digest = try packed.map({ (packed) throws(Failure) in try packed.value(unless: isCancelled) })
                    ?? unpacked.whole
            else {
                throw Failure.stopped("while reading \(source)")
            }
            try files.check(digest, unpacked.whole, against: sha256, source: source)
            // Locked before the file gets its final name, so that no other run can remove it.
            guard let kept = try FileLock.take(existing: part, in: files.images, .shared) else {
                throw Failure(.system, "the unpacked image of \(source) vanished from the cache", hint: "try again")
            }
            defer { withExtendedLifetime(kept) {} }
            let made = files.images.path.appending(part)
            try validate(made, ImageFile(opening: made, called: source))
            guard try SourceIdentity(of: source) == identity else {
                throw Failure(.corruptArchive, "\(source) changed while it was unpacked", hint: "try again")
            }
            let entry = SourceIndex(identity: identity, sourceDigest: digest, imageDigest: unpacked.whole)
            try files.adopt(part, kept, as: entry, unpacked.chunks, key: key)
            try files.evict(keeping: unpacked.whole, events: events)
            guard let image = try open(entry, in: files, source: source, isCancelled: isCancelled) else {
                throw Failure(.system, "the unpacked image of \(source) vanished from the cache", hint: "try again")
            }
            return image
        } catch {
            files.images.remove(part)
            throw error
        }
    }

    /// The image of `entry`, which the cache keeps as long as it is used; nil if it is missing or was changed.
    private func open(
        _ entry: SourceIndex, in files: CacheFiles, source: FilePath, isCancelled: @escaping @Sendable () -> Bool
    ) throws(Failure) -> Image? {
        guard let content = try files.open(entry.imageDigest, of: source) else { return nil }
        let store = ProvedImage(content) { (damaged) throws(Failure) in
            try unpackAgain(entry, insteadOf: damaged, source: source, isCancelled: isCancelled)
        }
        return Image(
            store: store, digest: entry.imageDigest, sourceName: source.lastComponent?.string ?? source.string,
            sourceDigest: entry.sourceDigest)
    }

    private func unpackAgain(
        _ entry: SourceIndex, insteadOf damaged: ProvedImage.Content, source: FilePath,
        isCancelled: @escaping @Sendable () -> Bool
    ) throws(Failure) -> ProvedImage {
        // Even if it cannot be replaced, nobody uses it again.
        try CacheFiles(self).drop(entry.imageDigest, damaged)
        guard try SourceIdentity(of: source) == entry.identity else {
            throw Failure(.corruptArchive, "\(source) has changed since", hint: "run the same command again")
        }
        // It was validated when its bytes were unpacked for the first time.
        let image = try image(
            at: source, sha256: nil, validate: { (_, _) throws(Failure) in }, events: { _ in },
            isCancelled: isCancelled)
        guard image.digest == entry.imageDigest else {
            throw Failure(
                .corruptArchive, "\(source) does not contain the same image any more",
                hint: "run the same command again")
        }
        return image.store
    }
}
