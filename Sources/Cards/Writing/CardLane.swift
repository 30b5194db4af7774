import Diagnostics
import Storage

#if canImport(Glibc)
    import Glibc
#endif

/// One thread of a ``CardPipeline``: its memory, and its turn at the device.
struct CardLane {
    /// As long as a chunk.
    let bytes: AlignedBuffer
    /// For a part of the image that is compared, short enough to stay in the processor's own memory.
    let part: AlignedBuffer
    let number: Int
    let pipeline: CardPipeline

    static let partLength = 256 << 10

    /// Runs `transfer` when all earlier chunks are on their way to the device and few enough are still there. Each chunk
    /// takes exactly one turn.
    func atDevice(_ transfer: () throws(Failure) -> Void) throws(Failure) {
        try pipeline.enter(number)
        defer { pipeline.leave() }
        try transfer()
    }

    /// The first `count` bytes of the chunk's memory.
    func memory(_ count: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: bytes.bytes[..<count])
    }

    /// Reads `range` from the card, and calls `found` for each part with its place, what was read and what is wanted.
    func compare(
        _ range: Range<Int64>, of target: any CardTarget, with image: CardImage,
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

/// An image as a card holds it: padded to whole sectors with zeros.
struct CardImage: Sendable {
    let store: any BlockStore

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        let present = max(0, min(buffer.count, Int(store.size - offset)))
        try store.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<present]), at: offset)
        UnsafeMutableRawBufferPointer(rebasing: buffer[present...]).initializeMemory(as: UInt8.self, repeating: 0)
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
    /// Makes each sector differ from what an earlier read left: one that fills nothing must not pass for a good one.
    func poison() {
        for start in stride(from: 0, to: count, by: 512) {
            storeBytes(of: 0xA5A5_5A5A_C3C3_3C3C, toByteOffset: start, as: UInt64.self)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether both hold the same bytes; they are equally long.
    func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
        guard let a = baseAddress, let b = other.baseAddress else { return isEmpty && other.isEmpty }
        return memcmp(a, b, count) == 0
    }
}
