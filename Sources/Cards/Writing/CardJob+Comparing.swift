import Diagnostics
import Storage
import Synchronization

/// Writing only what differs, to a card that holds most of the image already.
///
/// All bytes of the image are compared with the card, those that differ are written, and only those are read again.
/// That proves as much as writing and reading everything: each byte was read from the medium and found right, the
/// unchanged ones before the writes, the changed ones after. A successful write can spoil what was read before only if
/// the card is smaller than it says: there addresses wrap, and one write reaches two places. So it is checked that no
/// address in question wraps. The first block holds a sentinel of this run, and a card that wraps after c bytes shows
/// it again from c to c + 1 MiB. No gap of the image hides that much: in a gap, one page of each MiB is read too.
extension CardJob {
    /// The unit of writing if anything in it differs, aligned to its multiples: whole flash pages of any card, which it
    /// would have to copy otherwise, and not much more than what differs.
    static let unit: Int64 = 64 << 10
    /// How many places are read to decide whether to compare; that takes some tens of milliseconds.
    static let samples = 32
    /// How much is compared before comparing can be given up.
    static let trial: Int64 = 32 << 20

    /// Whether the card seems to hold most of `body` already, judging by a few places, always the same ones. In an
    /// pending image they are in the available part, so nothing waits.
    ///
    /// Comparing costs one read of everything, and saves the write and the second read of what is equal. On a card that
    /// reads at least as fast as it writes, that pays until half of it or more differs.
    func looksWritten(_ body: ByteRanges) throws(Failure) -> Bool {
        let body = pending.map { body.clamped(to: 0..<$0.available() / Self.sector * Self.sector) } ?? body
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

    /// Reads all of `body` from the card and finds what must be written, and what must be read back after that.
    ///
    /// - Parameter givesUp: Whether to stop comparing and write the rest if more than half differs.
    func compare(_ body: ByteRanges, sentinel: CardSentinel, givesUp: Bool) throws(Failure) -> Work {
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
                    guard !sentinel.isFound(in: found) else {
                        throw Failure(
                            .verifyMismatch,
                            "\(target.name) is smaller than it says: near byte \(place.lowerBound) it repeats its beginning",
                            hint: "the card is counterfeit: use another one")
                    }
                    differences.insert(place, found, wanted)
                }
            })
        let unequal = differences.ranges.subtracting(probes.subtracting(body))
        guard let stop else { return Work(body: body, unwritten: unequal, unproved: unequal) }
        // The gaps of the rest were not probed: everything is read back, as after writing it all.
        return Work(
            body: body, unwritten: unequal.union(body.clamped(to: stop..<max(stop, target.size))), unproved: body)
    }
}

/// The differences found so far by all threads.
private final class Differences: Sendable {
    private let state = Mutex((ranges: ByteRanges(), count: Int64(0)))

    var ranges: ByteRanges { state.withLock { $0.ranges } }
    /// In bytes.
    var count: Int64 { state.withLock { $0.count } }

    /// Adds the units of `place` in which `found` differs from `wanted`.
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
        // How many bytes of the set are before the current range.
        var before: Int64 = 0
        var number: Int64 = 0
        for range in ranges {
            let size = range.upperBound - range.lowerBound
            while number < Int64(count) {
                // In the middle of its part; the product does not overflow below 2⁵² bytes.
                let position = total * (2 * number + 1) / (2 * Int64(count))
                guard position < before + size else { break }
                let start = range.lowerBound + (position - before) / CardJob.sector * CardJob.sector
                // A small set has fewer places than requested.
                if start >= result.last?.upperBound ?? 0 {
                    result.append(start..<Swift.min(start + length, range.upperBound))
                }
                number += 1
            }
            before += size
        }
        return result
    }

    /// Pages in the gaps of the set, from `start` to its end: together, set and pages leave no gap of 1 MiB.
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
