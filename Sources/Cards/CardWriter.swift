public import Diagnostics
public import Storage
import SystemPackage

/// Writes one card so that it never looks finished before it is.
///
///  1. Clear the first block, and the last one where an old GPT keeps its backup; flush, and read both back: a worn-out
///     card that takes writes and keeps nothing shows here, before the long write. From here on the card has no
///     partition table.
///  2. Write everything behind the first block; flush, with the error of every deferred write checked.
///  3. Read all of it back past the page cache, and compare.
///  4. Write the first block but for its head; flush, read back, compare.
///  5. Write the head, which holds the partition table; flush, read back, compare. It is one small write: a power cut
///     leaves the whole table, with everything it names already on the card, or none.
///  6. Seal: the kernel reads the new partition table, or a file gets its name.
///
/// When a step fails, or the user stops it, a first block that may hold anything is cleared again.
public struct CardWriter {
    /// What is held back: 1 MiB holds the MBR, the GPT with all its entries, and whatever boot code precedes the first
    /// partition, and is a multiple of every card's erase page.
    static let firstBlock: Int64 = 1 << 20
    /// What is written last: the one sector with the MBR, without which a GPT is none either (UEFI 2.10, 5.2.3). A sector
    /// is the most that a power cut leaves whole.
    static let head: Int64 = 512
    /// Large enough that a card writes at its full rate, small enough to cost nothing.
    static let chunk = 4 << 20

    private let target: any CardTarget
    private let image: any BlockStore
    private let ranges: ByteRanges?
    private let now: () -> ContinuousClock.Instant

    /// - Parameters:
    ///   - ranges: The bytes of the image that matter, or nil for all. The first block is always written whole.
    ///   - now: The clock that spaces the events; the real one but for tests.
    public init(
        target: any CardTarget, image: any BlockStore, ranges: ByteRanges? = nil,
        now: @escaping () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.target = target
        self.image = image
        self.ranges = ranges
        self.now = now
    }

    /// Writes, verifies and seals the card; returns how many bytes of the image were written and read back.
    ///
    /// When it throws, the failure says what is left on the card: no partition table, but where even clearing failed.
    ///
    /// - Parameter isCancelled: Asked before every chunk, up to the last write.
    public func write(events: @escaping (CardEvent) -> Void, isCancelled: @escaping () -> Bool) throws(Failure) -> Int64
    {
        let job = CardJob(
            target: target, image: image, ranges: ranges, pacer: EventPacer(now: now, send: events),
            isCancelled: isCancelled)
        do throws(Failure) {
            return try job.run()
        } catch {
            let isGone = !target.isPresent
            if job.state == .unknown { job.clearAfterFailure() }
            target.abandon()
            throw Self.explain(error, target: target.name, state: job.state, isGone: isGone)
        }
    }

    /// What a failure means for the card, and what to do next.
    private static func explain(
        _ failure: Failure, target: String, state: CardJob.FirstBlock, isGone: Bool
    ) -> Failure {
        let left =
            switch state {
            case .untouched: "\(target) was not touched"
            case .cleared: "\(target) has no partition table now: it cannot be mistaken for a finished card"
            case .unknown: "\(target) could not be cleared: do not use what is on it"
            }
        let reason = failure.cause as? Errno
        let isRemoved = isGone || CardErrno.gone.contains { $0 == reason }
        guard isRemoved || reason == .ioError else {
            return Failure(
                failure.code, severity: failure.severity, "\(failure.message); \(left)",
                hint: failure.hint ?? hint(failure.code), cause: failure.cause)
        }
        // A card pulled out of a reader that stays can answer EIO for a while, just as a dying one does.
        let cause =
            isRemoved
            ? "the card was removed, or its reader fell off the bus" : "the card was removed, or it or its reader fails"
        return Failure(
            isRemoved ? .cardRemoved : failure.code, severity: failure.severity,
            "\(failure.message) (\(cause)); \(left)",
            hint:
                "put the card in again and run the same command; if it fails again, try another reader, then another card",
            cause: failure.cause)
    }

    private static func hint(_ code: Failure.Code) -> String {
        code == .cancelled
            ? "run the same command again to write it from the start"
            : "try again; if it fails again, try another card or reader"
    }
}

enum CardErrno {
    /// ENOMEDIUM (asm-generic/errno.h), which swift-system does not name.
    static let noMedium = Errno(rawValue: 123)
    /// What a device answers that is not there any more.
    static let gone: [Errno] = [.noSuchAddressOrDevice, .operationNotSupportedByDevice, noMedium]
}

extension Failure.Code {
    /// What was read back is not what was written.
    public static let verifyMismatch = Failure.Code("cards.verify-mismatch")
    /// The card went away while it was written.
    public static let cardRemoved = Failure.Code("cards.removed")
}
