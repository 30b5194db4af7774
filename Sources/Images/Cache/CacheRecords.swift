import Host
import Text
import Crypto
import Diagnostics
import FoundationEssentials
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Identifies a source file: if it equals that of an earlier run, the file has not changed. Any write changes its
/// ctime.
struct SourceIdentity: Codable, Hashable {
    let path: String
    let device: UInt64
    let inode: UInt64
    let size: Int64
    /// Nanoseconds since 1970.
    let modified: Int64
    let changed: Int64

    init(of path: FilePath) throws(Failure) {
        let status: Stat
        do { status = try path.stat() } catch {
            throw .system("opening the image \(path)", error, hint: "correct image.source in the recipe")
        }
        // Before the file is opened: opening a pipe would wait for its other end.
        guard status.type == .regular else { throw Failure(.notAFile, "\"\(path)\" is not a regular file") }
        self.path = path.string
        device = UInt64(status.deviceID.rawValue)
        inode = UInt64(status.inode.rawValue)
        size = status.size
        modified = status.st_mtim.nanoseconds
        changed = status.st_ctim.nanoseconds
    }
}

/// What the cache knows of a source: its digest, and that of its image.
struct SourceIndex: Codable {
    let identity: SourceIdentity
    let sourceDigest: String
    let imageDigest: String
}

/// What the cache knows of an image. If its file has another size or time, another program has changed it, and it is not
/// used; if its bytes are others, reading it shows that.
struct EntryNote: Codable, Hashable {
    let size: Int64
    let modified: Int64
    let chunks: ChunkDigests

    init(of status: Stat, chunks: ChunkDigests) {
        size = status.size
        modified = status.st_mtim.nanoseconds
        self.chunks = chunks
    }

    func describes(_ status: Stat) -> Bool {
        size == status.size && modified == status.st_mtim.nanoseconds
            && Int64(chunks.count) == (size + ChunkDigests.chunk - 1) / ChunkDigests.chunk
    }
}

/// The digests of an unpacked image.
struct ImageDigests: Sendable {
    /// SHA-256 of all of it, in lower-case hex.
    let whole: String
    let chunks: ChunkDigests
}

extension timespec {
    var nanoseconds: Int64 { Int64(tv_sec) * 1_000_000_000 + Int64(tv_nsec) }
}

extension Data {
    var sha256: String { SHA256.hash(data: self).hex }
}
