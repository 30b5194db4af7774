import Diagnostics
import Storage
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Cards

/// Cards that fail, lie or lose power, in both ways of writing.
@Suite struct CardFaultTests {
    enum Way: CaseIterable {
        case plain, comparing

        var comparison: CardWriter.Comparison { self == .plain ? .never : .always }

        /// For comparing, a card that holds the image but for a few bytes, so that all steps have something to do.
        var card: [UInt8] {
            guard self == .comparing else { return Sample.old(8 << 20) }
            var bytes = Sample.noise + [UInt8](repeating: 0xE7, count: (8 << 20) - Sample.noise.count)
            for place in [1 << 20, 3 << 20, (5 << 20) + 1000, Sample.noise.count - 1] { bytes[place] ^= 1 }
            return bytes
        }
    }

    private func fails(_ way: Way, _ faults: [FakeDisk.Fault], ranges: ByteRanges? = nil) -> (FakeDisk, Failure?) {
        let disk = FakeDisk(way.card, faults: faults)
        return (disk, outcome(Sample.noise, to: disk, ranges: ranges, comparison: way.comparison))
    }

    @Test(arguments: Way.allCases)
    func `whichever operation fails, or whichever write breaks off, that is reported and no table is left`(way: Way)
        throws
    {
        let rehearsal = FakeDisk(way.card)
        try write(Sample.noise, to: rehearsal, comparison: way.comparison)
        for number in rehearsal.log.indices {
            for fault in [FakeDisk.Fault.fails(at: number, .ioError), .tears(at: number)] {
                let (disk, failure) = fails(way, [fault])
                // The order of operations differs a little from the rehearsal's, so a read may be where a write was.
                if case .tears = fault, failure == nil { continue }
                let reason = try #require(failure, "operation \(number)")
                #expect(reason.message.contains("operation \(number) of"), "\(reason)")
                #expect(!disk.medium.hasPartitionTable, "operation \(number)")
                #expect(disk.violations == [] && disk.isAbandoned && !disk.isFinalized)
            }
        }
    }

    @Test(arguments: Way.allCases)
    func `a write that breaks off is always reported`(way: Way) throws {
        // With one transfer at a time the order of operations is always the same.
        let narrow = DeviceQueue(largestRequest: 120 << 10, requests: 2, preferredLength: 0)
        let rehearsal = FakeDisk(way.card, queue: narrow)
        try write(Sample.noise, to: rehearsal, comparison: way.comparison)
        for (number, operation) in rehearsal.log.enumerated() {
            guard case .write = operation else { continue }
            let disk = FakeDisk(way.card, faults: [.tears(at: number)], queue: narrow)
            #expect(outcome(Sample.noise, to: disk, comparison: way.comparison) != nil, "operation \(number)")
            #expect(!disk.medium.hasPartitionTable)
        }
    }

    @Test(arguments: Way.allCases)
    func `one wrong bit anywhere is found`(way: Way) {
        var random = SplitMix64(seed: 33)
        let places =
            [0, 511, 512, 1 << 20, (2 << 20) - 1, 3 << 20, Sample.noise.count - 1]
            + (0..<12).map { _ in Int.random(in: 0..<Sample.noise.count, using: &random) }
        for place in places {
            var card = way.card
            // The bit is stuck, and was when the card was last written.
            card[place] = Sample.noise[place] ^ 0x10
            let disk = FakeDisk(card, faults: [.flips(byte: Int64(place))])
            #expect(outcome(Sample.noise, to: disk, comparison: way.comparison)?.code == .verifyMismatch)
            #expect(!disk.medium.hasPartitionTable && !disk.isFinalized, "byte \(place)")
        }
    }

    @Test(arguments: Way.allCases)
    func `a card that drops writes from any moment on is found`(way: Way) throws {
        let rehearsal = FakeDisk(way.card)
        try write(Sample.noise, to: rehearsal, comparison: way.comparison)
        for (number, operation) in rehearsal.log.enumerated() {
            guard case .write = operation else { continue }
            let (disk, failure) = fails(way, [.dropsWrites(from: number)])
            #expect(failure?.code == .verifyMismatch, "operation \(number)")
            #expect(!disk.isFinalized)
        }
    }

