import Diagnostics
import Foundation
import Storage
import Synchronization
import SystemPackage
import Testing
import TestSupport

@testable import Cards

/// Images with a boot signature, and disks full of an old owner's data with one.
enum Sample {
    static func image(_ size: Int, seed: UInt64) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        var bytes = random.bytes(size)
        if size >= 512 { bytes.replaceSubrange(510..<512, with: [0x55, 0xAA]) }
        return bytes
    }

    static func old(_ size: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xE7, count: size)
        bytes.replaceSubrange(510..<512, with: [0x55, 0xAA])
        return bytes
    }

    static let noise: [UInt8] = image(6 << 20 | 512, seed: 1)
}

@discardableResult
func write(
    _ image: [UInt8], to disk: FakeDisk, ranges: ByteRanges? = nil, comparison: CardWriter.Comparison = .automatic,
    wipes: Bool = false
) throws(Failure) -> CardWriter.Summary {
    try CardWriter(target: disk, image: MemoryStore(image), ranges: ranges, comparison: comparison, wipes: wipes).write(
        events: { _ in }, isCancelled: { false })
}

func outcome(
    _ image: [UInt8], to disk: FakeDisk, ranges: ByteRanges? = nil, comparison: CardWriter.Comparison = .automatic
) -> Failure? {
    do throws(Failure) {
        try write(image, to: disk, ranges: ranges, comparison: comparison)
        return nil
    } catch { return error }
}

extension [UInt8] {
    subscript(range: Range<Int64>) -> ArraySlice<UInt8> { self[Int(range.lowerBound)..<Int(range.upperBound)] }

    /// Whether a partition table, a boot sector, or a file system that starts the disk could be seen here.
    var hasPartitionTable: Bool {
        self[510..<512].elementsEqual([0x55, 0xAA]) || self[512..<520].elementsEqual("EFI PART".utf8)
    }
}

@Suite struct CardWriterTests {
    @Test func `random images of odd sizes arrive, and the rest of the card stays`() throws {
        var random = SplitMix64(seed: 7)
        for round in 0..<24 {
            let size = [1, 511, 512, 513, 4096, 1 << 20, (1 << 20) + 1, (4 << 20) - 1].randomElement(using: &random)!
            let image = Sample.image(size + Int.random(in: 0..<3000, using: &random), seed: UInt64(round))
            let sectors = (image.count + 511) / 512
            let room = Int.random(in: 0...3, using: &random) << 20
            let disk = FakeDisk(Sample.old(sectors * 512 + room))
            try write(image, to: disk)
            let medium = disk.medium
            #expect(Array(medium[..<image.count]) == image)
            #expect(medium[image.count..<sectors * 512].holdsOnly(0), "padding of round \(round)")
            #expect(disk.violations == [])
            #expect(disk.isFinalized && !disk.isAbandoned)
            // Between the cleared first block and the cleared last one nothing was touched.
            let start = min(max(sectors * 512, 1 << 20), medium.count)
            let rest = start..<max(start, medium.count - (1 << 20))
            #expect(medium[rest].elementsEqual(Sample.old(medium.count)[rest]), "rest of round \(round)")
        }
    }

    @Test func `an overlay's changes arrive with the base`() throws {
        let base = MemoryStore(Sample.noise)
        let overlay = Overlay(over: base)
        try overlay.write([1, 2, 3], at: 5)
        try overlay.write([UInt8](repeating: 9, count: 9000), at: (4 << 20) - 4000)
        let disk = FakeDisk(Sample.old(8 << 20))
        _ = try CardWriter(target: disk, image: overlay).write(events: { _ in }, isCancelled: { false })
        var wanted = Sample.noise
        wanted.replaceSubrange(5..<8, with: [1, 2, 3])
        wanted.replaceSubrange((4 << 20) - 4000..<(4 << 20) + 5000, with: [UInt8](repeating: 9, count: 9000))
        #expect(Array(disk.medium[..<wanted.count]) == wanted)
        #expect(base.allBytes == Sample.noise)
    }

