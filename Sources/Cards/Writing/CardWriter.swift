import Host
package import Diagnostics
package import Storage
import SystemPackage

/// Writes one card so that it never looks finished before it is.
///
///  1. Write a sentinel to the first block, and zeros to the last one, where an old GPT has its backup. Flush, and read
///     both back: this finds a worn-out card that accepts writes and keeps nothing before the long write. From here on
///     the card has no partition table. With ``wipes``, zero everything that the image does not use.
///  2. If the card seems to hold the image already, read it and find what differs; otherwise everything counts as
///     different.
///  3. Write what differs after the first block, in ascending order. If the image was not finished, wait for its end
///     and write what that changed. Flush, and check the errors of all deferred writes.
///  4. Read all that was written back past the page cache, and compare. The sentinel must still be there: a card that
///     is smaller than it says has written over its beginning.
///  5. Write the first block without its head; flush, read back, compare.
///  6. Write the head, which holds the partition table; flush, read back, compare. It is one small write: a power cut
///     leaves the whole table, with everything it names already on the card, or no table.
///  7. Finalize: the kernel reads the new partition table, or a file gets its name.
///
/// If a step fails, or the user stops the run, a first block that may hold anything is cleared again.
package struct CardWriter {
    /// When a card is read and compared before it is written.
    package enum Comparison: Sendable {
        /// If a few places show that the card holds most of the image already.
        case automatic
        case always
        case never
    }

    /// What was done, in bytes.
    package struct Summary: Hashable, Sendable {
        /// Read from the card and found equal to the image.
        package var verified: Int64
        /// Written; the card held the rest already.
        package var written: Int64
    }

    /// What is written after everything else: 1 MiB holds the MBR, the GPT with all its entries and any boot code
    /// before the first partition, and is a multiple of every card's erase page.
    static let firstBlock: Int64 = 1 << 20
    /// What is written last: the sector with the MBR, without which a GPT is not valid either (UEFI 2.10, 5.2.3). More
    /// than one sector could be written only in part if the power fails.
    static let head: Int64 = 512

    let target: any CardTarget
    let image: any BlockStore
    let ranges: ByteRanges?
    let pending: PendingImage?
    let comparison: Comparison
    let wipes: Bool
    private let now: () -> ContinuousClock.Instant

    /// - Parameters:
    ///   - ranges: The bytes of the image that matter, or nil for all. The first block is always written whole.
    ///   - pending: The rest of an image that is still being unpacked.
    ///   - comparison: When to write only what differs. All bytes that matter are verified in any case.
    ///   - wipes: Whether to zero what the image does not use, inside it and after its end.
    ///   - now: The clock that spaces the events; replaced in tests.
    package init(
        target: any CardTarget, image: any BlockStore, ranges: ByteRanges? = nil, pending: PendingImage? = nil,
        comparison: Comparison = .automatic, wipes: Bool = false,
        now: @escaping () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.target = target
        self.image = image
        self.ranges = ranges
        self.pending = pending
        self.comparison = comparison
        self.wipes = wipes
        self.now = now
    }

    /// Writes, verifies and finalizes the card.
    ///
    /// If it throws, the failure says what is left on the card: no partition table, unless even clearing failed.
    ///
    /// - Parameter isCancelled: Called before each chunk, up to the last write.
    package func write(
        events: @escaping (CardEvent) -> Void, isCancelled: @escaping () -> Bool
    ) throws(Failure) -> Summary {
        let job = CardJob(self, pacer: EventPacer(now: now, send: events), isCancelled: isCancelled)
        do throws(Failure) {
            return try job.run()
        } catch {
            let isGone = !target.isPresent
            if error.code == .verifyMismatch { job.recheckFirstBlock() }
            if job.state == .unknown { job.clearAfterFailure() }
            target.abandon()
            throw Self.explain(error, target: target.name, state: job.state, isGone: isGone)
        }
    }

    /// The failure with what it means for the card, and what to do next.
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
        // What is usual for a disk is not what helps with a card.
        let ownHint = failure.hint == reason.flatMap(Failure.usualHint) ? nil : failure.hint
        let isRemoved = isGone || CardErrno.gone.contains { $0 == reason }
        guard isRemoved || reason == .ioError else {
            return Failure(
                failure.code, severity: failure.severity, "\(failure.message); \(left)",
                hint: ownHint ?? hint(failure.code), cause: failure.cause)
        }
        // A card that was pulled out of its reader can answer EIO for a while, just as a dying card does.
        let cause =
            isRemoved
            ? "the card was removed, or its reader was disconnected" : "the card was removed, or it or its reader fails"
        return Failure(
            isRemoved ? .cardRemoved : failure.code, severity: failure.severity,
            "\(failure.message) (\(cause)); \(left)",
            hint:
                "insert the card again and run the same command; if it fails again, try another reader, then another card",
            cause: failure.cause)
    }

    private static func hint(_ code: Failure.Code) -> String {
        code == .cancelled
            ? "run the same command again to write the card from the start"
            : "try again; if it fails again, try another card or reader"
    }
}

enum CardErrno {
    /// The errors of a device that is gone.
    static let gone: [Errno] = [.noSuchAddressOrDevice, .operationNotSupportedByDevice, .noMedium]
}

extension Failure.Code {
    /// The bytes read back are not those that were written.
    package static let verifyMismatch = Failure.Code("cards.verify-mismatch")
    /// The card was removed while it was written.
    package static let cardRemoved = Failure.Code("cards.removed")
}
