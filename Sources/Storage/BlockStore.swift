package import Diagnostics

/// Bytes of a fixed size that can be read at any offset: an image file, a card, an overlay over either.
///
/// Implementations are safe to read from several threads at once.
package protocol BlockStore: Sendable {
    /// The size in bytes; it never changes.
    var size: Int64 { get }

    /// A name for messages: a path, or what the store holds.
    var name: String { get }

    /// Fills `buffer` with the bytes from `offset` (in bytes) on. Reading past the end is an error: nothing is guessed.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure)
}

/// A block store that can also be written.
package protocol WritableBlockStore: BlockStore {
    /// Writes all of `bytes` at `offset` (in bytes). Writing past the end is an error: a store never grows.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure)

    /// Returns when everything written so far is on the medium; an error of an earlier, deferred write surfaces here.
    func synchronize() throws(Failure)
}

extension BlockStore {
    /// The `count` bytes from `offset` on.
    package func bytes(at offset: Int64, count: Int) throws(Failure) -> [UInt8] {
        try checkBounds(offset: offset, count: count)
        var result = [UInt8](repeating: 0, count: count)
        var thrown: Failure?
        result.withUnsafeMutableBytes { buffer in
            do throws(Failure) { try read(into: buffer, at: offset) } catch { thrown = error }
        }
        if let thrown { throw thrown }
        return result
    }

    /// Throws unless `count` bytes from `offset` on lie inside the store.
    package func checkBounds(offset: Int64, count: Int) throws(Failure) {
        let end = offset.addingReportingOverflow(Int64(count))
        guard offset >= 0, count >= 0, !end.overflow, end.partialValue <= size else {
            throw Failure(
                .outOfBounds, "\(name): bytes \(offset) to \(end.partialValue) lie outside its \(size) bytes")
        }
    }
}

extension WritableBlockStore {
    /// Writes `bytes` at `offset` (in bytes).
    package func write(_ bytes: [UInt8], at offset: Int64) throws(Failure) {
        var thrown: Failure?
        bytes.withUnsafeBytes { buffer in
            do throws(Failure) { try write(buffer, at: offset) } catch { thrown = error }
        }
        if let thrown { throw thrown }
    }
}

extension Failure.Code {
    /// An offset or length outside a block store.
    package static let outOfBounds = Failure.Code("storage.out-of-bounds")
}
