import Crypto
public import Diagnostics
import FoundationEssentials
public import Host
public import Storage
public import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Unpacked images, kept under the SHA-256 of their content so that every card and every run shares one.
///
///     images/<digest>.img     the unpacked image, sparse, read-only; locked (shared) while it is in use
///     images/<digest>.json    its size and modification time; its own modification time is the last use
///     images/<key>.part       an image being unpacked; the lock of its source is held meanwhile
///     sources/<key>.json      a source file's identity and the digests of its packed and unpacked bytes
///     sources/<key>.lock      held while the source is unpacked
///
/// Safe against two runs at once (the second waits, then finds the first one's result) and against a crash at any
/// moment: a `.part` file is nobody's result and is written over; the index is replaced as a whole, after the image.
public struct ImageCache: Sendable {
    public static let defaultLimit: Int64 = 16 << 30

    private let user: InvokingUser
    private let images: FilePath
    private let sources: FilePath
    /// In bytes as stored, without holes.
    private let limit: Int64

    public init(directories: UserDirectories, limit: Int64 = ImageCache.defaultLimit) {
        user = directories.user
        images = directories.cache.appending("images")
        sources = directories.cache.appending("sources")
        self.limit = limit
    }

    /// The unpacked image of the file at `source`, from the cache or unpacked now.
    ///
    /// - Parameters:
    ///   - sha256: What the file's SHA-256 must be, in hex; nil when nobody said.
    ///   - validate: Called with a newly unpacked image before it is taken into the cache; what it throws refuses it.
    public func image(
        at source: FilePath, sha256: String?, validate: (FilePath, ImageFile) throws(Failure) -> Void,
        events: (ImageEvent) -> Void, isCancelled: () -> Bool
    ) throws(Failure) -> BaseImage {
        try user.makeDirectories(images)
        try user.makeDirectories(sources)
        let key = Data(source.string.utf8).sha256
        let lock: FileLock
        if let free = try FileLock(sources.appending("\(key).lock"), .exclusive, waiting: false, user: user) {
            lock = free
        } else {
            events(.waiting)
            guard let awaited = try FileLock(sources.appending("\(key).lock"), .exclusive, waiting: true, user: user)
            else {
                throw Failure(.system, "locking the cache of \(source) failed")
            }
            lock = awaited
        }
        defer { withExtendedLifetime(lock) {} }

        let identity = try SourceIdentity(of: source)
        if let known = index(key), known.identity == identity, let image = try open(known, source: source) {
            try check(known.sourceDigest, known.imageDigest, against: sha256, source: source)
            events(.cached(digest: known.imageDigest))
            return image
        }
        let digest = try sha256OfFile(source, isCancelled: isCancelled)
        let opened = try ImageSource(source)
        // The checksum of an archive is known to be wrong before anything is unpacked; a raw image's is the same.
        if let sha256, sha256.lowercased() != digest, opened.format == .raw {
            try check(digest, digest, against: sha256, source: source)
        }
        let part = images.appending("\(key).part")
        do throws(Failure) {
            let unpacked = try unpack(opened, to: part, events: events, isCancelled: isCancelled)
            try check(digest, unpacked, against: sha256, source: source)
            try validate(part, ImageFile(opening: part))
            guard try SourceIdentity(of: source) == identity else {
                throw Failure(.corruptArchive, "\(source) changed while it was unpacked", hint: "try again")
            }
            let entry = SourceIndex(identity: identity, sourceDigest: digest, imageDigest: unpacked)
            try adopt(part, as: entry, key: key)
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

    // MARK: Unpacking

    private func unpack(
        _ source: ImageSource, to part: FilePath, events: (ImageEvent) -> Void, isCancelled: () -> Bool
    ) throws(Failure) -> String {
        let chosen = try entry(of: source)
        if let size = chosen.size { try makeRoom(for: size, events: events) }
        let writer = try SparseWriter(creating: part, checksums: source.format == .gzip)
        do { try user.own(part) } catch { throw .system("giving \(part) to its user", error) }
        var reader = try ArchiveReader(source)
        while let entry = try reader.next() {
            guard entry.index == chosen.index else { continue }
            do {
                try copy(&reader, to: writer, source: source, events: events, isCancelled: isCancelled)
            } catch let failure as Failure {
                throw failure
            } catch {
                throw Failure(.system, "unpacking \(source.path): \(error)")
            }
            break
        }
        guard writer.count > 0 else {
            throw Failure(.notAnImage, "\(source.path) unpacks to nothing", hint: "download it again")
        }
        if let size = chosen.size, writer.count != size {
            throw Failure(
                .truncatedArchive, "\(source.path) holds \(writer.count) of \(size) bytes", hint: "download it again")
        }
        guard writer.count % 512 == 0 else {
            throw Failure(
                .truncatedArchive,
                "\(source.path) unpacks to \(writer.count) bytes, which are no whole number of sectors",
                hint: "the image is truncated: download it again")
        }
        events(.unpacking(done: source.size, total: source.size))
        let digest = try writer.finish()
        if source.format == .gzip { try GzipTrailer(of: source).check(writer.checksum, count: writer.count) }
        return digest
    }

    private func copy(
        _ reader: inout ArchiveReader, to writer: SparseWriter, source: ImageSource, events: (ImageEvent) -> Void,
        isCancelled: () -> Bool
    ) throws {
        var reported: Int64 = 0
        var sawHead = false
        try reader.forEachBlock { block, offset, consumed in
            if isCancelled() { throw Failure(.cancelled, "stopped while unpacking \(source.path)") }
            try writer.skip(to: offset)
            try writer.append(block)
            if !sawHead, writer.count >= 512 {
                sawHead = true
                let head = writer.count < 1 << 20 ? writer.head : []
                guard head.isEmpty || ImageSource.isDiskStart(head) else {
                    throw Failure(
                        .notAnImage, "\(source.path) holds no disk image: \(ImageSource.describe(head))",
                        hint: "name the image that the vendor publishes")
                }
            }
            if writer.count - reported >= 8 << 20 {
                reported = writer.count
                events(.unpacking(done: min(consumed, source.size), total: source.size))
            }
        }
    }

    private func entry(of source: ImageSource) throws(Failure) -> ArchiveReader.Entry {
        var reader = try ArchiveReader(source)
        var entries: [ArchiveReader.Entry] = []
        while let entry = try reader.next() {
            entries.append(entry)
            if source.format != .zip { break }
        }
        let chosen = try ImageEntry.choose(among: entries, in: source)
        if chosen.isEncrypted { throw ArchiveReader.encrypted(source.path) }
        return chosen
    }

    private func sha256OfFile(_ path: FilePath, isCancelled: () -> Bool) throws(Failure) -> String {
        let file = try ImageFile(opening: path)
        let buffer = AlignedBuffer(count: 1 << 20)
        var hasher = SHA256()
        var offset: Int64 = 0
        while offset < file.size {
            if isCancelled() { throw Failure(.cancelled, "stopped while reading \(path)") }
            let count = Int(min(Int64(buffer.bytes.count), file.size - offset))
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
            try file.read(into: part, at: offset)
            hasher.update(bufferPointer: UnsafeRawBufferPointer(part))
            offset += Int64(count)
        }
        return hasher.finalize().hex
    }

    /// A vendor publishes the checksum of the archive, of the image inside, or both: either may stand in a recipe.
    private func check(_ packed: String, _ unpacked: String, against wanted: String?, source: FilePath) throws(Failure)
    {
        guard let wanted = wanted?.lowercased(), wanted != packed, wanted != unpacked else { return }
        throw Failure(
            .wrongChecksum, "\(source) has the SHA-256 \(packed), not \(wanted)",
            hint: "download it again, or correct image.sha256 in the recipe")
    }

    // MARK: Entries

    private func index(_ key: String) -> SourceIndex? {
        guard let data = try? Data(contentsOf: URL(filePath: sources.appending("\(key).json").string)) else {
            return nil
        }
        return try? JSONDecoder().decode(SourceIndex.self, from: data)
    }

    /// Opens an entry of the cache and keeps it from being removed; nil when it is gone or not what was put there.
    private func open(_ entry: SourceIndex, source: FilePath) throws(Failure) -> BaseImage? {
        let path = images.appending("\(entry.imageDigest).img")
        let note = images.appending("\(entry.imageDigest).json")
        guard let lock = try FileLock(existing: path, .shared),
            let status = try? path.stat(),
            let data = try? Data(contentsOf: URL(filePath: note.string)),
            let known = try? JSONDecoder().decode(EntryNote.self, from: data),
            known == EntryNote(of: status),
            // The lock is on the file that still has the name: it was not removed between opening and locking.
            let locked = try? lock.descriptor.stat(), locked.inode == status.inode
        else { return nil }
        // The last use, for eviction.
        utimensat(AT_FDCWD, note.string, nil, 0)
        return BaseImage(
            store: try ImageFile(opening: path), digest: entry.imageDigest,
            sourceName: source.lastComponent?.string ?? source.string, sourceDigest: entry.sourceDigest, lock: lock)
    }

    /// Takes an unpacked image into the cache: the image first, then what is known of it, then the index.
    private func adopt(_ part: FilePath, as entry: SourceIndex, key: String) throws(Failure) {
        let path = images.appending("\(entry.imageDigest).img")
        chmod(part.string, 0o400)
        guard rename(part.string, path.string) == 0 else { throw .system("renaming \(part)", Errno(rawValue: errno)) }
        let status: Stat
        do { status = try path.stat() } catch { throw .system("looking at \(path)", error) }
        try write(EntryNote(of: status), to: images.appending("\(entry.imageDigest).json"))
        try write(entry, to: sources.appending("\(key).json"))
    }

    private func write(_ value: some Encodable, to path: FilePath) throws(Failure) {
        guard let data = try? JSONEncoder().encode(value) else { throw Failure(.system, "encoding \(path) failed") }
        try user.replaceFile(path, with: Array(data), mode: 0o600)
    }

    // MARK: Eviction

    /// Removes the images that were used longest ago until `bytes` more fit into the file system.
    private func makeRoom(for bytes: Int64, events: (ImageEvent) -> Void) throws(Failure) {
        // Never down to the last byte: the system wants to live too.
        let reserve: Int64 = 256 << 20
        while let free = freeSpace, free < bytes + reserve {
            guard try evictOldest(keeping: nil, events: events) else {
                // Most images are sparse: the room may do all the same, so only a hopeless case is refused here.
                guard free > bytes / 8 else {
                    throw Failure(
                        .cacheFull,
                        "no room to unpack the image: \(formatBytes(bytes)) are needed, \(formatBytes(free)) are free in \(images)",
                        hint: "free some space, or name another place in XDG_CACHE_HOME")
                }
                return
            }
        }
    }

    private func evict(keeping digest: String, events: (ImageEvent) -> Void) throws(Failure) {
        while stored().reduce(0, { $0 + $1.bytes }) > limit {
            guard try evictOldest(keeping: digest, events: events) else { return }
        }
    }

    private func evictOldest(keeping digest: String?, events: (ImageEvent) -> Void) throws(Failure) -> Bool {
        for entry in stored().sorted(by: { $0.lastUse < $1.lastUse }) where entry.digest != digest {
            let path = images.appending("\(entry.digest).img")
            // An image in use is locked, and stays.
            guard let lock = try FileLock(existing: path, .exclusive) else { continue }
            unlink(path.string)
            unlink(images.appending("\(entry.digest).json").string)
            withExtendedLifetime(lock) {}
            events(.evicted(digest: entry.digest))
            return true
        }
        return false
    }

    private struct Stored {
        let digest: String
        let bytes: Int64
        /// Nanoseconds since 1970.
        let lastUse: Int64
    }

    private func stored() -> [Stored] {
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

    private var freeSpace: Int64? {
        var status = statvfs()
        guard statvfs(images.string, &status) == 0 else { return nil }
        return Int64(status.f_bavail) * Int64(status.f_frsize)
    }
}
