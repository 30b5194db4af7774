import Diagnostics
import Host
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A file that is being written, by several threads if need be, while others read what is there already. Runs of zeros
/// become holes.
///
/// Bytes may be written in any order, but they are readable in order only: those before ``count``.
final class GrowingFile: Sendable {
    /// In bytes: for each such stretch it is known whether anything was written, so that no reader fetches a hole.
    static let stretch: Int64 = 1 << 20

    private struct State {
        var count: Int64 = 0
        var isComplete = false
        /// Why no more bytes come, when not all have come.
        var failure: Failure?
        /// The numbers of the stretches that were written to. A set: an archive that lies about its blocks may have one
        /// written far behind all others, where the file system lets it.
        var written: Set<Int> = []
    }

    let path: FilePath
    private let descriptor: FileDescriptor
    private let state = Monitor(State())

    /// - Parameter size: In bytes, where it is known beforehand: the file has it from the start, so that who asks for it
    ///   is not misled.
    init(creating path: FilePath, size: Int64? = nil) throws(Failure) {
        self.path = path
        let descriptor: FileDescriptor
        do {
            descriptor = try FileDescriptor.open(
                path, .readWrite, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
        } catch { throw .system("creating \(path)", error as? Errno ?? .ioError) }
        do { if let size { try descriptor.resize(to: size) } } catch {
            try? descriptor.close()
            throw .system("sizing \(path)", error as? Errno ?? .ioError)
        }
        self.descriptor = descriptor
    }

    deinit { try? descriptor.close() }

    // MARK: Writing

    /// Puts `bytes` at `offset`, whether or not they can be read yet.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        var stretches: Set<Int> = []
        try bytes.forEachSparseRun(at: offset) { (run, isZero) throws(Failure) in
            guard !isZero else { return }
            let start = offset + Int64(run.lowerBound)
            let part = UnsafeRawBufferPointer(rebasing: bytes[run])
            do { try descriptor.writeAll(toAbsoluteOffset: start, part) } catch { throw failure(error) }
            let last = start + Int64(run.count) - 1
            stretches.formUnion(Int(start / Self.stretch)...Int(last / Self.stretch))
        }
        guard !stretches.isEmpty else { return }
        state.update { [stretches] in $0.written.formUnion(stretches) }
    }

    /// All bytes before `count` have been written: they can be read from now on.
    func grow(to count: Int64) { state.update { $0.count = max($0.count, count) } }

    /// No bytes follow.
    func complete() { state.update { $0.isComplete = true } }

    /// No bytes follow, and those that came are worth nothing: wakes the readers with `failure`. Nothing when it is complete.
    func abandon(_ failure: Failure) {
        state.update { if !$0.isComplete { $0.failure = $0.failure ?? failure } }
    }

    /// Gives the file its size and waits until it is on the disk.
    func synchronize() throws(Failure) {
        do {
            try descriptor.resize(to: count)
            try descriptor.synchronize()
        } catch { throw failure(error) }
    }

    // MARK: Reading

    /// How many bytes can be read.
    var count: Int64 { state.update { $0.count } }

    /// Waits until `count` bytes can be read. How many there are: fewer at the end of the file. Throws why it was abandoned.
    @discardableResult func wait(for count: Int64) throws(Failure) -> Int64 {
        let found = state.wait { state -> Result<Int64, Failure>? in
            if let failure = state.failure { return .failure(failure) }
            return state.isComplete || state.count >= count ? .success(state.count) : nil
        }
        return try found.get()
    }

    /// Why it was abandoned.
    var failure: Failure? { state.update { $0.failure } }

    /// A name under which this process finds the file whatever becomes of its own name (proc(5), /proc/pid/fd); for as long
    /// as `self` lives.
    var enduringPath: FilePath { FilePath("/proc/self/fd/\(descriptor.rawValue)") }

    /// Whether nothing was written to the stretch that `offset` is in: it reads as zeros.
    func isHole(at offset: Int64) -> Bool {
        let stretch = Int(offset / Self.stretch)
        return state.update { !$0.written.contains(stretch) }
    }

    /// Fills `buffer` from `offset` on; the caller knows that the bytes are there.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count: Int
            do { count = try descriptor.read(fromAbsoluteOffset: offset + Int64(done), into: rest) } catch {
                throw .system("reading \(path)", error as? Errno ?? .ioError)
            }
            guard count > 0 else {
                // A hole at the end, which the file does not reach to before it has its size.
                rest.initializeMemory(as: UInt8.self, repeating: 0)
                return
            }
            done += count
        }
    }

    private func failure(_ error: any Error) -> Failure {
        guard error as? Errno == .noSpace else { return .system("writing \(path)", error as? Errno ?? .ioError) }
        return Failure(
            .cacheFull, "no room to unpack the image in \(path.removingLastComponent())",
            hint: "free some space, or name another place in XDG_CACHE_HOME", cause: error)
    }
}
