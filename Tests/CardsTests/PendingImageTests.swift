import Diagnostics
import Storage
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Cards

/// Cards that are written while their image is still being made.
@Suite struct PendingImageTests {
    private let size = 8 << 20

    /// Noise, but for what shows only at the end.
    private func draft(changed places: [Int]) -> [UInt8] {
        var bytes = Sample.noise
        for place in places { bytes[place] ^= 0x55 }
        return bytes
    }

    private func write(
        _ draft: [UInt8], _ ranges: ByteRanges?, finally finished: PendingImage.Finished, to disk: FakeDisk,
        comparison: CardWriter.Comparison = .never, wipes: Bool = false, available: Int64 = .max,
        atEnd: @escaping () throws(Failure) -> Void = { () throws(Failure) in }
    ) throws(Failure) -> CardWriter.Summary {
        try CardWriter(
            target: disk, image: MemoryStore(draft), ranges: ranges,
            pending: PendingImage(
                available: { min(available, Int64(draft.count)) },
                finish: { () throws(Failure) in
                    try atEnd()
                    return finished
                }),
            comparison: comparison, wipes: wipes
        ).write(events: { _ in }, isCancelled: { false })
    }

    private func blocks(_ places: [Int]) -> ByteRanges {
        ByteRanges(
            places.map { Int64($0) / 4096 * 4096..<min(Int64($0) / 4096 * 4096 + 4096, Int64(Sample.noise.count)) })
    }

    @Test(arguments: [CardWriter.Comparison.never, .always], [false, true])
    func `whatever shows at the end, the card holds the finished image`(
        _ comparison: CardWriter.Comparison, wipes: Bool
    ) throws {
        var random = SplitMix64(seed: 91)
        for round in 0..<16 {
            let places = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                Int.random(in: 0..<Sample.noise.count, using: &random)
            }
            let some = { (random: inout SplitMix64) in
                ByteRanges(
                    (0..<8).map { _ in
                        let start = Int64.random(in: 0..<Int64(Sample.noise.count), using: &random)
                        return start..<min(start + Int64.random(in: 1...900_000, using: &random), 6 << 20)
                    })
            }
            let early = round % 3 == 0 ? nil : some(&random)
            let late = round % 3 == 0 ? nil : round % 3 == 1 ? early?.union(some(&random)) : some(&random)
            // Of the old card some is the draft's, some the image's, some neither's.
            var card = [UInt8](repeating: 0xE7, count: size)
            card.replaceSubrange((2 << 20)..<(4 << 20), with: draft(changed: places)[(2 << 20)..<(4 << 20)])
            let disk = FakeDisk(card)
            let summary = try write(
                draft(changed: places), early,
                finally: .init(image: MemoryStore(Sample.noise), ranges: late, changes: blocks(places)), to: disk,
                comparison: comparison, wipes: wipes)
            let medium = disk.medium
            for range in (late ?? ByteRanges([0..<Int64(Sample.noise.count)])).ranges {
                #expect(medium[range] == Sample.noise[range], "round \(round), \(range)")
            }
            #expect(medium[..<(1 << 20)] == Sample.noise[..<(1 << 20)])
            #expect(disk.violations == [] && disk.isFinalized)
            #expect(summary.verified >= summary.written)
            if wipes {
                let left = ByteRanges([1 << 20..<Int64(size)]).subtracting(
                    (early ?? ByteRanges([0..<Int64(Sample.noise.count)])).union(late ?? ByteRanges()).aligned(to: 512))
                for range in left.ranges { #expect(medium[range].holdsOnly(0)) }
            }
        }
    }

