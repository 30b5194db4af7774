import Diagnostics
import Storage

/// One run of ``CardWriter``: its steps, and what is known about the first block.
final class CardJob {
    /// What the first block of the card holds.
    enum FirstBlock {
        /// What it held before the run.
        case untouched
        /// The sentinel of an incomplete card, or zeros, as read back from the medium.
        case cleared
        /// Anything: a write to it was started and not read back.
        case unknown
    }

    /// The size of a card's sectors; what is written is padded to whole sectors.
    static let sector: Int64 = 512

    private(set) var state = FirstBlock.untouched
    let target: any CardTarget
    /// Once a pending image is complete, the finished one replaces it here.
    var image: PaddedImage
    let pace: Pace
    private let ranges: ByteRanges?
    let pending: PendingImage?
    private let comparison: CardWriter.Comparison
    private let wipes: Bool
    private let sentinel = CardSentinel()
    private var pacer: EventPacer
    private let isCancelled: () -> Bool
    /// As long as the first block.
    let buffer = AlignedBuffer(count: Int(CardWriter.firstBlock))
    let compared = AlignedBuffer(count: Int(CardWriter.firstBlock))

    init(_ writer: CardWriter, pacer: EventPacer, isCancelled: @escaping () -> Bool) {
        target = writer.target
        image = PaddedImage(store: writer.image)
        pace = Pace(writer.target.queue)
        ranges = writer.ranges
        pending = writer.pending
        comparison = writer.comparison
        wipes = writer.wipes
        self.pacer = pacer
        self.isCancelled = isCancelled
    }

    /// The steps of ``CardWriter``, by their numbers.
    func run() throws(Failure) -> CardWriter.Summary {
        let size = image.store.size
        let end = (size + Self.sector - 1) / Self.sector * Self.sector
        guard target.size >= end else {
            throw Failure(
                .tooSmall, severity: .refused,
                "\(target.name) is too small: it holds \(target.size) bytes, the image has \(size)",
                hint: "use a larger card")
        }
        let first = 0..<min(CardWriter.firstBlock, target.size)
        let head = 0..<min(CardWriter.head, end)
        let neck = head.upperBound..<min(CardWriter.firstBlock, end)
        let area = first.upperBound..<max(first.upperBound, end)
        let body = body(ranges, in: area)
        // If the image ends inside the last block, its part there is not cleared.
        let tail = max(end, first.upperBound, target.size - CardWriter.firstBlock)..<target.size

        try checkCancelled()
        // 1.
        try clear(first, tail)
        if wipes, !target.isBlank {
            try wipe(ByteRanges([first.upperBound..<target.size]).subtracting(body.union(ByteRanges([tail]))))
        }
        // 2.
        var work = Work(body: body, unwritten: body, unproved: body)
        if try isWorthComparing(body) {
            work = try compare(body, sentinel: sentinel, givesUp: comparison == .automatic)
        }
        // 3.
        try write(work.unwritten)
        if let pending { work = try write(pending.finish(), after: work, in: area) }
        report(.flushing, 0, work.unwritten.count)
        try flush()
        report(.flushing, work.unwritten.count, work.unwritten.count)
        // 4.
        try verify(work.unproved)
        try expectSentinel(first)
        // 5.
        let finalized = neck.upperBound
        report(.finalizing, 0, finalized)
        try checkCancelled()
        state = .unknown
        if !neck.isEmpty { try writeThrough(neck) }
        // 6.
        try checkCancelled()
        if !head.isEmpty { try writeThrough(head) }
        // 7.
        try target.finalize()
        report(.finalizing, finalized, finalized)
        return CardWriter.Summary(verified: work.body.count + finalized, written: work.unwritten.count + finalized)
    }

    /// Checks the sentinel again after a mismatch: a card that is smaller than it says may have written part of the
    /// image, even a boot sector, over its first block.
    func recheckFirstBlock() {
        guard state == .cleared else { return }
        do throws(Failure) { try expectSentinel(0..<min(CardWriter.firstBlock, target.size)) } catch {
            state = .unknown
        }
    }

    /// Zeros the first block, if the failing card still can; only what reads back as zeros counts.
    func clearAfterFailure() {
        do throws(Failure) {
            let first = 0..<min(CardWriter.firstBlock, target.size)
            try target.write(zeros(first.count), at: first.lowerBound)
            try flush()
            try expectZeros(first)
            state = .cleared
        } catch {
            state = .unknown
        }
    }

    /// What remains to be done with the bytes after the first block.
    struct Work {
        /// All of the image that the card must hold.
        var body: ByteRanges
        var unwritten: ByteRanges
        var unproved: ByteRanges
    }

    private func isWorthComparing(_ body: ByteRanges) throws(Failure) -> Bool {
        switch comparison {
        case .never: false
        case .always: true
        case .automatic: target.isBlank ? false : try looksWritten(body)
        }
    }

    private func clear(_ first: Range<Int64>, _ tail: Range<Int64>) throws(Failure) {
        let total = first.upperBound + tail.upperBound - tail.lowerBound
        report(.clearing, 0, total)
        state = .unknown
        let marked = scratch(first.count)
        sentinel.fill(marked, at: first.lowerBound)
        try target.write(UnsafeRawBufferPointer(marked), at: first.lowerBound)
        if !tail.isEmpty { try target.write(zeros(tail.count), at: tail.lowerBound) }
        try flush()
        try expectSentinel(first)
        state = .cleared
        if !tail.isEmpty { try expectZeros(tail) }
        report(.clearing, total, total)
    }

