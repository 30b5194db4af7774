import Diagnostics
import Storage

/// Finds out how much room an image takes in a file system, by decoding it to nowhere.
final class ImageMeasure: ImageOutput {
    /// In bytes: what a file system allocates at least.
    private static let block = 4096

    private let buffer = AlignedBuffer(count: 1 << 20)
    private let limit: Int64
    private(set) var count: Int64 = 0
    private(set) var head: [UInt8] = []
    /// In bytes, without holes.
    private(set) var stored: Int64 = 0

    /// - Parameter limit: In bytes: an image that takes more is a failure, as soon as that is known.
    init(limit: Int64) { self.limit = limit }

    func space() throws(Failure) -> UnsafeMutableRawBufferPointer {
        guard stored <= limit else { throw Failure(.cacheFull, "the image takes more than \(formatBytes(limit))") }
        return buffer.bytes
    }

    func advance(by count: Int) {
        let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count])
        if head.count < ImageSource.headSize { head += bytes.prefix(ImageSource.headSize - head.count) }
        for start in stride(from: 0, to: count, by: Self.block) {
            let part = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + Self.block, count)])
            if !part.isAllZero { stored += Int64(Self.block) }
        }
        self.count += Int64(count)
    }
}
