package import Diagnostics

extension UnsafeRawBufferPointer {
    /// The unit in which zeros become holes, in bytes: a multiple of every file system's blocks, and smaller than the holes
    /// of real images.
    private static let unit: Int64 = 64 << 10

    /// Splits the buffer, which begins at `offset` of a file, into runs that are only zeros and runs with data, and calls
    /// `body` with each in order. Runs begin and end at multiples of 64 KiB of the file, or where the buffer does.
    package func forEachSparseRun(
        at offset: Int64, _ body: (Range<Int>, _ isZero: Bool) throws(Failure) -> Void
    ) throws(Failure) {
        var start = 0
        var end = 0
        var isZero = false
        while end < count {
            let next = Swift.min(count, Int((((offset + Int64(end)) / Self.unit + 1) * Self.unit) - offset))
            let isNextZero = UnsafeRawBufferPointer(rebasing: self[end..<next]).isAllZero
            if end > start, isNextZero != isZero {
                try body(start..<end, isZero)
                start = end
            }
            isZero = isNextZero
            end = next
        }
        if end > start { try body(start..<end, isZero) }
    }
}
