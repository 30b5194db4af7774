import Text
import Crypto
import Diagnostics
import Host
import Storage
import Synchronization
import SystemPackage

/// In bytes: how much is hashed at a time.
private let portion = 1 << 20

extension GrowingFile {
    /// The SHA-256 of the file, in lower-case hex, computed while it grows. Throws why it was abandoned.
    ///
    /// The bytes come from the page cache, where they have just been written: the decoder may bring them in any order,
    /// and none are kept in memory for this.
    func digest() throws(Failure) -> String {
        let buffer = AlignedBuffer(count: portion)
        defer { withExtendedLifetime(buffer) {} }
        let zeros = AlignedBuffer(count: portion)
        defer { withExtendedLifetime(zeros) {} }
        var hasher = SHA256()
        var offset: Int64 = 0
        while true {
            let count = try wait(for: offset + Int64(portion))
            let length = Int(min(count - offset, Int64(portion)))
            guard length > 0 else { return hasher.finalize().hex }
            // Stretches are as long as portions: this one is in a single stretch.
            let part: UnsafeMutableRawBufferPointer
            if isHole(at: offset) {
                part = .init(rebasing: zeros.bytes[..<length])
            } else {
                part = .init(rebasing: buffer.bytes[..<length])
                try read(into: part, at: offset)
            }
            hasher.update(bufferPointer: UnsafeRawBufferPointer(part))
            offset += Int64(length)
        }
    }
}

extension ImageFile {
    /// The SHA-256 of the file, in lower-case hex.
    func sha256(isCancelled: () -> Bool) throws(Failure) -> String {
        let buffer = AlignedBuffer(count: portion)
        defer { withExtendedLifetime(buffer) {} }
        var hasher = SHA256()
        var offset: Int64 = 0
        while offset < size {
            if isCancelled() { throw Failure(.cancelled, "stopped while reading \(path)") }
            let part = UnsafeMutableRawBufferPointer(
                rebasing: buffer.bytes[..<Int(min(Int64(portion), size - offset))])
            try read(into: part, at: offset)
            hasher.update(bufferPointer: UnsafeRawBufferPointer(part))
            offset += Int64(part.count)
        }
        return hasher.finalize().hex
    }
}

/// The SHA-256 of a file, computed on a thread of its own while other threads unpack the file: it reads ahead of them, so
/// that they find in the page cache what they need.
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

    /// Nobody wants to know it any more.
    deinit { isStopped.isSet.store(true, ordering: .relaxed) }

    /// In lower-case hex; nil when `isCancelled` first.
    func value(unless isCancelled: () -> Bool) throws(Failure) -> String? { try thread.value(unless: isCancelled) }
}
