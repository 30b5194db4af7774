import Diagnostics
import Storage
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Cards

/// Writing only what differs.
@Suite struct ComparingTests {
    private let image = Sample.noise
    private let size = 8 << 20

    /// A card that holds the image, but for the bytes at `places`.
    private func written(_ image: [UInt8], differingAt places: [Int] = [], size: Int = 8 << 20) -> [UInt8] {
        var bytes = image + [UInt8](repeating: 0xE7, count: size - image.count)
        for place in places { bytes[place] ^= 0xFF }
        return bytes
    }

    private func writes(_ disk: FakeDisk) -> [Range<Int64>] {
        disk.log.compactMap { if case .write(let range) = $0 { range } else { nil } }
    }

    /// What a plain run leaves on the same card.
    private func plain(_ card: [UInt8], _ image: [UInt8], _ ranges: ByteRanges?) throws -> [UInt8] {
        let disk = FakeDisk(card)
        try write(image, to: disk, ranges: ranges, comparison: .never)
        return disk.medium
    }

    @Test func `a card that holds the image is read once, and only its first and last block are written`() throws {
        let disk = FakeDisk(written(image))
        let summary = try write(image, to: disk)
        #expect(summary == CardWriter.Summary(verified: Int64(image.count), written: 1 << 20))
        let ends = [0..<1 << 20, (7 << 20)..<(8 << 20) as Range<Int64>]
        #expect(writes(disk).allSatisfy { write in ends.contains { $0.clamped(to: write) == write } })
        #expect(disk.violations == [])
        #expect(Array(disk.medium[..<image.count]) == image)
        // Sampling reads at most 256 KiB of it twice.
        let read = disk.log.reduce(0) { if case .read(let range) = $1 { $0 + range.count } else { $0 } }
        #expect(read < image.count + (5 << 20))
    }

