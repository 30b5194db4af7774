import Diagnostics
import Storage

#if canImport(Glibc)
    import Glibc
#endif

/// One run of ``CardWriter``: its steps, its two buffers, and what is known of the first block.
final class CardJob {
    /// What the first block of the card holds.
    enum FirstBlock {
        /// What it held before.
        case untouched
        /// Zeros, as read back from the medium.
        case cleared
        /// Anything: a write to it was begun and not proved.
        case unknown
    }

    /// A card's sectors; what is written is padded to whole ones.
    private static let sector: Int64 = 512

    private(set) var state = FirstBlock.untouched
    private let target: any CardTarget
    private let image: any BlockStore
    private let ranges: ByteRanges?
    private var pacer: EventPacer
    private let isCancelled: () -> Bool
    private let buffer = AlignedBuffer(count: CardWriter.chunk)
    private let compared = AlignedBuffer(count: CardWriter.chunk)

    init(
        target: any CardTarget, image: any BlockStore, ranges: ByteRanges?, pacer: EventPacer,
        isCancelled: @escaping () -> Bool
    ) {
        self.target = target
        self.image = image
        self.ranges = ranges
        self.pacer = pacer
        self.isCancelled = isCancelled
    }

    /// The steps of ``CardWriter``, by their numbers.
    func run() throws(Failure) -> Int64 {
        let end = (image.size + Self.sector - 1) / Self.sector * Self.sector
        guard target.size >= end else {
            throw Failure(
                .tooSmall, severity: .refused,
                "\(target.name) is too small: it holds \(target.size) bytes, the image has \(image.size)",
                hint: "use a larger card")
        }
        let clearedEnd = min(CardWriter.firstBlock, target.size)
        let head = 0..<min(CardWriter.head, end)
        let neck = head.upperBound..<min(CardWriter.firstBlock, end)
        var body = ByteRanges()
        if end > clearedEnd {
            body = (ranges?.aligned(to: Self.sector) ?? ByteRanges([0..<end])).clamped(to: clearedEnd..<end)
        }
        // Where the image ends inside the last block, that part is the image's.
        let tail = max(end, clearedEnd, target.size - CardWriter.firstBlock)..<target.size

        try checkCancelled()
        // 1.
        let clearing = clearedEnd + tail.upperBound - tail.lowerBound
        report(.clearing, 0, clearing)
        state = .unknown
        try clear(0..<clearedEnd)
        try clear(tail)
        try flush()
        try expectZeros(0..<clearedEnd)
        state = .cleared
        try expectZeros(tail)
        report(.clearing, clearing, clearing)
        // 2.
        try forEachChunk(of: body, phase: .writing) { bytes, offset throws(Failure) in
            try target.write(bytes, at: offset)
        }
        report(.flushing, 0, body.count)
        try flush()
        report(.flushing, body.count, body.count)
        // 3.
        try forEachChunk(of: body, phase: .verifying) { bytes, offset throws(Failure) in
            try compare(bytes, at: offset)
        }
        // 4.
        let sealed = neck.upperBound
        report(.sealing, 0, sealed)
        try checkCancelled()
        state = .unknown
        if !neck.isEmpty { try writeThrough(neck) }
        // 5.
        try checkCancelled()
        if !head.isEmpty { try writeThrough(head) }
        // 6.
        try target.seal()
        report(.sealing, sealed, sealed)
        return body.count + sealed
    }

    /// Zeros the first block again, as well as a failing card lets us; only what reads back as zeros counts.
    func clearAfterFailure() {
        do throws(Failure) {
            let first = 0..<min(CardWriter.firstBlock, target.size)
            try clear(first)
            try flush()
            try expectZeros(first)
            state = .cleared
        } catch {
            state = .unknown
        }
    }

    private func flush() throws(Failure) {
        try target.synchronize()
        try target.dropCache()
    }

    private func clear(_ range: Range<Int64>) throws(Failure) {
        guard !range.isEmpty else { return }
        let zeros = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<range.count])
        zeros.initializeMemory(as: UInt8.self, repeating: 0)
        try target.write(UnsafeRawBufferPointer(zeros), at: range.lowerBound)
    }

    private func expectZeros(_ range: Range<Int64>) throws(Failure) {
        guard !range.isEmpty else { return }
        let found = UnsafeMutableRawBufferPointer(rebasing: compared.bytes[..<range.count])
        try target.read(into: found, at: range.lowerBound)
        guard !UnsafeRawBufferPointer(found).isAllZero else { return }
        throw Failure(
            .verifyMismatch,
            "\(target.name) did not keep the zeros written at byte \(range.lowerBound): it takes writes and drops them",
            hint: "the card is worn out, or smaller than it says: use another card")
    }

    private func writeThrough(_ range: Range<Int64>) throws(Failure) {
        let bytes = try chunk(range)
        try target.write(bytes, at: range.lowerBound)
        try flush()
        try compare(bytes, at: range.lowerBound)
    }

    private func forEachChunk(
        of ranges: ByteRanges, phase: CardEvent.Phase,
        _ body: (UnsafeRawBufferPointer, Int64) throws(Failure) -> Void
    ) throws(Failure) {
        let total = ranges.count
        var done: Int64 = 0
        report(phase, 0, total)
        for range in ranges.ranges {
            var offset = range.lowerBound
            while offset < range.upperBound {
                try checkCancelled()
                // Up to the next multiple of the chunk size, so that long writes start where the card's pages do.
                let stop = min((offset / Int64(CardWriter.chunk) + 1) * Int64(CardWriter.chunk), range.upperBound)
                try body(try chunk(offset..<stop), offset)
                done += stop - offset
                offset = stop
                report(phase, done, total)
            }
        }
    }

    /// The image's bytes in `range`, zeros behind its end.
    private func chunk(_ range: Range<Int64>) throws(Failure) -> UnsafeRawBufferPointer {
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<range.count])
        let present = Int(min(range.upperBound, image.size) - range.lowerBound)
        try image.read(into: UnsafeMutableRawBufferPointer(rebasing: part[..<present]), at: range.lowerBound)
        UnsafeMutableRawBufferPointer(rebasing: part[present...]).initializeMemory(as: UInt8.self, repeating: 0)
        return UnsafeRawBufferPointer(part)
    }

    private func compare(_ wanted: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        let found = UnsafeMutableRawBufferPointer(rebasing: compared.bytes[..<wanted.count])
        // What an earlier read left here is what was wanted then: a read that fills nothing must not pass for one.
        found.initializeMemory(as: UInt8.self, repeating: 0xA5)
        try target.read(into: found, at: offset)
        guard let a = wanted.baseAddress, let b = found.baseAddress, memcmp(a, b, wanted.count) != 0 else { return }
        let size = Int(Self.sector)
        let different = stride(from: 0, to: wanted.count, by: size).filter {
            memcmp(a + $0, b + $0, min(size, wanted.count - $0)) != 0
        }
        let start = different.first ?? 0
        let first = (start..<min(start + size, wanted.count)).first { wanted[$0] != found[$0] } ?? start
        throw Failure(
            .verifyMismatch,
            "\(target.name) reads back differently from what was written, first at byte \(offset + Int64(first)) "
                + "(\(different.count) of \(wanted.count / size) sectors there)",
            hint:
                "the card or its reader is bad, or the card is smaller than it says: try another reader, then another card"
        )
    }

    private func report(_ phase: CardEvent.Phase, _ done: Int64, _ total: Int64) {
        pacer.report(CardEvent(phase: phase, done: done, total: total))
    }

    private func checkCancelled() throws(Failure) {
        if isCancelled() { throw Failure(.cancelled, "stopped") }
    }
}
