import Text
import Crypto
package import Diagnostics
import Host
package import Storage
import Synchronization
import SystemPackage

/// In bytes: how much is hashed at once.
private let portion = 1 << 20

extension GrowingFile {
    /// The SHA-256 of the file, in lower-case hex, computed while the file grows. Throws the reason if it is abandoned.
    func digest() throws(Failure) -> String {
        var hasher = SHA256()
        try forEachPortion { hasher.update(bufferPointer: $0) }
        return hasher.finalize().hex
    }

    /// The same for each of its chunks.
    func chunkDigests() throws(Failure) -> ChunkDigests {
        var digests = ChunkDigests()
        let chunk = Int(ChunkDigests.chunk)
        // Most of what an image does not use.
        let zeros = SHA256.hash(data: [UInt8](repeating: 0, count: chunk))
        try forEachPortion { portion in
            for start in stride(from: 0, to: portion.count, by: chunk) {
                let bytes = UnsafeRawBufferPointer(rebasing: portion[start..<min(start + chunk, portion.count)])
                digests.append(
                    bytes.count == chunk && bytes.isAllZero ? zeros : SHA256.hash(bufferPointer: bytes))
            }
        }
        return digests
    }

    /// Calls `body` with all bytes of the file, in order, as soon as they can be read: whole portions, and the rest.
    ///
    /// The bytes come from the page cache, where they were written a moment ago: decoders may write them in any order,
    /// and only checksums of them are kept in memory. What is read has to have these: a digest of what a bad disk made of
    /// the image would vouch for it ever after.
    private func forEachPortion(_ body: (UnsafeRawBufferPointer) -> Void) throws(Failure) {
        let buffer = AlignedBuffer(count: portion)
        defer { withExtendedLifetime(buffer) {} }
        let zeros = AlignedBuffer(count: portion)
        defer { withExtendedLifetime(zeros) {} }
        var offset: Int64 = 0
        while true {
            let count = try wait(for: offset + Int64(portion))
            let length = Int(min(count - offset, Int64(portion)))
            guard length > 0 else { return }
            // A stretch is as long as a portion: this portion is in a single stretch.
            let part: UnsafeMutableRawBufferPointer
            if isHole(at: offset) {
                part = .init(rebasing: zeros.bytes[..<length])
            } else {
                part = .init(rebasing: buffer.bytes[..<length])
                try read(into: part, at: offset)
            }
            try check(UnsafeRawBufferPointer(part), at: offset)
            body(UnsafeRawBufferPointer(part))
            offset += Int64(length)
        }
    }
}

extension ImageFile {
    /// The SHA-256 of the file, in lower-case hex.
    package func sha256(isCancelled: () -> Bool) throws(Failure) -> String {
        let buffer = AlignedBuffer(count: portion)
        defer { withExtendedLifetime(buffer) {} }
        var hasher = SHA256()
        var offset: Int64 = 0
        while offset < size {
            if isCancelled() { throw Failure.stopped("while reading \(path)") }
            let part = UnsafeMutableRawBufferPointer(
                rebasing: buffer.bytes[..<Int(min(Int64(portion), size - offset))])
            try read(into: part, at: offset)
            hasher.update(bufferPointer: UnsafeRawBufferPointer(part))
            offset += Int64(part.count)
        }
        return hasher.finalize().hex
    }
}

/// The SHA-256 of a file, computed by its own thread while other threads unpack the file. It reads ahead of them, so
/// that they find their input in the page cache.
final class BackgroundDigest: Sendable {
    private let isStopped: Stop
    private let thread: WorkerThread<String>

    private final class Stop: Sendable { let isSet = Atomic(false) }

    init(of path: FilePath) throws(Failure) {
        let file = try ImageFile(opening: path)
        let stop = Stop()
        isStopped = stop
        thread = try WorkerThread {
            Result { () throws(Failure) in
                try file.sha256 { stop.isSet.load(ordering: .relaxed) }
            }
        }
    }

    /// The digest is no longer needed: ends the thread.
    deinit { isStopped.isSet.store(true, ordering: .relaxed) }

    /// In lower-case hex; nil if `isCancelled` says so first.
    func value(unless isCancelled: () -> Bool) throws(Failure) -> String? { try thread.value(unless: isCancelled) }
}
