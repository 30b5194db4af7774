import Diagnostics
import Storage
import Synchronization

/// Writing only what differs, to a card that holds most of the image already.
///
/// All of the image's bytes are read and compared, then those that differ are written, and only those are read again.
/// That proves as much as writing and reading everything: every byte was read from the medium and found right, the
/// unchanged ones before the writes, the changed ones after. A write that goes well could only spoil what was read before
/// on a card that is smaller than it says: there addresses wrap, and one write lands in two places. So it is made sure
/// that no address in question wraps. The first block holds a mark of this run, and a card that wraps after c bytes shows
/// it again from c to c + 1 MiB. That much is never passed over: in a gap of the image, a page of each MiB is read too.
extension CardJob {
    /// What is written where anything in it differs, cut at its multiples: whole pages of any card's flash, which the
    /// card would have to copy otherwise, and little beside what differs.
    static let unit: Int64 = 64 << 10
    /// How many places tell whether to compare; that takes some tens of milliseconds.
    static let samples = 32
    /// How much is compared before the rest can be given up.
    static let trial: Int64 = 32 << 20

    /// Whether most of what `body` wants is there, as far as a few places, always the same ones, tell. Of an unfinished image
    /// they are in what is there: nothing waits for them.
    ///
    /// Comparing costs one read of everything, and saves the write, and the second read, of what is equal. On a card that
    /// reads at least as fast as it writes that pays until half of it differs, or more.
    func looksWritten(_ body: ByteRanges) throws(Failure) -> Bool {
        let body = unfinished.map { body.clamped(to: 0..<$0.available() / Self.sector * Self.sector) } ?? body
        var (same, different) = (0, 0)
        for place in body.places(max(4, min(Self.samples, Int(body.count / (Self.unit * 128)))), length: Self.unit) {
            try checkCancelled()
            let wanted = scratch(place.count)
            try image.read(into: wanted, at: place.lowerBound)
            // An empty card has zeros too.
            guard !UnsafeRawBufferPointer(wanted).isAllZero else { continue }
            if try read(place).isEqual(to: UnsafeRawBufferPointer(wanted)) { same += 1 } else { different += 1 }
        }
        return same > different
    }

    /// Reads all of `body`; tells what of it has to be written, and what has to be read back after that.
    ///
    /// - Parameter givesUp: Whether to stop comparing, and write the rest as it is, when more than half differs.
    func compare(_ body: ByteRanges, mark: CardMark, givesUp: Bool) throws(Failure) -> Work {
        let (target, image) = (target, image)
        let probes = body.gapProbes(from: CardWriter.firstBlock)
        let all = body.union(probes)
        let total = all.count
        let differences = Differences()
        var done: Int64 = 0
        report(.comparing, 0, total)
        let stop = try CardPipeline.run(
            chunks(of: all), pace: pace,
            goesOn: { () throws(Failure) in
                try checkCancelled()
                return !givesUp || done < Self.trial || differences.count <= done / 2
            },
            didFinish: {
                done += Int64($0)
                report(.comparing, done, total)
            },
            work: { lane, range throws(Failure) in
                try lane.compare(range, of: target, with: image) { place, found, wanted throws(Failure) in
                    guard !found.isEqual(to: wanted) else { return }
                    guard !mark.isFound(in: found) else {
                        throw Failure(
                            .verifyMismatch,
                            "\(target.name) is smaller than it says: near byte \(place.lowerBound) it shows its beginning",
                            hint: "the card is counterfeit: use another one")
                    }
                    differences.insert(place, found, wanted)
                }
            })
        let unequal = differences.ranges.subtracting(probes.subtracting(body))
        guard let stop else { return Work(body: body, unwritten: unequal, unproved: unequal) }
        // The gaps of the rest have not been looked into: everything is read back, as after writing it all.
        return Work(
            body: body, unwritten: unequal.union(body.clamped(to: stop..<max(stop, target.size))), unproved: body)
    }
}

/// What differs so far, from all threads.
private final class Differences: Sendable {
    private let state = Mutex((ranges: ByteRanges(), count: Int64(0)))

    var ranges: ByteRanges { state.withLock { $0.ranges } }
    /// In bytes.
    var count: Int64 { state.withLock { $0.count } }

    /// Adds the units of `place` in which `found` is not what is wanted.
    func insert(_ place: Range<Int64>, _ found: UnsafeRawBufferPointer, _ wanted: UnsafeRawBufferPointer) {
        for unit in place.pieces(of: CardJob.unit) {
            let part = Int(unit.lowerBound - place.lowerBound)..<Int(unit.upperBound - place.lowerBound)
            let isEqual = UnsafeRawBufferPointer(rebasing: found[part]).isEqual(
                to: UnsafeRawBufferPointer(rebasing: wanted[part]))
            if isEqual { continue }
            state.withLock {
                $0.ranges.insert(unit)
                $0.count += Int64(unit.count)
            }
        }
    }
}

extension ByteRanges {
    /// At most `count` places of at most `length` bytes, evenly spread over the set, always the same.
    ///
    /// The set consists of whole sectors, and so do the places.
    func places(_ count: Int, length: Int64) -> [Range<Int64>] {
        let total = self.count
        var result: [Range<Int64>] = []
        // How many bytes of the set lie before the current range.
        var before: Int64 = 0
        var number: Int64 = 0
        for range in ranges {
            let size = range.upperBound - range.lowerBound
            while number < Int64(count) {
                // In the middle of its part; no product overflows below 2⁵² bytes.
                let position = total * (2 * number + 1) / (2 * Int64(count))
                guard position < before + size else { break }
                let start = range.lowerBound + (position - before) / CardJob.sector * CardJob.sector
                // Small sets have fewer places than were asked for.
                if start >= result.last?.upperBound ?? 0 {
                    result.append(start..<Swift.min(start + length, range.upperBound))
                }
                number += 1
            }
            before += size
        }
        return result
    }

    /// Pages in the gaps of the set, from `start` to its end, so that set and pages leave nowhere 1 MiB out.
    func gapProbes(from start: Int64) -> ByteRanges {
        let page: Int64 = 4096
        var probes = ByteRanges()
        guard let end = ranges.last?.upperBound, start < end else { return probes }
        for gap in ByteRanges([start..<end]).subtracting(self).ranges {
            var place = gap.lowerBound + CardWriter.firstBlock - page
            while place < gap.upperBound {
                probes.insert(place..<Swift.min(place + page, gap.upperBound))
                place += CardWriter.firstBlock
            }
        }
        return probes
    }
}