    @Test func `the sector with the partition table is written once, last, after a flush`() throws {
        let disk = FakeDisk(Sample.old(8 << 20))
        try write(Sample.noise, to: disk)
        let writes = disk.log.enumerated().compactMap { index, operation -> (Int, Range<Int64>)? in
            if case .write(let range) = operation { (index, range) } else { nil }
        }
        let last = try #require(writes.last)
        #expect(last.1 == 0..<512)
        #expect(writes.filter { $0.1.contains(0) }.count == 2, "cleared, then written")
        let before = writes[writes.count - 2].0
        #expect(disk.log[before...last.0].contains(.synchronize))
        #expect(disk.log.last == .finalize)
    }

    @Test func `every byte that is written is read back afterwards`() throws {
        let disk = FakeDisk(Sample.old(9 << 20))
        try write(Sample.noise, to: disk)
        // The last write to each byte must be followed by a read of it.
        var unread = ByteRanges()
        for operation in disk.log {
            switch operation {
            case .write(let range): unread.insert(range)
            case .read(let range): unread.remove(range)
            default: break
            }
        }
        #expect(unread.isEmpty)
    }

    @Test func `only the ranges asked for are written, and the first block whole`() throws {
        let disk = FakeDisk(Sample.old(8 << 20))
        let ranges = ByteRanges([600..<700, (3 << 20) + 1..<(3 << 20) + 600, (5 << 20)..<(5 << 20) + 512])
        let count = try write(Sample.noise, to: disk, ranges: ranges)
        #expect(count == CardWriter.Summary(verified: (1 << 20) + 1536, written: (1 << 20) + 1536))
        var wanted = Sample.old(8 << 20)
        for range in [0..<1 << 20, 3 << 20..<(3 << 20) + 1024, 5 << 20..<(5 << 20) + 512] {
            wanted.replaceSubrange(range, with: Sample.noise[range])
        }
        wanted.replaceSubrange((7 << 20)..<(8 << 20), with: [UInt8](repeating: 0, count: 1 << 20))
        #expect(disk.medium == wanted)
    }

    @Test func `whichever operation fails, the card has no partition table and the failure says so`() throws {
        let rehearsal = FakeDisk(Sample.old(8 << 20))
        try write(Sample.noise, to: rehearsal)
        for number in rehearsal.log.indices {
            let disk = FakeDisk(Sample.old(8 << 20), faults: [.fails(at: number, .ioError)])
            let failure = try #require(outcome(Sample.noise, to: disk), "operation \(number)")
            #expect(!disk.medium.hasPartitionTable, "operation \(number)")
            #expect(failure.message.contains("no partition table"), "operation \(number)")
            #expect(failure.message.contains("removed, or it or its reader fails"), "operation \(number)")
            #expect(disk.isAbandoned)
        }
    }

    @Test func `after a power cut at any operation the card is whole, or has no new partition table`() throws {
        let rehearsal = FakeDisk(Sample.old(8 << 20))
        try write(Sample.noise, to: rehearsal)
        let last = rehearsal.log.count - 1
        for number in rehearsal.log.indices {
            for seed in 0..<4 as Range<UInt64> {
                let disk = FakeDisk(
                    Sample.old(8 << 20), faults: [.vanishes(at: number)], seed: seed + UInt64(number) * 10)
                let failure = try #require(outcome(Sample.noise, to: disk))
                let medium = disk.medium
                if medium[..<512].elementsEqual(Sample.noise[..<512]) {
                    #expect(Array(medium[..<Sample.noise.count]) == Sample.noise, "operation \(number)")
                    #expect(number > last - 4)
                } else if number > 4 {
                    #expect(!medium.hasPartitionTable, "operation \(number)")
                }
                #expect(failure.code == .cardRemoved)
                #expect(failure.message.contains("removed"))
                // The failure reports an empty first block only if it is empty.
                if failure.message.contains("no partition table") {
                    #expect(!medium.hasPartitionTable, "operation \(number)")
                } else {
                    #expect(failure.message.contains("could not be cleared"))
                }
            }
        }
    }

    @Test func `one wrong bit anywhere is found and the card is left without a partition table`() throws {
        var random = SplitMix64(seed: 3)
        let places =
            [0, 510, 511, 512, (1 << 20) - 1, 1 << 20, (4 << 20) - 1, 4 << 20, Sample.noise.count - 1]
            + (0..<12).map { _ in Int.random(in: 0..<Sample.noise.count, using: &random) }
        for place in places {
            let disk = FakeDisk(Sample.old(8 << 20), faults: [.flips(byte: Int64(place))])
            let failure = try #require(outcome(Sample.noise, to: disk))
            #expect(failure.code == .verifyMismatch)
            #expect(!disk.medium.hasPartitionTable)
            #expect(failure.message.contains(place < 1 << 20 ? "did not keep" : "first at byte \(place) "))
        }
    }

