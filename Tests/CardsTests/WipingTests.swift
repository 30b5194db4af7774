import Diagnostics
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Cards

/// What the old owner left goes.
@Suite struct WipingTests {
    private let ranges = ByteRanges([(1 << 20) + 512..<2 << 20, (4 << 20)..<(4 << 20) + 1000])

    @Test(arguments: [true, false], [CardWriter.Comparison.never, .always])
    func `what the image leaves out is zeros, whether the kernel or piflash writes them`(
        zeroes: Bool, comparison: CardWriter.Comparison
    ) throws {
        let disk = FakeDisk(Sample.old(16 << 20), zeroes: zeroes)
        try write(Sample.noise, to: disk, ranges: ranges, comparison: comparison, wipes: true)
        var wanted = [UInt8](repeating: 0, count: 16 << 20)
        for range in ranges.aligned(to: 512).union(ByteRanges([0..<1 << 20])).ranges {
            wanted.replaceSubrange(Int(range.lowerBound)..<Int(range.upperBound), with: Sample.noise[range])
        }
        #expect(disk.medium == wanted)
        #expect(disk.violations == [])
        #expect(zeroes == disk.log.contains { if case .zero = $0 { true } else { false } })
    }

    @Test func `a card that says it zeroes and does not is found`() {
        for size in [16 << 20, 96 << 20] {
            let disk = FakeDisk(Sample.old(size), faults: [.ignoresZeroing], zeroes: true)
            let failure = #expect(throws: Failure.self) { try write(Sample.noise, to: disk, wipes: true) }
            #expect(failure?.code == .verifyMismatch)
            #expect(failure?.message.contains("zeros") == true)
            #expect(!disk.medium.hasPartitionTable)
        }
    }

    @Test func `whichever operation fails while wiping, no partition table is left`() throws {
        let rehearsal = FakeDisk(Sample.old(12 << 20))
        try write(Sample.noise, to: rehearsal, ranges: ranges, comparison: .never, wipes: true)
        for number in rehearsal.log.indices {
            let disk = FakeDisk(Sample.old(12 << 20), faults: [.fails(at: number, .ioError)])
            #expect(throws: Failure.self) {
                try write(Sample.noise, to: disk, ranges: ranges, comparison: .never, wipes: true)
            }
            #expect(!disk.medium.hasPartitionTable, "operation \(number)")
        }
    }

    @Test func `a new file has nothing to wipe`() throws {
        let disk = FakeDisk([UInt8](repeating: 0, count: 16 << 20), zeroes: true, isBlank: true)
        var phases: Set<CardEvent.Phase> = []
        _ = try CardWriter(target: disk, image: MemoryStore(Sample.noise), wipes: true).write(
            events: { phases.insert($0.phase) }, isCancelled: { false })
        #expect(!phases.contains(.wiping))
        #expect(disk.medium.starts(with: Sample.noise))
    }
}
