package import Diagnostics
package import Storage
import SystemPackage

/// Writes one card so that it never looks finished before it is.
///
///  1. Put a mark into the first block, and zeros into the last one where an old GPT keeps its backup; flush, and read
///     both back: a worn-out card that takes writes and keeps nothing shows here, before the long write. From here on the
///     card has no partition table. With ``wipes``, zero all that the image leaves out.
///  2. Where the card seems to hold the image already, read it and find what differs; else everything does.
///  3. Write what differs behind the first block, in ascending order. Where the image was not finished, wait for its end,
///     and write what that changes. Flush, with the error of every deferred write checked.
///  4. Read all that was written back past the page cache, and compare. The mark must still be there: a card that is
///     smaller than it says has written over its beginning.
///  5. Write the first block but for its head; flush, read back, compare.
///  6. Write the head, which holds the partition table; flush, read back, compare. It is one small write: a power cut
///     leaves the whole table, with everything it names already on the card, or none.
///  7. Seal: the kernel reads the new partition table, or a file gets its name.
///
/// When a step fails, or the user stops it, a first block that may hold anything is cleared again.
package struct CardWriter {
    /// When a card is read and compared before it is written.
    package enum Comparison: Sendable {
        /// Where a few places tell that most of the image is there already.
        case automatic
        case always
        case never
    }

    /// What was done; in bytes.
    package struct Summary: Hashable, Sendable {
        /// Read from the card and found to be the image's.
        package var verified: Int64
        /// Written; the rest was there.
        package var written: Int64
    }

    /// What is held back: 1 MiB holds the MBR, the GPT with all its entries, and whatever boot code precedes the first
    /// partition, and is a multiple of every card's erase page.
    static let firstBlock: Int64 = 1 << 20
    /// What is written last: the one sector with the MBR, without which a GPT is none either (UEFI 2.10, 5.2.3). A sector
    /// is the most that a power cut leaves whole.
    static let head: Int64 = 512

    let target: any CardTarget
    let image: any BlockStore
    let ranges: ByteRanges?
    let unfinished: UnfinishedImage?
    let comparison: Comparison
    let wipes: Bool
    private let now: () -> ContinuousClock.Instant

    /// - Parameters:
    ///   - ranges: The bytes of the image that matter, or nil for all. The first block is always written whole.
    ///   - unfinished: What is to come of an image that is still being made.
    ///   - comparison: When to write only what differs. Either way all bytes that matter are proved.
    ///   - wipes: Whether what the image leaves out, in it and behind it, is zeroed.
    ///   - now: The clock that spaces the events; the real one but for tests.
    package init(
        target: any CardTarget, image: any BlockStore, ranges: ByteRanges? = nil, unfinished: UnfinishedImage? = nil,
        comparison: Comparison = .automatic, wipes: Bool = false,
        now: @escaping () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.target = target
        self.image = image
        self.ranges = ranges
        self.unfinished = unfinished
        self.comparison = comparison
        self.wipes = wipes
        self.now = now
    }

    /// Writes, verifies and seals the card.
    ///
    /// When it throws, the failure says what is left on the card: no partition table, but where even clearing failed.
    ///
    /// - Parameter isCancelled: Asked before every chunk, up to the last write.
    package func write(
        events: @escaping (CardEvent) -> Void, isCancelled: @escaping () -> Bool
    ) throws(Failure) -> Summary {
        let job = CardJob(self, pacer: EventPacer(now: now, send: events), isCancelled: isCancelled)
        do throws(Failure) {
            return try job.run()
        } catch {
            let isGone = !target.isPresent
            if error.code == .verifyMismatch { job.doubtFirstBlock() }
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
    package static let verifyMismatch = Failure.Code("cards.verify-mismatch")
    /// The card went away while it was written.
    package static let cardRemoved = Failure.Code("cards.removed")
}
