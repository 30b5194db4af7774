import Diagnostics
import Storage

#if canImport(Glibc)
    import Glibc
#endif

/// What one thread of a ``CardPipeline`` has: memory for a chunk, and its turn at the device.
struct CardLane {
    /// As long as a chunk.
    let bytes: AlignedBuffer
    /// For a part of the image to compare with, short enough to stay in the processor's cache.
    let part: AlignedBuffer
    let number: Int
    let pipeline: CardPipeline

    static let partLength = 256 << 10

    /// Runs `transfer` after all earlier chunks have started theirs and fewer than ``Pace/inFlight`` are running. Each
    /// chunk calls this exactly once.
    func atDevice(_ transfer: () throws(Failure) -> Void) throws(Failure) {
        try pipeline.enter(number)
        defer { pipeline.leave() }
        try transfer()
    }

    /// The first `count` bytes of the chunk's memory.
    func memory(_ count: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: bytes.bytes[..<count])
    }

    /// Reads `range` from the card and calls `found` for each part with its place, the bytes read and the bytes
    /// expected.
    func compare(
        _ range: Range<Int64>, of target: any CardTarget, with image: PaddedImage,
        _ found: (Range<Int64>, UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let read = memory(range.count)
        read.poison()
        try atDevice { () throws(Failure) in try target.read(into: read, at: range.lowerBound) }
        for place in range.pieces(of: Int64(Self.partLength)) {
            let wanted = UnsafeMutableRawBufferPointer(rebasing: part.bytes[..<place.count])
            try image.read(into: wanted, at: place.lowerBound)
            let start = Int(place.lowerBound - range.lowerBound)
            try found(
                place, UnsafeRawBufferPointer(rebasing: read[start..<start + place.count]),
                UnsafeRawBufferPointer(wanted))
        }
    }
}

extension Range<Int64> {
    /// The range cut at the multiples of `length`.
    func pieces(of length: Int64) -> some Sequence<Range<Int64>> {
        sequence(state: lowerBound) { start in
            guard start < upperBound else { return nil }
            let stop = Swift.min((start / length + 1) * length, upperBound)
            defer { start = stop }
            return start..<stop
        }
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Makes each sector differ from what an earlier read left: a read that fills nothing must not look like a good
    /// one.
    func poison() {
        for start in stride(from: 0, to: count, by: 512) {
            storeBytes(of: 0xA5A5_5A5A_C3C3_3C3C, toByteOffset: start, as: UInt64.self)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether both hold the same bytes; their lengths are equal.
    func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
        guard let a = baseAddress, let b = other.baseAddress else { return isEmpty && other.isEmpty }
        return memcmp(a, b, count) == 0
    }
}
