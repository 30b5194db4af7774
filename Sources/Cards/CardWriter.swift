public import Diagnostics
public import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// How far a card is. Bytes are counted per phase.
public struct CardEvent: Hashable, Sendable {
    public enum Phase: String, Sendable, CaseIterable {
        case clearing, writing, flushing, verifying, sealing
    }

    public var phase: Phase
    public var done: Int64
    public var total: Int64

    public init(phase: Phase, done: Int64, total: Int64) {
        self.phase = phase
        self.done = done
        self.total = total
    }
}

/// Writes one card so that it never looks finished before it is.
///
///  1. Clear the first block, and the last where an old GPT keeps its backup; flush. From here on the card has no
///     partition table.
///  2. Write everything behind the first block; flush, with the error of every deferred write checked.
///  3. Read all of it back past the page cache, and compare.
///  4. Write the first block, flush, read it back, compare; if that fails, clear it again.
///  5. Seal: the kernel reads the new partition table, or a file gets its name.
public struct CardWriter {
    /// What is held back: 1 MiB holds the MBR, the GPT with all its entries, and whatever boot code precedes the first
    /// partition, and is a multiple of every card's erase page.
    static let firstBlock: Int64 = 1 << 20
    /// Large enough that a card writes at its full rate, small enough to cost nothing.
    static let chunk = 4 << 20

    private let target: any CardTarget
    private let image: any BlockStore

    public init(target: any CardTarget, image: any BlockStore) {
        self.target = target
        self.image = image
    }

    /// Writes, verifies and seals the card; returns how many bytes were written (and read back).
    ///
    /// When it throws, the card has no partition table, and the failure says so.
    public func write(events: @escaping (CardEvent) -> Void, isCancelled: @escaping () -> Bool) throws(Failure) -> Int64
    {
        guard target.size >= image.size else {
            throw Failure(
                .tooSmall, severity: .refused,
                "\(target.name) is too small: it holds \(formatBytes(target.size)), the image has \(formatBytes(image.size))",
                hint: "use a larger card")
        }
        var job = Job(target: target, image: image, events: events, isCancelled: isCancelled)
        do throws(Failure) {
            return try job.run()
        } catch {
            if job.isTouched { job.clearFirstBlock() }
            target.abandon()
            throw Self.explain(error, target: target.name, touched: job.isTouched)
        }
    }

    /// What a failure means for the card.
    private static func explain(_ failure: Failure, target: String, touched: Bool) -> Failure {
        let state =
            touched
            ? "\(target) has no partition table now: it cannot be mistaken for a finished card"
            : "\(target) was not touched"
        let gone = [ENODEV, ENXIO, 123 /* ENOMEDIUM */].contains((failure.cause as? Errno)?.rawValue ?? 0)
        let message =
            gone ? "\(failure.message) (the card was taken out, or its reader fell off the bus)" : failure.message
        let next =
            switch failure.code {
            case .cancelled: "run the same command again to write it from the start"
            case .verifyMismatch: failure.hint ?? ""
            default: failure.hint ?? "try again; if it fails again, try another card or reader"
            }
        return Failure(
            failure.code, severity: failure.severity, "\(message); \(state)", hint: next, cause: failure.cause)
    }
}

private struct Job {
    let target: any CardTarget
    let image: any BlockStore
    let events: (CardEvent) -> Void
    let isCancelled: () -> Bool
    var isTouched = false
    private let buffer = AlignedBuffer(count: CardWriter.chunk)
    private let compared = AlignedBuffer(count: CardWriter.chunk)

    init(
        target: any CardTarget, image: any BlockStore, events: @escaping (CardEvent) -> Void,
        isCancelled: @escaping () -> Bool
    ) {
        self.target = target
        self.image = image
        self.events = events
        self.isCancelled = isCancelled
    }

    mutating func run() throws(Failure) -> Int64 {
        let first = 0..<min(CardWriter.firstBlock, image.size)
        let rest = first.upperBound..<image.size

        try checkCancelled()
        // 1.
        events(CardEvent(phase: .clearing, done: 0, total: first.upperBound))
        isTouched = true
        try zero(first)
        try zero(max(image.size, target.size - CardWriter.firstBlock)..<target.size)
        try target.synchronize()
        // 2.
        try forEachChunk(of: rest, phase: .writing) { range, bytes throws(Failure) in
            try target.write(bytes, at: range.lowerBound)
        }
        events(CardEvent(phase: .flushing, done: 0, total: rest.upperBound - rest.lowerBound))
        try target.synchronize()
        // 3.
        try target.dropCache()
        try forEachChunk(of: rest, phase: .verifying) { range, bytes throws(Failure) in try compare(bytes, at: range) }
        // 4.
        try forEachChunk(of: first, phase: .sealing) { range, bytes throws(Failure) in
            try target.write(bytes, at: range.lowerBound)
            try target.synchronize()
            try target.dropCache()
            try compare(bytes, at: range)
        }
        // 5.
        try target.seal()
        return image.size
    }

    /// Zeros the first block, as well as a failing card lets us.
    func clearFirstBlock() {
        try? zero(0..<min(CardWriter.firstBlock, target.size))
        try? target.synchronize()
    }

    private func zero(_ range: Range<Int64>) throws(Failure) {
        guard !range.isEmpty else { return }
        let zeros = AlignedBuffer(count: range.count)
        try target.write(
            UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(zeros.bytes)[..<range.count]), at: range.lowerBound)
    }

    private func forEachChunk(
        of range: Range<Int64>, phase: CardEvent.Phase,
        _ body: (Range<Int64>, UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let total = range.upperBound - range.lowerBound
        var offset = range.lowerBound
        events(CardEvent(phase: phase, done: 0, total: total))
        while offset < range.upperBound {
            try checkCancelled()
            let count = Int(min(Int64(CardWriter.chunk), range.upperBound - offset))
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
            try image.read(into: part, at: offset)
            try body(offset..<(offset + Int64(count)), UnsafeRawBufferPointer(part))
            offset += Int64(count)
            events(CardEvent(phase: phase, done: offset - range.lowerBound, total: total))
        }
    }

    private func compare(_ wanted: UnsafeRawBufferPointer, at range: Range<Int64>) throws(Failure) {
        let found = UnsafeMutableRawBufferPointer(rebasing: compared.bytes[..<wanted.count])
        try target.read(into: found, at: range.lowerBound)
        guard let a = wanted.baseAddress, let b = found.baseAddress, memcmp(a, b, wanted.count) != 0 else { return }
        var first: Int?
        var sectors: Set<Int> = []
        for index in 0..<wanted.count where wanted[index] != found[index] {
            if first == nil { first = index }
            sectors.insert(index / 512)
        }
        throw Failure(
            .verifyMismatch,
            "\(target.name) reads back differently from what was written, first at byte \(range.lowerBound + Int64(first ?? 0)) "
                + "(\(sectors.count) of \(wanted.count / 512) sectors there)",
            hint:
                "the card or its reader is bad, or the card is smaller than it says: try another reader, then another card"
        )
    }

    private func checkCancelled() throws(Failure) {
        if isCancelled() { throw Failure(.cancelled, "stopped") }
    }
}

extension Failure.Code {
    /// What was read back is not what was written.
    public static let verifyMismatch = Failure.Code("cards.verify-mismatch")
}
