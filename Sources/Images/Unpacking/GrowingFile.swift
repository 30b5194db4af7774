import Diagnostics
import Host
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A file that one or more threads write while others read its finished part. Runs of zeros become holes.
///
/// Bytes may be written in any order, but only the bytes before ``count`` can be read.
final class GrowingFile: Sendable {
    /// In bytes: the file records for each stretch whether anything was written there, so that no reader fetches a
    /// hole.
    static let stretch: Int64 = 1 << 20

    private struct State {
        var count: Int64 = 0
        var isComplete = false
        /// Why no more bytes will come, if some are missing.
        var failure: Failure?
        /// The numbers of the stretches that were written. A set, since a damaged archive may make a block be written
        /// far behind all others.
        var written: Set<Int> = []
        var pieces = WrittenPieces()
        /// Those that ``takeNews()`` returned.
        var reported: Set<Int> = []
    }

    let path: FilePath
    /// For a confined process, which writes to it.
    let descriptor: FileDescriptor
    private let state = Monitor(State())

    /// - Parameters:
    ///   - descriptor: The new, empty file at `path`, which this object then closes.
    ///   - size: In bytes, if it is known already: then the file has its size from the beginning.
    init(_ descriptor: FileDescriptor, at path: FilePath, size: Int64? = nil) throws(Failure) {
        self.path = path
        self.descriptor = descriptor
        do { if let size { try descriptor.resize(to: size) } } catch { throw .system("sizing \(path)", error) }
    }

    deinit { try? descriptor.close() }

    // MARK: Writing

    /// Writes `bytes` at `offset`. They can be read when ``grow(to:)`` reaches them.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        var stretches: Set<Int> = []
        // Before the disk has them.
        let pieces = WrittenPieces.pieces(of: bytes, at: offset)
        try bytes.forEachSparseRun(at: offset) { (run, isZero) throws(Failure) in
            guard !isZero else { return }
            let start = offset + Int64(run.lowerBound)
            let part = UnsafeRawBufferPointer(rebasing: bytes[run])
            do throws(Errno) { try descriptor.writeAll(part, at: start) } catch { throw failure(error) }
            let last = start + Int64(run.count) - 1
            stretches.formUnion(Int(start / Self.stretch)...Int(last / Self.stretch))
        }
        state.update { [stretches] in
            $0.written.formUnion(stretches)
            $0.pieces.add(pieces)
        }
    }

    /// Says that all bytes before `count` are written and can be read.
    func grow(to count: Int64) { state.update { $0.count = max($0.count, count) } }

    /// What another process wrote to the file: in which stretches, and how many bytes can be read.
    func grow(to count: Int64, written: [Int], _ pieces: [WrittenPieces.Piece]) {
        state.update {
            $0.written.formUnion(written)
            $0.pieces.add(pieces)
            $0.count = max($0.count, count)
        }
    }

    /// How many bytes can be read, and the stretches and pieces that were written since the last call.
    func takeNews() -> (count: Int64, written: [Int], pieces: [WrittenPieces.Piece]) {
        state.update { state in
            defer { state.reported = state.written }
            return (state.count, state.written.subtracting(state.reported).sorted(), state.pieces.takeNew())
        }
    }

    /// Says that no bytes follow.
    func complete() { state.update { $0.isComplete = true } }

    /// No bytes follow, and those that came are worth nothing: wakes the readers with `failure`. Nothing when it is
    /// complete.
    func abandon(_ failure: Failure) {
        state.update { if !$0.isComplete { $0.failure = $0.failure ?? failure } }
    }

    /// Gives the file its size, and waits until it is on the disk.
    func synchronize() throws(Failure) {
        do {
            try descriptor.resize(to: count)
            try descriptor.synchronize()
        } catch { throw failure(error) }
    }

    // MARK: Reading

    /// How many bytes can be read, from the beginning on.
    var count: Int64 { state.update { $0.count } }

    /// Waits until `count` bytes can be read, and returns how many can: fewer at the end of the file. Throws the reason
    /// if the file is abandoned.
    @discardableResult func wait(for count: Int64) throws(Failure) -> Int64 {
        let found = state.wait { state -> Result<Int64, Failure>? in
            if let failure = state.failure { return .failure(failure) }
            return state.isComplete || state.count >= count ? .success(state.count) : nil
        }
        return try found.get()
    }

    /// Why the file was abandoned; nil if it was not.
    var failure: Failure? { state.update { $0.failure } }

    /// A path that leads this process to the file even if it is renamed or removed (proc(5), /proc/pid/fd). Valid as
    /// long as `self` exists.
    var enduringPath: FilePath { FilePath("/proc/self/fd/\(descriptor.rawValue)") }

    /// Whether nothing was written in the stretch of `offset`: it reads as zeros.
    func isHole(at offset: Int64) -> Bool {
        let stretch = Int(offset / Self.stretch)
        return state.update { !$0.written.contains(stretch) }
    }

    /// Fills `buffer` from `offset` on. The caller has waited for the bytes.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        do throws(Errno) {
            let count = try descriptor.readAll(into: buffer, at: offset)
            // A hole at the end: the file is shorter until it has its size.
            UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).fillWithZeros()
        } catch { throw .system("reading \(path)", error) }
    }

    /// Throws unless `bytes`, which were read from the beginning of a stretch on, are what was written there.
    func check(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        let pieces = state.update { $0.pieces.inStretch(at: offset) }
        guard !WrittenPieces.match(pieces, bytes, at: offset) else { return }
        throw Failure(
            .corruptCache,
            "the disk of \(path.removingLastComponent()) did not keep what was written to it: the unpacked image "
                + "reads back differently in the 1 MiB from byte \(offset) on",
            hint: "run the same command again; then check the disk, or set XDG_CACHE_HOME to another place")
    }

    private func failure(_ error: any Error) -> Failure {
        guard error as? Errno == .noSpace else { return .system("writing \(path)", error as? Errno ?? .ioError) }
        return Failure(
            .cacheFull, "no room to unpack the image in \(path.removingLastComponent())",
            hint: "free some space, or set XDG_CACHE_HOME to another place", cause: error)
    }
}
