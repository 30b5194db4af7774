import Diagnostics
import Storage

/// What was written to a file, as it was in memory: a disk may keep something else, and says nothing.
struct WrittenPieces {
    struct Piece: Hashable, Sendable {
        /// In bytes, in the file. No piece goes beyond a stretch.
        let offset: Int64
        let count: Int
        /// CRC-32.
        let sum: UInt32
    }

    /// By stretch.
    private var pieces: [Int: [Piece]] = [:]
    /// Those that ``takeNew()`` has not returned yet.
    private var new: [Piece] = []

    /// `bytes`, which begin at `offset`, one piece for each stretch.
    static func pieces(of bytes: UnsafeRawBufferPointer, at offset: Int64) -> [Piece] {
        var pieces: [Piece] = []
        var start = 0
        while start < bytes.count {
            let place = offset + Int64(start)
            let end = (place / GrowingFile.stretch + 1) * GrowingFile.stretch
            let count = min(bytes.count - start, Int(end - place))
            let part = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
            pieces.append(Piece(offset: place, count: count, sum: FastestInflater.checksum(0, part)))
            start += count
        }
        return pieces
    }

    mutating func add(_ added: [Piece]) {
        for piece in added { pieces[Int(piece.offset / GrowingFile.stretch), default: []].append(piece) }
        new += added
    }

    mutating func takeNew() -> [Piece] {
        defer { new = [] }
        return new
    }

    /// Those of the stretch that begins at `offset`.
    func inStretch(at offset: Int64) -> [Piece] { pieces[Int(offset / GrowingFile.stretch)] ?? [] }

    /// Whether `bytes`, which were read from the beginning of a stretch on, are those of `pieces`.
    static func match(_ pieces: [Piece], _ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Bool {
        pieces.allSatisfy { piece in
            let start = piece.offset - offset
            guard start >= 0, piece.count >= 0, start + Int64(piece.count) <= Int64(bytes.count) else { return false }
            let part = UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<Int(start) + piece.count])
            return FastestInflater.checksum(0, part) == piece.sum
        }
    }
}