    @Test func `random differences are found, and the card is as after a plain run`() throws {
        var random = SplitMix64(seed: 21)
        for round in 0..<24 {
            let image = Sample.image((6 << 20) + Int.random(in: 0..<4000, using: &random), seed: UInt64(round))
            var places = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                Int.random(in: 0..<image.count, using: &random)
            }
            places += [image.count - 1, 1 << 20].shuffled(using: &random).prefix(round % 3)
            let card = written(image, differingAt: places)
            var ranges: ByteRanges?
            if round % 2 == 1 {
                ranges = ByteRanges(
                    (0..<30).map { _ in
                        let start = Int64.random(in: 0..<Int64(image.count), using: &random)
                        return start..<min(start + Int64.random(in: 1...300_000, using: &random), Int64(image.count))
                    })
            }
            let disk = FakeDisk(card)
            let summary = try write(image, to: disk, ranges: ranges, comparison: .always)
            #expect(disk.medium == (try plain(card, image, ranges)), "round \(round)")
            #expect(disk.violations == [])
            // The padding of the last sector differs from the old owner's bytes too.
            let ends = image.count % 512 == 0 ? [] : [image.count]
            let units = Set((places + ends).filter { $0 >= 1 << 20 }.map { $0 >> 16 })
            #expect(summary.written <= Int64(1 << 20) + Int64(units.count << 16))
        }
    }

    @Test func `what is written is ascending, and every byte is read at its last state`() throws {
        for comparison in [CardWriter.Comparison.always, .never] {
            let disk = FakeDisk(written(image, differingAt: [2 << 20, 3 << 20, (5 << 20) + 77]))
            let ranges = ByteRanges([(1 << 20) + 512..<(4 << 20) + 1024, (9 << 19)..<(11 << 19)])
            try write(image, to: disk, ranges: ranges, comparison: comparison)
            let body = writes(disk).filter { $0.lowerBound >= 1 << 20 && $0.lowerBound < 7 << 20 }
            #expect(body.count >= 3)
            var unread = ranges.union(ByteRanges([0..<1 << 20]))
            for operation in disk.log {
                switch operation {
                case .write(let range): unread.insert(range)
                case .read(let range): unread.remove(range)
                default: break
                }
            }
            #expect(unread.isEmpty)
        }
    }

    @Test func `sampling decides: an old owner's card is written, one with the image compared`() throws {
        var events: [CardEvent.Phase] = []
        func phases(_ card: [UInt8], _ comparison: CardWriter.Comparison, isBlank: Bool = false) throws -> Bool {
            events = []
            let disk = FakeDisk(card, isBlank: isBlank)
            _ = try CardWriter(target: disk, image: MemoryStore(image), comparison: comparison).write(
                events: { events.append($0.phase) }, isCancelled: { false })
            return events.contains(.comparing)
        }
        #expect(try !phases(Sample.old(size), .automatic))
        #expect(try !phases([UInt8](repeating: 0, count: size), .automatic))
        #expect(try phases(written(image), .automatic))
        #expect(try !phases(written(image), .automatic, isBlank: true))
        #expect(try !phases(written(image), .never))
        #expect(try phases(Sample.old(size), .always))
    }

    @Test func `an image of zeros on an empty card does not pass for one that is there`() throws {
        let zeros = Sample.old(512) + [UInt8](repeating: 0, count: 6 << 20)
        var phases: Set<CardEvent.Phase> = []
        _ = try CardWriter(target: FakeDisk([UInt8](repeating: 0, count: size)), image: MemoryStore(zeros)).write(
            events: { phases.insert($0.phase) }, isCancelled: { false })
        #expect(!phases.contains(.comparing))
    }

    @Test func `when most differs after all, the rest is written as it is and everything is read back`() throws {
        let image = Sample.image(80 << 20, seed: 8)
        // Right in the places where sampling looks, wrong everywhere else.
        let body = ByteRanges([1 << 20..<Int64(image.count)])
        var card = Sample.old(96 << 20)
        for place in body.places(32, length: CardJob.unit) {
            card.replaceSubrange(Int(place.lowerBound)..<Int(place.upperBound), with: image[place])
        }
        for place in body.places(9, length: CardJob.unit) {
            card.replaceSubrange(Int(place.lowerBound)..<Int(place.upperBound), with: image[place])
        }
        let disk = FakeDisk(card)
        var verified: Int64 = 0
        var compared: Int64 = 0
        // A clock that lets every event through.
        var clock = ContinuousClock.now
        let summary = try CardWriter(
            target: disk, image: MemoryStore(image),
            now: {
                clock = clock.advanced(by: .seconds(1))
                return clock
            }
        ).write(
            events: {
                if $0.phase == .verifying { verified = $0.total }
                if $0.phase == .comparing { compared = $0.done }
            }, isCancelled: { false })
        #expect(compared >= CardJob.trial && compared < 64 << 20)
        #expect(verified == body.count)
        #expect(summary.written > 70 << 20)
        #expect(disk.medium.starts(with: image))
    }

    @Test func `places are spread over the set, sector by sector, and gaps are never passed over`() {
        var random = SplitMix64(seed: 4)
        for _ in 0..<200 {
            let set = ByteRanges(
                (0..<Int.random(in: 1...6, using: &random)).map { _ in
                    let start = Int64.random(in: 2048..<100_000, using: &random)
                    return start * 512..<(start + Int64.random(in: 1...9000, using: &random)) * 512
                })
            let places = set.places(32, length: CardJob.unit)
            #expect(places.count <= 32 && !places.isEmpty)
            #expect(places.allSatisfy { $0.lowerBound % 512 == 0 && $0.upperBound % 512 == 0 })
            #expect(ByteRanges(places).subtracting(set).isEmpty)
            #expect(ByteRanges(places).count == places.reduce(0) { $0 + Int64($1.count) }, "they do not overlap")
            let read = set.union(set.gapProbes(from: 1 << 20))
            let end = set.ranges.last?.upperBound ?? 0
            for gap in ByteRanges([1 << 20..<end]).subtracting(read).ranges { #expect(gap.count < 1 << 20) }
        }
    }
}
