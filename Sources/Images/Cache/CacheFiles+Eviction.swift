import Text
import Diagnostics
import Host
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// How much room the cache takes and leaves.
extension CacheFiles {
    /// Whether the file system has room for `bytes` more and the reserve.
    func hasRoom(for bytes: Int64) -> Bool { freeSpace.map { $0 - reserve >= bytes } ?? true }

    /// In bytes: the most that an image may take if everything that is not in use is removed for it.
    var room: Int64 {
        guard let free = freeSpace else { return .max }
        return free - reserve + stored().filter { isUnused($0.digest) }.reduce(0) { $0 + $1.bytes }
    }

    /// Removes images, the one unused for longest first, until there is room for `bytes`. If all of them would not be
    /// enough, none is removed.
    func makeRoom(for bytes: Int64, source: ImageSource, events: (ImageEvent) -> Void) throws(Failure) {
        guard hasRoom(for: bytes) || bytes <= room else { throw noRoom(for: source) }
        while !hasRoom(for: bytes) {
            guard try evictOldest(keeping: nil, events: events) else { throw noRoom(for: source) }
        }
    }

    func noRoom(for source: ImageSource) -> Failure {
        Failure(
            .cacheFull,
            "no room to unpack \(source.path): \(images.path) has \(formatBytes(freeSpace ?? 0)) free, of which "
                + "\(formatBytes(reserve)) stay free for other programs",
            hint: "free some space, or set XDG_CACHE_HOME to another place")
    }

    private func isUnused(_ digest: String) -> Bool {
        (try? FileLock.take(existing: "\(digest).img", in: images, .exclusive)) ?? nil != nil
    }

    func evict(keeping digest: String, events: (ImageEvent) -> Void) throws(Failure) {
        while stored().reduce(0, { $0 + $1.bytes }) > limit {
            guard try evictOldest(keeping: digest, events: events) else { return }
        }
    }

    func evictOldest(keeping digest: String?, events: (ImageEvent) -> Void) throws(Failure) -> Bool {
        for entry in stored().sorted(by: { $0.lastUse < $1.lastUse }) where entry.digest != digest {
            let image = "\(entry.digest).img"
            // A locked image is in use, and stays, and so does what is not an image of the user's.
            guard let lock = try? FileLock.take(existing: image, in: images, .exclusive) else { continue }
            images.remove(image)
            images.remove("\(entry.digest).json")
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
        images.names.filter { $0.ends(with: ".img") }.compactMap { name in
            let digest = String(name.dropLast(4))
            guard let image = images.status(of: name), image.type == .regular else { return nil }
            let note = images.status(of: "\(digest).json")
            return Stored(
                digest: digest, bytes: Int64(image.blocksAllocated) * 512,
                lastUse: note.map { $0.st_mtim.nanoseconds } ?? 0)
        }
    }

    var freeSpace: Int64? {
        var status = statvfs()
        guard fstatvfs(images.descriptor.rawValue, &status) == 0 else { return nil }
        return Int64(status.f_bavail) * Int64(status.f_frsize)
    }
}
