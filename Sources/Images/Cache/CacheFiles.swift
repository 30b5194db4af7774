import Text
import Diagnostics
import FoundationEssentials
import Host
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// The open directories of the cache, and the files in them: waiting for, finding, adding and removing them.
///
/// Both directories are private: a cache that others can write to, or have made, is refused.
struct CacheFiles: Sendable {
    /// In bytes, of a record: the digests of an image of 256 GB have some 45 MB as text.
    private static let recordLimit = 64 << 20

    let images: PrivateDirectory
    let sources: PrivateDirectory
    let limit: Int64
    let reserve: Int64

    /// Makes what is missing.
    init(_ cache: ImageCache) throws(Failure) {
        do throws(Failure) {
            let top = try PrivateDirectory.make(cache.directory)
            self.init(try top.makeDirectory("images"), try top.makeDirectory("sources"), of: cache)
        } catch {
            throw Failure(
                error.code, severity: error.severity, error.message,
                hint: (error.hint.map { $0 + "; or " } ?? "") + "set XDG_CACHE_HOME to another place",
                cause: error.cause)
        }
    }

    /// Nil if there is none.
    init?(known cache: ImageCache) throws(Failure) {
        guard let top = try PrivateDirectory.open(cache.directory), let images = try top.directory("images"),
            let sources = try top.directory("sources")
        else { return nil }
        self.init(images, sources, of: cache)
    }

    private init(_ images: PrivateDirectory, _ sources: PrivateDirectory, of cache: ImageCache) {
        self.images = images
        self.sources = sources
        limit = cache.limit
        reserve = cache.reserve
    }

    /// Locks the source of `key`. Waits while another run works on it, unless `isCancelled` says so.
    func lock(
        _ key: String, source: FilePath, events: (ImageEvent) -> Void, isCancelled: () -> Bool
    ) throws(Failure) -> FileLock {
        var isReported = false
        while true {
            if let lock = try FileLock.take("\(key).lock", in: sources, .exclusive) { return lock }
            if !isReported { events(.waiting) }
            isReported = true
            if isCancelled() { throw Failure.stopped("while waiting for another run to unpack \(source)") }
            // flock(2) does not ask `isCancelled` while it waits.
            usleep(50_000)
        }
    }

    /// Removes unfinished images of runs that were killed.
    func sweep() {
        for name in images.names where name.ends(with: ".part") {
            guard let lock = try? FileLock.take("\(name.dropLast(5)).lock", in: sources, .exclusive) else { continue }
            images.remove(name)
            withExtendedLifetime(lock) {}
        }
    }

    // MARK: Entries

    func index(_ key: String) -> SourceIndex? {
        Self.record("\(key).json", in: sources).flatMap { try? JSONDecoder().decode(SourceIndex.self, from: Data($0)) }
    }

    /// Nil too if it cannot be read, or is not the user's own: the cache then unpacks the source again.
    private static func record(_ name: String, in directory: PrivateDirectory) -> [UInt8]? {
        (try? directory.read(name, limit: recordLimit)) ?? nil
    }

    /// Opens the image with `digest`, and locks it so that it is not removed; nil if it is missing or was changed.
    func open(_ digest: String, of source: FilePath) throws(Failure) -> ProvedImage.Content? {
        let (image, note) = ("\(digest).img", "\(digest).json")
        guard let lock = try FileLock.take(existing: image, in: images, .shared),
            let status = try? lock.descriptor.stat(), let bytes = Self.record(note, in: images),
            let known = try? JSONDecoder().decode(EntryNote.self, from: Data(bytes)), known.describes(status),
            let file = try images.openFile(image, .read)
        else { return nil }
        // The time of the last use, for eviction.
        images.touch(note)
        return ProvedImage.Content(
            file: try ImageFile(adopting: file, at: images.path.appending(image), called: source), lock: lock,
            digests: known.chunks)
    }

    /// Moves an unpacked image, which is locked by `kept`, into the cache: first the image, then its note, then the index.
    func adopt(
        _ part: String, _ kept: FileLock, as entry: SourceIndex, _ chunks: ChunkDigests, key: String
    ) throws(Failure) {
        if try open(entry.imageDigest, of: images.path.appending(part)) != nil {
            // Another source has the same image, and cards may be being written from it: it stays.
            images.remove(part)
        } else {
            guard fchmod(kept.descriptor.rawValue, 0o400) == 0 else { throw .system("renaming \(part)", Errno.current) }
            try images.rename(part, kept.descriptor, to: "\(entry.imageDigest).img")
            let status: Stat
            do { status = try kept.descriptor.stat() } catch { throw .system("renaming \(part)", error) }
            try write(EntryNote(of: status, chunks: chunks), to: "\(entry.imageDigest).json", in: images)
        }
        try write(entry, to: "\(key).json", in: sources)
    }

    private func write(_ value: some Encodable, to name: String, in directory: PrivateDirectory) throws(Failure) {
        guard let data = try? JSONEncoder().encode(value) else {
            throw Failure(.system, "encoding \(directory.path.appending(name)) failed")
        }
        try directory.replace(name, with: Array(data))
    }

    /// Forgets the image with `digest`, unless another run has replaced the damaged one already.
    func drop(_ digest: String, _ damaged: ProvedImage.Content) {
        guard images.isName("\(digest).img", of: damaged.lock.descriptor) else { return }
        images.remove("\(digest).json")
    }
}
