import Text
import Crypto
import Diagnostics
import FoundationEssentials
import Host
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// The files of the cache: waiting for, finding, adding and removing them.
extension ImageCache {
    /// Locks a source. Waits while another run works on it, unless `isCancelled` says so.
    func lock(
        _ path: FilePath, source: FilePath, events: (ImageEvent) -> Void, isCancelled: () -> Bool
    ) throws(Failure) -> FileLock {
        var isReported = false
        while true {
            if let lock = try FileLock.take(path, .exclusive, user: user) { return lock }
            if !isReported { events(.waiting) }
            isReported = true
            if isCancelled() { throw Failure(.cancelled, "stopped while waiting for another run to unpack \(source)") }
            // flock(2) does not ask `isCancelled` while it waits.
            usleep(50_000)
        }
    }

    /// Removes unfinished images of runs that were killed.
    func sweep() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: images.string)) ?? []
        where name.ends(with: ".part") {
            let owner = sources.appending("\(name.dropLast(5)).lock")
            guard let lock = try? FileLock.take(owner, .exclusive, user: user) else { continue }
            unlink(images.appending(name).string)
            withExtendedLifetime(lock) {}
        }
    }

    // MARK: Entries

    func index(_ key: String) -> SourceIndex? {
        guard let bytes = Self.record(at: sources.appending("\(key).json")) else { return nil }
        return try? JSONDecoder().decode(SourceIndex.self, from: Data(bytes))
    }

    /// Nil too if it cannot be read: the cache then unpacks the source again.
    private static func record(at path: FilePath) -> [UInt8]? {
        (try? DurableFile.read(path, limit: 1 << 20, kind: .regular)) ?? nil
    }

    /// Opens an image of the cache, and locks it so that it is not removed; nil if it is missing or was changed.
    func open(_ entry: SourceIndex, source: FilePath) throws(Failure) -> Image? {
        let path = images.appending("\(entry.imageDigest).img")
        let note = images.appending("\(entry.imageDigest).json")
        guard let lock = try FileLock.take(existing: path, .shared),
            let status = try? lock.descriptor.stat(),
            let bytes = Self.record(at: note),
            let known = try? JSONDecoder().decode(EntryNote.self, from: Data(bytes)),
            known == EntryNote(of: status)
        else { return nil }
        // The time of the last use, for eviction.
        utimensat(AT_FDCWD, note.string, nil, 0)
        return Image(
            store: try ImageFile(opening: path), digest: entry.imageDigest,
            sourceName: source.lastComponent?.string ?? source.string, sourceDigest: entry.sourceDigest, lock: lock)
    }

    /// Moves an unpacked image into the cache: first the image, then its note, then the index.
    func adopt(_ part: FilePath, as entry: SourceIndex, key: String, source: FilePath) throws(Failure) {
        let path = images.appending("\(entry.imageDigest).img")
        if try open(entry, source: source) != nil {
            // Another source has the same image, and cards may be being written from it: it stays.
            unlink(part.string)
        } else {
            let status: Stat
            guard chmod(part.string, 0o400) == 0 else { throw .system("renaming \(part)", Errno.current) }
            do throws(Errno) { try DurableFile.rename(part, to: path) } catch {
                throw .system("renaming \(part)", error)
            }
            do { status = try path.stat() } catch { throw .system("looking at \(path)", error) }
            try write(EntryNote(of: status), to: images.appending("\(entry.imageDigest).json"))
        }
        try write(entry, to: sources.appending("\(key).json"))
    }

    func write(_ value: some Encodable, to path: FilePath) throws(Failure) {
        guard let data = try? JSONEncoder().encode(value) else { throw Failure(.system, "encoding \(path) failed") }
        try user.replaceFile(path, with: Array(data), mode: 0o600)
    }

    // MARK: Eviction

    /// Removes images, the one unused for longest first, until the file system has room for `bytes` more and the
    /// reserve.
    func makeRoom(for bytes: Int64, source: ImageSource, events: (ImageEvent) -> Void) throws(Failure) {
        while let free = freeSpace, free - reserve < bytes {
            guard try evictOldest(keeping: nil, events: events) else {
                throw Failure(
                    .cacheFull,
                    "no room to unpack \(source.path): \(images) has \(formatBytes(free)) free, of which "
                        + "\(formatBytes(reserve)) stay free for other programs",
                    hint: "free some space, or set XDG_CACHE_HOME to another place")
            }
        }
    }

    func evict(keeping digest: String, events: (ImageEvent) -> Void) throws(Failure) {
        while stored().reduce(0, { $0 + $1.bytes }) > limit {
            guard try evictOldest(keeping: digest, events: events) else { return }
        }
    }

    func evictOldest(keeping digest: String?, events: (ImageEvent) -> Void) throws(Failure) -> Bool {
        for entry in stored().sorted(by: { $0.lastUse < $1.lastUse }) where entry.digest != digest {
            let path = images.appending("\(entry.digest).img")
            // A locked image is in use, and stays.
            guard let lock = try FileLock.take(existing: path, .exclusive) else { continue }
            unlink(path.string)
            unlink(images.appending("\(entry.digest).json").string)
            withExtendedLifetime(lock) {}
            events(.evicted(digest: entry.digest))
            return true
        }
        return false
    }

    struct Stored {
        let digest: String
        let bytes: Int64
        /// Nanoseconds since 1970.
        let lastUse: Int64
    }

    func stored() -> [Stored] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: images.string)) ?? []
        return names.filter { $0.ends(with: ".img") }.compactMap { name in
            let digest = String(name.dropLast(4))
            guard let image = try? images.appending(name).stat() else { return nil }
            let note = try? images.appending("\(digest).json").stat()
            return Stored(
                digest: digest, bytes: Int64(image.blocksAllocated) * 512,
                lastUse: note.map { $0.st_mtim.nanoseconds } ?? 0)
        }
    }

    var freeSpace: Int64? {
        var status = statvfs()
        guard statvfs(images.string, &status) == 0 else { return nil }
        return Int64(status.f_bavail) * Int64(status.f_frsize)
    }
}
