import Diagnostics
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Cards

/// Readers whose driver reports success and fills nothing: what the memory held before must never count as read.
@Suite struct PoisonedReadTests {
    /// A card of which some reads succeed and leave the caller's memory as it is.
    private final class HollowCard: CardTarget {
        let disk: FakeDisk
        private let hollow: Range<Int>
        private let reads = Mutex(0)

        /// - Parameter hollow: The numbers of the reads that fill nothing, from 0.
        init(_ contents: [UInt8], zeroes: Bool = false, hollow: Range<Int>) {
            // With a narrow queue the order of operations is always the same.
            disk = FakeDisk(
                contents, zeroes: zeroes, queue: DeviceQueue(largestRequest: 120 << 10, requests: 2, preferredLength: 0)
            )
            self.hollow = hollow
        }

        var size: Int64 { disk.size }
        var name: String { disk.name }
        var queue: DeviceQueue? { disk.queue }
        var readCount: Int { reads.withLock { $0 } }

        func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
            let number = reads.withLock { count in
                defer { count += 1 }
                return count
            }
            if !hollow.contains(number) { try disk.read(into: buffer, at: offset) }
        }

        func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
            try disk.write(bytes, at: offset)
        }
        func zero(_ range: Range<Int64>) throws(Failure) -> Bool { try disk.zero(range) }
        func synchronize() throws(Failure) { try disk.synchronize() }
        func dropCache() throws(Failure) { try disk.dropCache() }
        func finalize() throws(Failure) { try disk.finalize() }
        func abandon() { disk.abandon() }
    }

    /// Images whose bytes memory may hold by chance: fresh memory is zeros, and used memory holds the chunk before.
    enum Contents: CaseIterable {
        case zeros, repeated

        var image: [UInt8] {
            var bytes =
                self == .zeros
                ? [UInt8](repeating: 0, count: 5 << 20) : [UInt8](repeating: 0x5C, count: 5 << 20)
            bytes.replaceSubrange(510..<512, with: [0x55, 0xAA])
            return bytes
        }
    }

    private func write(
        _ image: [UInt8], to card: HollowCard, _ comparison: CardWriter.Comparison, wipes: Bool = false
    ) -> Failure? {
        do throws(Failure) {
            _ = try CardWriter(target: card, image: MemoryStore(image), comparison: comparison, wipes: wipes).write(
                events: { _ in }, isCancelled: { false })
            return nil
        } catch { return error }
    }

    @Test(arguments: Contents.allCases)
    func `a read that fills nothing proves nothing, whichever it is`(_ contents: Contents) {
        let rehearsal = HollowCard(Sample.old(6 << 20), hollow: 0..<0)
        #expect(write(contents.image, to: rehearsal, .never) == nil)
        #expect(rehearsal.readCount >= 7)
        for number in 0..<rehearsal.readCount {
            let card = HollowCard(Sample.old(6 << 20), hollow: number..<(number + 1))
            #expect(write(contents.image, to: card, .never)?.code == .verifyMismatch, "read \(number)")
            #expect(!card.disk.isFinalized, "read \(number)")
        }
    }

    @Test(arguments: Contents.allCases, [CardWriter.Comparison.never, .always, .automatic])
    func `a reader that fills nothing at all never makes a card`(
        _ contents: Contents, _ comparison: CardWriter.Comparison
    ) {
        let card = HollowCard(Sample.old(6 << 20), hollow: 0..<Int.max)
        #expect(write(contents.image, to: card, comparison)?.code == .verifyMismatch)
        #expect(!card.disk.isFinalized)
    }

    /// Comparing takes equal bytes for written ones: there a hollow read must count as a difference.
    @Test(arguments: Contents.allCases)
    func `a comparison that read nothing writes all the same`(_ contents: Contents) {
        let image = contents.image
        let rehearsal = HollowCard(Sample.old(6 << 20), hollow: 0..<0)
        #expect(write(image, to: rehearsal, .always) == nil)
        for number in 0..<rehearsal.readCount {
            let card = HollowCard(Sample.old(6 << 20), hollow: number..<(number + 1))
            let failure = write(image, to: card, .always)
            #expect(failure == nil || failure?.code == .verifyMismatch, "read \(number)")
            if failure == nil { #expect(card.disk.medium.starts(with: image), "read \(number)") }
        }
    }

    @Test func `zeros that were not read were not wiped`() {
        let image = Contents.zeros.image
        let rehearsal = HollowCard(Sample.old(9 << 20), zeroes: true, hollow: 0..<0)
        #expect(write(image, to: rehearsal, .never, wipes: true) == nil)
        for number in 0..<rehearsal.readCount {
            let card = HollowCard(Sample.old(9 << 20), zeroes: true, hollow: number..<(number + 1))
            #expect(write(image, to: card, .never, wipes: true)?.code == .verifyMismatch, "read \(number)")
        }
    }
}