    @Test func `nothing is read back before the image is finished, and all of it after`() throws {
        let disk = FakeDisk(Sample.old(size))
        let before = Mutex(0)
        _ = try write(
            draft(changed: [3 << 20]), nil,
            finally: .init(image: MemoryStore(Sample.noise), ranges: nil, changes: blocks([3 << 20])), to: disk,
            atEnd: { () throws(Failure) in before.withLock { $0 = disk.log.count } })
        let first = Int64(1 << 20)
        let body = first..<Int64(Sample.noise.count)
        let isRead = { (operations: ArraySlice<FakeDisk.Operation>) in
            ByteRanges(operations.compactMap { if case .read(let range) = $0 { range.clamped(to: body) } else { nil } })
        }
        let end = before.withLock { $0 }
        #expect(isRead(disk.log[..<end]).isEmpty)
        #expect(isRead(disk.log[end...]) == ByteRanges([body]))
        // Only the one block was written twice.
        let written = disk.log[end...].reduce(Int64(0)) {
            if case .write(let range) = $1, range.lowerBound >= first { $0 + Int64(range.count) } else { $0 }
        }
        #expect(written == 4096)
    }

    @Test(arguments: [CardWriter.Comparison.never, .always])
    func `an image that fails at its end leaves no partition table, and its own reason`(
        _ comparison: CardWriter.Comparison
    ) {
        let disk = FakeDisk(Sample.noise + [UInt8](repeating: 0, count: size - Sample.noise.count))
        let failure = #expect(throws: Failure.self) {
            try write(
                Sample.noise, nil, finally: .init(image: MemoryStore(Sample.noise), ranges: nil, changes: ByteRanges()),
                to: disk, comparison: comparison,
                atEnd: { () throws(Failure) in
                    throw Failure(Failure.Code("test.archive"), "the archive is damaged", hint: "download it again")
                })
        }
        #expect(failure?.code.rawValue == "test.archive")
        #expect(failure?.message.hasPrefix("the archive is damaged; /dev/fake has no partition table") == true)
        #expect(failure?.hint == "download it again")
        #expect(!disk.medium.hasPartitionTable && disk.isAbandoned && !disk.isFinalized)
    }

    @Test func `an image that ends with another size is not finalized`() {
        let disk = FakeDisk(Sample.old(size))
        let other = MemoryStore(Sample.image(5 << 20, seed: 2))
        #expect(throws: Failure.self) {
            try write(
                Sample.noise, nil, finally: .init(image: other, ranges: nil, changes: ByteRanges()), to: disk)
        }
        #expect(!disk.medium.hasPartitionTable && !disk.isFinalized)
    }

    @Test(arguments: [CardWriter.Comparison.never, .always])
    func `whichever operation fails, no table is left`(_ comparison: CardWriter.Comparison) throws {
        let places = [(1 << 20) + 5, 3 << 20, Sample.noise.count - 1]
        let early = ByteRanges([0..<(4 << 20)])
        let run = { (disk: FakeDisk) throws(Failure) in
            _ = try write(
                draft(changed: places), early,
                finally: .init(image: MemoryStore(Sample.noise), ranges: nil, changes: blocks(places)), to: disk,
                comparison: comparison)
        }
        let rehearsal = FakeDisk(Sample.old(size))
        try run(rehearsal)
        for number in rehearsal.log.indices {
            let disk = FakeDisk(Sample.old(size), faults: [.fails(at: number, .ioError)])
            #expect(throws: Failure.self, "operation \(number)") { try run(disk) }
            #expect(!disk.medium.hasPartitionTable && !disk.isFinalized, "operation \(number)")
        }
    }

    @Test func `sampling waits for nothing that is not there`() throws {
        // The card holds the image; whether to compare is decided by its beginning.
        for (available, isCompared) in [(Int64(0), false), (4 << 20, true)] {
            let disk = FakeDisk(Sample.noise + [UInt8](repeating: 0xE7, count: size - Sample.noise.count))
            let summary = try write(
                Sample.noise, nil, finally: .init(image: MemoryStore(Sample.noise), ranges: nil, changes: ByteRanges()),
                to: disk, comparison: .automatic, available: available)
            #expect(summary.written == (isCompared ? 1 << 20 : Int64(Sample.noise.count)))
        }
    }
}
