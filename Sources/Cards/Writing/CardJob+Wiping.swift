import Diagnostics
import Storage

/// Zeroing what the image does not use.
extension CardJob {
    /// How much one system call zeroes: about a second on a slow card, after which the user can stop it.
    private static let slice: Int64 = 8 << 20
    /// Up to this much is read back completely; of more, this much in places spread over it.
    private static let proof: Int64 = 64 << 20

    /// Makes `rest` read as zeros.
    ///
    /// The kernel does it if it can (BLKZEROOUT guarantees zeros); a discard would be faster, but after it a card may
    /// return anything, even the old data. 64 MiB of the zeros in up to 1,024 places are read back: that finds a card
    /// that ignores zeroing, but not a single bad page, which no file uses.
    func wipe(_ rest: ByteRanges) throws(Failure) {
        let total = rest.count
        var done: Int64 = 0
        report(.wiping, 0, total)
        var isOffered = true
        for slice in rest.ranges.lazy.flatMap({ $0.pieces(of: Self.slice) }) {
            try checkCancelled()
            if isOffered { isOffered = try target.zero(slice) }
            if !isOffered {
                let zeros = scratch(buffer.bytes.count)
                zeros.fillWithZeros()
                for part in slice.pieces(of: Int64(zeros.count)) {
                    try target.write(
                        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(zeros)[..<part.count]),
                        at: part.lowerBound)
                }
            }
            done += slice.upperBound - slice.lowerBound
            report(.wiping, done, total)
        }
        try flush()
        let proved =
            total <= Self.proof
            ? rest.ranges.flatMap { Array($0.pieces(of: CardWriter.firstBlock)) }
            : rest.places(Int(Self.proof / Self.unit), length: Self.unit)
        for place in proved {
            try checkCancelled()
            try expectZeros(place)
        }
    }
}