    @Test(arguments: Way.allCases)
    func `a counterfeit of any capacity is found, or the image fits it`(way: Way) {
        var random = SplitMix64(seed: 5)
        let sizes = [1 << 20, (1 << 20) + 512, 2 << 20, 3 << 20, 4 << 20, 6 << 20, Sample.noise.count - 512]
        for capacity in sizes + (0..<12).map({ _ in Int.random(in: 2048..<12_000, using: &random) * 512 }) {
            // The medium of such a card holds what was written last, wherever that was.
            let disk = FakeDisk(way.card, faults: [.wraps(at: Int64(capacity))])
            let failure = outcome(Sample.noise, to: disk, comparison: way.comparison)
            #expect(failure?.code == .verifyMismatch, "capacity \(capacity)")
            #expect(!disk.isFinalized)
        }
    }

    /// Its first block is written over by what comes one capacity later: here, a boot sector.
    @Test(arguments: Way.allCases)
    func `a counterfeit that was found shows no boot sector where its table was`(way: Way) {
        for capacity in [2 << 20, 3 << 20, (4 << 20) + 512] {
            var image = Sample.noise
            image.replaceSubrange(capacity + 510..<capacity + 512, with: [0x55, 0xAA])
            let disk = FakeDisk(way.card, faults: [.wraps(at: Int64(capacity))])
            let failure = outcome(image, to: disk, comparison: way.comparison)
            #expect(failure?.code == .verifyMismatch, "capacity \(capacity)")
            #expect(failure?.message.contains("has no partition table now") == true)
            #expect(!disk.medium.hasPartitionTable, "capacity \(capacity)")
            #expect(disk.violations == [] && disk.isAbandoned)
        }
    }

    /// Two ranges of the image lie just one capacity apart and want the same bytes but for one sector, so that comparing
    /// finds almost everything right; whatever it says, the card must hold the image in the end.
    @Test(arguments: Way.allCases)
    func `on a counterfeit whose copies look right no wrong byte is finalized`(way: Way) {
        var random = SplitMix64(seed: 77)
        for round in 0..<40 {
            let capacity = Int.random(in: 2100..<6000, using: &random) * 512
            var image = Sample.noise
            let end = image.count
            // The image repeats with the card's own period, also where that is the (cleared) first block.
            for place in capacity..<end { image[place] = image[place - capacity] }
            let changed = Int.random(in: capacity / 512..<end / 512, using: &random) * 512
            if round % 2 == 0 {
                image.replaceSubrange(changed..<changed + 512, with: [UInt8](repeating: 3, count: 512))
            }
            // Only some of it is in use.
            let ranges = ByteRanges(
                (0..<12).map { _ in
                    let start = Int64.random(in: 0..<Int64(end), using: &random) / 512 * 512
                    return start..<min(start + Int64.random(in: 1...2000, using: &random) * 512, Int64(end))
                })
            let disk = FakeDisk(
                image + [UInt8](repeating: 0xE7, count: (8 << 20) - end), faults: [.wraps(at: Int64(capacity))])
            let failure = outcome(image, to: disk, ranges: ranges, comparison: way.comparison)
            guard failure == nil else { continue }
            let medium = disk.medium
            for range in ranges.union(ByteRanges([0..<1 << 20])).ranges {
                var held: [UInt8] = []
                while held.count < range.count {
                    let place = (Int(range.lowerBound) + held.count) % capacity
                    held += medium[place..<min(place + range.count - held.count, capacity)]
                }
                #expect(held[...] == image[range], "round \(round), capacity \(capacity), \(range)")
            }
        }
    }

