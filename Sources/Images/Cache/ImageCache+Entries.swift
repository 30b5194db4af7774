import Crypto
import Diagnostics
import FoundationEssentials
import Host
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// The files of the cache: waiting for them, finding, adding and removing them.
extension ImageCache {
    /// Waits while another run works on the same source; that can be stopped.
    func lock(
        _ path: FilePath, source: FilePath, events: (ImageEvent) -> Void, isCancelled: () -> Bool
    ) throws(Failure) -> FileLock {
        var told = false
        while true {
            if let lock = try FileLock.take(path, .exclusive, user: user) { return lock }
            if !told { events(.waiting) }
            told = true
            if isCancelled() { throw Failure(.cancelled, "stopped while waiting for another run to unpack \(source)") }
            // flock(2) itself could not be interrupted by `isCancelled`.
            usleep(50_000)
        }
    }

    /// Removes what runs that were killed left half-way.
    func sweep() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: images.string)) ?? []
        where name.hasSuffix(".part") {
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

    /// Opens an entry of the cache and keeps it from being removed; nil when it is gone or not what was put there.
    func open(_ entry: SourceIndex, source: FilePath) throws(Failure) -> Image? {
        let path = images.appending("\(entry.imageDigest).img")
        let note = images.appending("\(entry.imageDigest).json")
        guard let lock = try FileLock.take(existing: path, .shared),
            let status = try? lock.descriptor.stat(),
            let bytes = Self.record(at: note),
            let known = try? JSONDecoder().decode(EntryNote.self, from: Data(bytes)),
            known == EntryNote(of: status)
        else { return nil }
        // The last use, for eviction.
        utimensat(AT_FDCWD, note.string, nil, 0)
        return Image(
            store: try ImageFile(opening: path), digest: entry.imageDigest,
            sourceName: source.lastComponent?.string ?? source.string, sourceDigest: entry.sourceDigest, lock: lock)
    }

    /// Takes an unpacked image into the cache: the image first, then what is known of it, then the index.
    func adopt(_ part: FilePath, as entry: SourceIndex, key: String, source: FilePath) throws(Failure) {
        let path = images.appending("\(entry.imageDigest).img")
        if try open(entry, source: source) != nil {
            // Another source has brought the same image, and cards may be written from it: it stays.
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

    /// Removes the images that were used longest ago until `bytes` more, and the reserve, fit into the file system.
    func makeRoom(for bytes: Int64, source: ImageSource, events: (ImageEvent) -> Void) throws(Failure) {
        while let free = freeSpace, free - reserve < bytes {
            guard try evictOldest(keeping: nil, events: events) else {
                throw Failure(
                    .cacheFull,
                    "no room to unpack \(source.path): \(formatBytes(free)) are free in \(images), of which "
                        + "\(formatBytes(reserve)) are left alone",
                    hint: "free some space, or name another place in XDG_CACHE_HOME")
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
            // An image in use is locked, and stays.
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
        return names.filter { $0.hasSuffix(".img") }.compactMap { name in
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
