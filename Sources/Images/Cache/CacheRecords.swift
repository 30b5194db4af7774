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

/// What tells that a source file is still the one that was unpacked: any write changes its ctime.
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
        // Before anything opens it: opening a pipe would wait for its other end.
        guard status.type == .regular else { throw Failure(.notAFile, "\"\(path)\" is not a regular file") }
        self.path = path.string
        device = UInt64(status.deviceID.rawValue)
        inode = UInt64(status.inode.rawValue)
        size = status.size
        modified = status.st_mtim.nanoseconds
        changed = status.st_ctim.nanoseconds
    }
}

/// A line of the cache's index.
struct SourceIndex: Codable {
    let identity: SourceIdentity
    let sourceDigest: String
    let imageDigest: String
}

/// What is known of an entry's file: one that was touched by somebody else is not trusted.
struct EntryNote: Codable, Hashable {
    let size: Int64
    let modified: Int64

    init(of status: Stat) {
        size = status.size
        modified = status.st_mtim.nanoseconds
    }
}

extension timespec {
    var nanoseconds: Int64 { Int64(tv_sec) * 1_000_000_000 + Int64(tv_nsec) }
}

extension Data {
    var sha256: String { SHA256.hash(data: self).hex }
}
