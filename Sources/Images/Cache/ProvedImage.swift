package import Diagnostics
import Host
package import Storage
import Synchronization
package import SystemPackage

/// An unpacked image in the cache, every byte of which is proved when it is read.
///
/// The chain of the proof: the recipe, or the user, names a source and perhaps its SHA-256. When the source is unpacked,
/// its digest, that of the image and those of the image's chunks are computed in one pass over the same bytes, and written
/// to records in the cache. These records are believed because only the user can write them: they are the user's own
/// files, with mode 0600, in the user's own directory, with mode 0700, reached without a link (``PrivateDirectory``); a
/// cache that anybody else can have made is refused before a record is read. The image itself is not believed, although it
/// is kept in the same way: disks rot, and no one notices. So each chunk is hashed when it is read, and only bytes
/// that match leave this object. What is written to a card, and what the card is compared with, is read here: a card that
/// is verified has the bytes that the digest stands for.
///
/// A chunk that was proved in this run gets a CRC-32 in memory, which is ten times as fast as SHA-256, and is checked when
/// the chunk is read again for the next card: it finds what rots, and nobody can write it.
///
/// An image that does not match is dropped and unpacked again, once; whoever reads meanwhile waits.
package final class ProvedImage: BlockStore {
    /// The file, which may be replaced by a good one, and what it is compared with.
    struct Content: Sendable {
        let file: ImageFile
        /// Keeps the file in the cache.
        let lock: FileLock
        let digests: ChunkDigests
    }

    private struct State {
        var content: Content
        /// By chunk: the CRC-32 of bytes that matched their digest.
        var sums: [UInt32?]
        /// Chunks of which only a part was read, the latest last.
        var recent: [(number: Int, bytes: [UInt8])] = []
        var isRepaired = false
    }

    /// In chunks: enough for file system structures, which are read in small parts and next to each other.
    private static let recentLimit = 16

    package let size: Int64
    package let name: String
    private let state: Mutex<State>
    /// Held while the image is unpacked again; the reason if that has failed.
    private let repairing = Mutex<Failure?>(nil)
    private let unpackAgain: @Sendable (Content) throws(Failure) -> ProvedImage

    /// - Parameter unpackAgain: Drops the damaged content from the cache and unpacks the image again.
    init(_ content: Content, unpackAgain: @escaping @Sendable (Content) throws(Failure) -> ProvedImage) {
        size = content.file.size
        name = content.file.name
        state = Mutex(State(content: content, sums: Array(repeating: nil, count: content.digests.count)))
        self.unpackAgain = unpackAgain
    }

    /// The file as it is now, with bytes that are not proved; a repair replaces it.
    package var file: ImageFile { content.file }
    package var path: FilePath { file.path }
    private var content: Content { state.withLock { $0.content } }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: buffer.count)
        var done = 0
        while done < buffer.count {
            let position = offset + Int64(done)
            let number = Int(position / ChunkDigests.chunk)
            let range = range(of: number)
            let count = min(Int(range.upperBound - position), buffer.count - done)
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
            if count == range.count {
                try readProved(number, into: part)
            } else {
                let start = Int(position - range.lowerBound)
                try chunk(number).withUnsafeBytes { part.copyMemory(from: .init(rebasing: $0[start..<start + count])) }
            }
            done += count
        }
    }

    /// Proves the chunks that `range` touches, unless they were proved in this run.
    package func prove(_ range: Range<Int64>) throws(Failure) {
        let range = range.clamped(to: 0..<size)
        guard !range.isEmpty else { return }
        for number in Int(range.lowerBound / ChunkDigests.chunk)...Int((range.upperBound - 1) / ChunkDigests.chunk)
        where state.withLock({ $0.sums[number] == nil }) {
            _ = try chunk(number)
        }
    }

    private func range(of number: Int) -> Range<Int64> {
        let start = Int64(number) * ChunkDigests.chunk
        return start..<min(start + ChunkDigests.chunk, size)
    }

    /// All of a chunk, proved, for a reader of a part of it.
    private func chunk(_ number: Int) throws(Failure) -> [UInt8] {
        let known = state.withLock { state in state.recent.last { $0.number == number }?.bytes }
        if let known { return known }
        var bytes = [UInt8](repeating: 0, count: range(of: number).count)
        var thrown: Failure?
        bytes.withUnsafeMutableBytes { buffer in
            do throws(Failure) { try readProved(number, into: buffer) } catch { thrown = error }
        }
        if let thrown { throw thrown }
        state.withLock { [bytes] state in
            if state.recent.count == Self.recentLimit { state.recent.removeFirst() }
            state.recent.append((number, bytes))
        }
        return bytes
    }

    /// Reads chunk `number`, which is as long as `buffer`.
    private func readProved(_ number: Int, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) {
        while true {
            let content = content
            do throws(Failure) {
                try content.file.read(into: buffer, at: range(of: number).lowerBound)
                if isProved(number, UnsafeRawBufferPointer(buffer), by: content.digests) { return }
            } catch {
                // A sector that the disk cannot read any more is not worth more than one that it reads wrongly.
                guard error.cause as? Errno == .ioError else { throw error }
            }
            try repair(content)
        }
    }

    private func isProved(_ number: Int, _ bytes: UnsafeRawBufferPointer, by digests: ChunkDigests) -> Bool {
        let sum = FastestInflater.checksum(0, bytes)
        if let known = state.withLock({ $0.sums[number] }) { return known == sum }
        guard digests.match(bytes, chunk: number) else { return false }
        state.withLock { $0.sums[number] = sum }
        return true
    }

    /// Replaces `damaged` by an image that is unpacked again, unless another thread has done that.
    private func repair(_ damaged: Content) throws(Failure) {
        let failure = repairing.withLock { known -> Failure? in
            if let known { return known }
            let (isRepaired, isCurrent) = state.withLock { ($0.isRepaired, $0.content.file === damaged.file) }
            guard isCurrent else { return nil }
            do throws(Failure) {
                if isRepaired { throw Failure(.corruptCache, "it was unpacked again, and is damaged again") }
                let fresh = try unpackAgain(damaged).content
                state.withLock {
                    $0.content = fresh
                    $0.isRepaired = true
                    $0.recent = []
                }
                return nil
            } catch {
                known = explain(error)
                return known
            }
        }
        if let failure { throw failure }
    }

    private func explain(_ failure: Failure) -> Failure {
        guard failure.code != .cancelled else { return failure }
        return Failure(
            .corruptCache,
            "the unpacked image of \(name) in the cache was damaged (\(path)), and cannot be unpacked again: \(failure.message)",
            hint: "see that the image's file is in its place and the disk is sound, and run the same command again",
            cause: failure)
    }
}