    @Test func `a worn-out card that drops every write is found before the long write`() throws {
        let disk = FakeDisk(Sample.old(8 << 20), faults: [.dropsWrites(from: 0)])
        let failure = try #require(outcome(Sample.noise, to: disk))
        #expect(failure.code == .verifyMismatch)
        #expect(
            failure.message.contains("could not be cleared"), "it still has its old table, and must not say otherwise")
        #expect(
            !disk.log.contains { if case .write(let range) = $0 { range.lowerBound == Int64(1 << 20) } else { false } })
    }

    @Test func `a card that begins to drop writes at any time is found`() throws {
        let rehearsal = FakeDisk(Sample.old(8 << 20))
        try write(Sample.noise, to: rehearsal)
        for (number, operation) in rehearsal.log.enumerated() {
            guard case .write = operation else { continue }
            let disk = FakeDisk(Sample.old(8 << 20), faults: [.dropsWrites(from: number)])
            #expect(outcome(Sample.noise, to: disk)?.code == .verifyMismatch, "operation \(number)")
            if number > 1 { #expect(!disk.medium.hasPartitionTable, "operation \(number)") }
        }
    }

    @Test(arguments: [2 << 20, 3 << 20, 5 << 20])
    func `a counterfeit that writes over its beginning is found`(capacity: Int) throws {
        let disk = FakeDisk(Sample.old(8 << 20), faults: [.wraps(at: Int64(capacity))])
        #expect(try #require(outcome(Sample.noise, to: disk)).code == .verifyMismatch)
        #expect(!disk.isFinalized)
    }

    @Test func `a mismatch says how many sectors differ`() throws {
        let faults = [0, 1, 512, 5000].map { FakeDisk.Fault.flips(byte: Int64(2 << 20) + Int64($0)) }
        let disk = FakeDisk(Sample.old(8 << 20), faults: faults)
        let failure = try #require(outcome(Sample.noise, to: disk))
        #expect(failure.message.contains("first at byte \(2 << 20) (3 of 512 sectors there)"))
        #expect(failure.hint?.contains("smaller than it says") == true)
    }

    @Test func `stopping at any moment leaves no partition table`() throws {
        let asked = Mutex(0)
        func run(stopAfter count: Int) throws -> (FakeDisk, Failure?) {
            let disk = FakeDisk(Sample.old(8 << 20))
            asked.withLock { $0 = 0 }
            let writer = CardWriter(target: disk, image: MemoryStore(Sample.noise))
            do throws(Failure) {
                _ = try writer.write(
                    events: { _ in },
                    isCancelled: {
                        asked.withLock {
                            $0 += 1
                            return $0 > count
                        }
                    })
                return (disk, nil)
            } catch { return (disk, error) }
        }
        let (untouched, first) = try run(stopAfter: 0)
        #expect(first?.code == .cancelled)
        #expect(first?.message.contains("was not touched") == true)
        #expect(untouched.medium == Sample.old(8 << 20))
        for count in 1..<100 {
            let (disk, failure) = try run(stopAfter: count)
            guard let failure else {
                #expect(count > 5)
                return
            }
            #expect(failure.code == .cancelled)
            #expect(failure.message.contains("no partition table"))
            #expect(!disk.medium.hasPartitionTable)
        }
        Issue.record("it never finished")
    }

    @Test func `a card that is too small is not touched, and the target is let go`() throws {
        let old = Sample.old(Sample.noise.count - 512)
        let disk = FakeDisk(old)
        let failure = try #require(outcome(Sample.noise, to: disk))
        #expect(failure.code == .tooSmall)
        #expect(failure.message.contains("was not touched"))
        #expect(disk.medium == old)
        #expect(disk.isAbandoned)
    }

    @Test func `an image that cannot be read to its end leaves no partition table`() throws {
        struct Torn: BlockStore {
            let size: Int64 = 6 << 20
            let name = "torn.img"
            func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
                guard offset < 4 << 20 else { throw Failure(.system, "torn.img ended", cause: Errno.permissionDenied) }
            }
        }
        let disk = FakeDisk(Sample.old(8 << 20))
        let failure = #expect(throws: Failure.self) {
            try CardWriter(target: disk, image: Torn()).write(events: { _ in }, isCancelled: { false })
        }
        #expect(failure?.message.hasPrefix("torn.img ended; /dev/fake has no partition table") == true)
        #expect(!disk.medium.hasPartitionTable)
    }

    @Test func `the events go through every phase to its end`() throws {
        var events: [CardEvent] = []
        let disk = FakeDisk(Sample.old(20 << 20))
        let image = MemoryStore(Sample.image(18 << 20, seed: 5))
        _ = try CardWriter(target: disk, image: image).write(events: { events.append($0) }, isCancelled: { false })
        var phases: [CardEvent.Phase] = []
        for event in events where phases.last != event.phase { phases.append(event.phase) }
        #expect(phases == [.clearing, .writing, .flushing, .verifying, .finalizing])
        for phase in phases {
            let own = events.filter { $0.phase == phase }
            #expect(own.first?.done == 0)
            #expect(own.last?.done == own.last?.total)
            #expect(zip(own, own.dropFirst()).allSatisfy { $0.done <= $1.done })
        }
    }

    @Test func `events come no closer than a tenth of a second, but for the ends of phases`() throws {
        let clock = Mutex(ContinuousClock.now)
        var sent: [CardEvent] = []
        let disk = FakeDisk(Sample.old(26 << 20))
        let image = MemoryStore([UInt8](repeating: 1, count: 26 << 20))
        let writer = CardWriter(
            target: disk, image: image,
            now: {
                clock.withLock {
                    $0 = $0.advanced(by: .milliseconds(40))
                    return $0
                }
            })
        _ = try writer.write(events: { sent.append($0) }, isCancelled: { false })
        // 14 events at 40 ms: the first, every third, and the last.
        #expect(sent.filter { $0.phase == .writing }.count == 6)
        #expect(sent.filter { $0.phase == .verifying }.count == 6)
    }

    @Test func `writing an image of any size takes at most 14 MiB of memory`() async {
        // In a separate process, where no other test allocates.
        await #expect(processExitsWith: .success) {
            let zeros = Zeros(size: 512 << 20)
            let before = try Zeros.memory()
            for comparison in [CardWriter.Comparison.never, .always] {
                let peak = Mutex(0)
                _ = try CardWriter(
                    target: Zeros(size: 512 << 20) { peak.withLock { $0 = max($0, (try? Zeros.memory()) ?? .max) } },
                    image: zeros, comparison: comparison
                ).write(events: { _ in }, isCancelled: { false })
                let taken = peak.withLock { $0 } - before
                #expect(taken > 1 << 20 && taken < 14 << 20, "\(comparison): \(formatBytes(Int64(taken))) more")
            }
        }
    }
}

/// As many zeros as wanted, in no memory; only what is written to the first MiB is kept.
private final class Zeros: CardTarget {
    let size: Int64
    let name = "zeros"
    private let first = Mutex([UInt8](repeating: 0, count: 1 << 20))
    private let whenWritten: @Sendable () -> Void

    init(size: Int64, whenWritten: @escaping @Sendable () -> Void = {}) {
        self.size = size
        self.whenWritten = whenWritten
    }

    /// The bytes that this process has allocated and touched. The pages of programs and libraries do not count: how many
    /// of them the kernel maps with each one that is needed depends on what it has in its cache.
    static func memory() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
        return try #require(Int(line.split(whereSeparator: \.isWhitespace)[1])) << 10
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        buffer.fillWithZeros()
        guard offset < 1 << 20 else { return }
        first.withLock { buffer.copyBytes(from: $0[Int(offset)...].prefix(buffer.count)) }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        whenWritten()
        guard offset < 1 << 20 else { return }
        first.withLock { $0.replaceSubrange(Int(offset)..<Int(offset) + bytes.count, with: bytes) }
    }

    func synchronize() throws(Failure) {}
    func dropCache() throws(Failure) {}
    func finalize() throws(Failure) {}
    func abandon() {}
}
