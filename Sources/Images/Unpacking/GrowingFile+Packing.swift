import Diagnostics
import Host

extension GrowingFile {
    /// Says how far the file has grown since the last call.
    func addNews(to values: inout PackedValues) {
        let news = takeNews()
        values.add(news.count)
        values.add(news.written.count)
        for stretch in news.written { values.add(stretch) }
        values.add(news.pieces.count)
        for piece in news.pieces {
            values.add(piece.offset)
            values.add(piece.count)
            values.add(Int(piece.sum))
        }
    }

    /// Grows as the confined process that writes to the file says.
    func grow(by values: inout UnpackedValues) throws(Failure) {
        let count = try values.number(Int64.self)
        var written: [Int] = []
        for _ in 0..<(try values.count(ofAtLeast: 8)) { written.append(try values.number(Int.self)) }
        var pieces: [WrittenPieces.Piece] = []
        for _ in 0..<(try values.count(ofAtLeast: 24)) {
            let (offset, length) = (try values.number(Int64.self), try values.number(Int.self))
            guard offset >= 0, let sum = UInt32(exactly: try values.number(Int.self)) else {
                throw UnpackedValues.malformed
            }
            pieces.append(WrittenPieces.Piece(offset: offset, count: length, sum: sum))
        }
        guard count >= 0 else { throw UnpackedValues.malformed }
        grow(to: count, written: written, pieces)
    }
}