    /// Comparing finds both copies right but for one sector; writing that spoils the other copy, and it is not read again.
    @Test(arguments: Way.allCases)
    func `on a counterfeit no write spoils what was compared before`(way: Way) {
        var random = SplitMix64(seed: 78)
        for round in 0..<20 {
            let capacity = Int64.random(in: 4608..<5632, using: &random) * 512
            // One capacity apart, and neither is where the first block shows again.
            let length: Int64 = 256 << 10
            let low = Int64.random(in: 2048..<2300, using: &random) * 512
            var image = Sample.noise
            let high = low + capacity
            image.replaceSubrange(Int(high)..<Int(high + length), with: image[low..<low + length])
            let changed = Int(high) + Int.random(in: 0..<512, using: &random) * 512
            image.replaceSubrange(changed..<changed + 512, with: [UInt8](repeating: 3, count: 512))
            var card = image + [UInt8](repeating: 0xE7, count: (8 << 20) - image.count)
            card.replaceSubrange(Int(low)..<Int(low + length), with: Sample.noise[low..<low + length])
            let disk = FakeDisk(card, faults: [.wraps(at: capacity)])
            let failure = outcome(
                image, to: disk, ranges: ByteRanges([low..<low + length, high..<high + length]),
                comparison: way.comparison)
            #expect(failure?.code == .verifyMismatch, "round \(round), capacity \(capacity)")
            #expect(!disk.isFinalized)
        }
    }

    /// Each flush divides the writes: those before it are on the medium, of those behind it any sectors may be, written
    /// in any order.
    @Test(arguments: Way.allCases)
    func `power that fails at any moment leaves the whole card or no partition table`(way: Way) throws {
        let rehearsal = FakeDisk(way.card)
        try write(Sample.noise, to: rehearsal, comparison: way.comparison)
        var medium = way.card
        var random = SplitMix64(seed: 9)
        for (number, epoch) in rehearsal.epochs.enumerated() {
            for _ in 0..<6 {
                var cut = medium
                for write in epoch.writes.shuffled(using: &random) {
                    for start in stride(from: 0, to: write.bytes.count, by: 512) where random.next() & 1 == 0 {
                        cut.replaceSubrange(
                            write.offset + start..<write.offset + start + 512, with: write.bytes[start..<start + 512])
                    }
                }
                // Before the first flush the old table may still be there.
                if number > 0, cut.hasPartitionTable {
                    #expect(cut.starts(with: Sample.noise), "between flushes \(number) and \(number + 1)")
                    #expect(number == rehearsal.epochs.count - 1)
                }
            }
            for write in epoch.writes {
                medium.replaceSubrange(write.offset..<write.offset + write.bytes.count, with: write.bytes)
            }
        }
        #expect(medium == rehearsal.medium && medium.hasPartitionTable)
    }

    @Test func `the failure of the earliest chunk is reported, not one that it caused`() throws {
        struct Torn: BlockStore {
            let size: Int64 = 64 << 20
            let name = "torn.img"
            func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
                buffer.initializeMemory(as: UInt8.self, repeating: 1)
                if offset >= 20 << 20 { throw Failure(.system, "torn.img at \(offset >> 21)") }
            }
        }
        for _ in 0..<20 {
            let disk = FakeDisk(Sample.old(64 << 20))
            let failure = #expect(throws: Failure.self) {
                try CardWriter(target: disk, image: Torn(), comparison: .never).write(
                    events: { _ in }, isCancelled: { false })
            }
            #expect(failure?.message.hasPrefix("torn.img at 10;") == true)
        }
    }

    @Test func `a slow queue gets one chunk at a time, a deep one two, in ascending order`() throws {
        #expect(Pace(DeviceQueue(largestRequest: 120 << 10, requests: 2, preferredLength: 0)).inFlight == 1)
        #expect(Pace(DeviceQueue(largestRequest: 512 << 10, requests: 64, preferredLength: 0)).inFlight == 2)
        #expect(Pace(nil).inFlight == 2)
        #expect(
            Pace(DeviceQueue(largestRequest: 1 << 20, requests: 64, preferredLength: 33_553_920)).chunk == Pace.chunk)
        #expect(
            Pace(DeviceQueue(largestRequest: 1 << 20, requests: 64, preferredLength: 768 << 10)).chunk == 1536 << 10)
        let disk = FakeDisk(
            Sample.old(32 << 20), queue: DeviceQueue(largestRequest: 120 << 10, requests: 2, preferredLength: 0))
        try write(Sample.image(30 << 20, seed: 3), to: disk)
        let offsets = disk.log.compactMap { operation -> Int64? in
            if case .write(let range) = operation, range.lowerBound >= 1 << 20, range.upperBound < 31 << 20 {
                range.lowerBound
            } else {
                nil
            }
        }
        #expect(offsets.count == 15 && offsets == offsets.sorted())
    }
}