    private func write(_ ranges: ByteRanges) throws(Failure) {
        let (target, image) = (target, image)
        try inChunks(of: ranges, .writing) { lane, range throws(Failure) in
            let bytes = lane.memory(range.count)
            try image.read(into: bytes, at: range.lowerBound)
            try lane.atDevice { () throws(Failure) in
                try target.write(UnsafeRawBufferPointer(bytes), at: range.lowerBound)
            }
        }
    }

    private func verify(_ ranges: ByteRanges) throws(Failure) {
        let (target, image) = (target, image)
        try inChunks(of: ranges, .verifying) { lane, range throws(Failure) in
            try lane.compare(range, of: target, with: image) { place, found, wanted throws(Failure) in
                guard !found.isEqual(to: wanted) else { return }
                throw Self.mismatch(on: target.name, at: place.lowerBound, found: found, wanted: wanted)
            }
        }
    }

    private func inChunks(
        of ranges: ByteRanges, _ phase: CardEvent.Phase, work: @escaping CardPipeline.Work
    ) throws(Failure) {
        let total = ranges.count
        var done: Int64 = 0
        report(phase, 0, total)
        _ = try CardPipeline.run(
            chunks(of: ranges), pace: pace,
            goesOn: { () throws(Failure) in
                try checkCancelled()
                return true
            },
            didFinish: {
                done += Int64($0)
                report(phase, done, total)
            }, work: work)
    }

    /// Cut at multiples of the chunk's length, so that long writes start at the card's page boundaries.
    func chunks(of ranges: ByteRanges) -> some Sequence<Range<Int64>> {
        let length = Int64(pace.chunk)
        return ranges.ranges.lazy.flatMap { $0.pieces(of: length) }
    }

    // MARK: Short transfers, on the caller's thread

    func flush() throws(Failure) {
        try target.synchronize()
        try target.dropCache()
    }

    private func writeThrough(_ range: Range<Int64>) throws(Failure) {
        let wanted = scratch(range.count)
        try image.read(into: wanted, at: range.lowerBound)
        try target.write(UnsafeRawBufferPointer(wanted), at: range.lowerBound)
        try flush()
        let found = try read(range)
        guard !found.isEqual(to: UnsafeRawBufferPointer(wanted)) else { return }
        throw Self.mismatch(
            on: target.name, at: range.lowerBound, found: found, wanted: UnsafeRawBufferPointer(wanted))
    }

    /// The bytes of `range` on the card, in memory that the next call overwrites.
    func read(_ range: Range<Int64>) throws(Failure) -> UnsafeRawBufferPointer {
        let found = UnsafeMutableRawBufferPointer(rebasing: compared.bytes[..<range.count])
        found.poison()
        try target.read(into: found, at: range.lowerBound)
        return UnsafeRawBufferPointer(found)
    }

    func scratch(_ count: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
    }

    private func zeros(_ count: Int) -> UnsafeRawBufferPointer {
        let zeros = scratch(count)
        zeros.fillWithZeros()
        return UnsafeRawBufferPointer(zeros)
    }

    private func expectSentinel(_ first: Range<Int64>) throws(Failure) {
        let wanted = scratch(first.count)
        sentinel.fill(wanted, at: first.lowerBound)
        guard try !read(first).isEqual(to: UnsafeRawBufferPointer(wanted)) else { return }
        throw Failure(
            .verifyMismatch, "\(target.name) did not keep what was written to its first block",
            hint: "the card is worn out, or smaller than it says: use another card")
    }

    func expectZeros(_ range: Range<Int64>) throws(Failure) {
        guard try !read(range).isAllZero else { return }
        throw Failure(
            .verifyMismatch,
            "\(target.name) did not keep the zeros written at byte \(range.lowerBound): it accepts writes and drops them",
            hint: "the card is worn out, or smaller than it says: use another card")
    }

    private static func mismatch(
        on name: String, at offset: Int64, found: UnsafeRawBufferPointer, wanted: UnsafeRawBufferPointer
    ) -> Failure {
        let first = wanted.indices.first { wanted[$0] != found[$0] } ?? 0
        let size = Int(sector)
        let different = stride(from: 0, to: wanted.count, by: size).count { start in
            let sector = start..<min(start + size, wanted.count)
            return !UnsafeRawBufferPointer(rebasing: found[sector]).isEqual(
                to: UnsafeRawBufferPointer(rebasing: wanted[sector]))
        }
        return Failure(
            .verifyMismatch,
            "\(name): what was read back is not what was written, first at byte \(offset + Int64(first)) "
                + "(\(different) of \(wanted.count / size) sectors there)",
            hint:
                "the card or its reader is bad, or the card is smaller than it says: try another reader, then another card"
        )
    }

    func report(_ phase: CardEvent.Phase, _ done: Int64, _ total: Int64) {
        pacer.report(CardEvent(phase: phase, done: done, total: total))
    }

    func checkCancelled() throws(Failure) {
        if isCancelled() { throw Failure(.cancelled, "stopped") }
    }
}
