import Diagnostics
import Storage

/// Raw deflate data that was inflated: where it ended in its file, and what came out.
struct DeflatedData {
    /// In bytes: how much is read from the file at once.
    private static let inputSize = 256 << 10

    /// Offset in the file.
    let end: Int64
    /// In bytes: the inflated data.
    let count: Int64
    /// CRC-32 of the inflated data.
    let checksum: UInt32

    /// Inflates the data that begins where `range` of `file` begins, and ends inside it.
    ///
    /// - Parameter step: Called after each step with the offset that has been reached in the file.
    static func unpack<Engine: Inflater>(
        _ range: Range<Int64>, of file: ImageFile, to output: some DecoderOutput, with engine: Engine.Type,
        step: (Int64) throws(Failure) -> Void
    ) throws(Failure) -> Result<DeflatedData, InflateError> {
        let inflater = try Engine()
        let buffer = AlignedBuffer(count: inputSize)
        defer { withExtendedLifetime(buffer) {} }
        var input = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer.bytes)[..<0])[...]
        var next = range.lowerBound
        var count: Int64 = 0
        var checksum: UInt32 = 0
        while !inflater.isFinished {
            if input.isEmpty, next < range.upperBound {
                let chunk = UnsafeMutableRawBufferPointer(
                    rebasing: buffer.bytes[..<Int(min(Int64(inputSize), range.upperBound - next))])
                try file.read(into: chunk, at: next)
                next += Int64(chunk.count)
                input = UnsafeRawBufferPointer(chunk)[...]
            }
            let isStarved = input.isEmpty
            let space = try output.space()
            let produced: Int
            do throws(InflateError) { produced = try inflater.step(&input, space) } catch { return .failure(error) }
            checksum = Engine.checksum(checksum, UnsafeRawBufferPointer(rebasing: space[..<produced]))
            count += Int64(produced)
            output.advance(by: produced)
            if isStarved, produced == 0, !inflater.isFinished { return .failure(.cut) }
            try step(next - Int64(input.count))
        }
        return .success(
            DeflatedData(
                end: next - Int64(input.count) - Int64(inflater.surplus), count: count, checksum: checksum))
    }
}
