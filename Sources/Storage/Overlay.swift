package import Diagnostics
import Synchronization

/// Changes over a store that stays untouched: reads see the changes, the base keeps its bytes.
///
/// Copy-on-write by blocks of 4 KiB, the page size and the largest sector a card reports, so that what is committed to
/// a device is always whole sectors. Only changed blocks cost memory; a block that is written with the bytes it already
/// has is not kept, so an edit that changes nothing leaves an empty overlay.
package final class Overlay: WritableBlockStore {
    package static let blockSize = 4096

    private let base: any BlockStore
    private let blocks = Mutex<[Int64: [UInt8]]>([:])

    package init(over base: any BlockStore) { self.base = base }

    package var size: Int64 { base.size }
    package var name: String { base.name }

    /// The bytes that differ from the base, as whole blocks (the last one cut at the end of the store).
    package var changes: ByteRanges {
        let numbers = blocks.withLock { $0.keys.sorted() }
        return ByteRanges(numbers.map(range(ofBlock:)))
    }

    /// Where this and `other`, over the same bytes, differ, as whole blocks.
    package func differences(from other: Overlay) -> ByteRanges {
        let others = other.blocks.withLock { $0 }
        return blocks.withLock { blocks in
            let numbers = Set(blocks.keys).union(others.keys).filter { blocks[$0] != others[$0] }
            return ByteRanges(numbers.sorted().map(range(ofBlock:)))
        }
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try base.read(into: buffer, at: offset)
        guard !buffer.isEmpty else { return }
        let wanted = offset..<(offset + Int64(buffer.count))
        blocks.withLock { blocks in
            // A large read over a small overlay walks the overlay; a small read walks its own blocks.
            let touched = blockNumbers(of: wanted)
            if blocks.count < touched.count {
                for (number, bytes) in blocks where touched.contains(number) {
                    copy(bytes, ofBlock: number, into: buffer, wanted: wanted)
                }
            } else {
                for number in touched {
                    if let bytes = blocks[number] { copy(bytes, ofBlock: number, into: buffer, wanted: wanted) }
                }
            }
        }
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: bytes.count)
        guard !bytes.isEmpty else { return }
        let written = offset..<(offset + Int64(bytes.count))
        for number in blockNumbers(of: written) {
            let block = range(ofBlock: number)
            let part = written.clamped(to: block)
            let original = try base.bytes(at: block.lowerBound, count: block.count)
            blocks.withLock { blocks in
                var changed = blocks[number] ?? original
                let source = UnsafeRawBufferPointer(
                    rebasing: bytes[Int(part.lowerBound - offset)..<Int(part.upperBound - offset)])
                let start = Int(part.lowerBound - block.lowerBound)
                changed.replaceSubrange(start..<(start + source.count), with: source)
                blocks[number] = changed == original ? nil : changed
            }
        }
    }

    /// Nothing is deferred: an overlay lives in memory until it is committed.
    package func synchronize() throws(Failure) {}

    /// Writes the changed blocks to `target` and waits for the medium. Writes nothing if nothing changed.
    package func commit(to target: any WritableBlockStore) throws(Failure) {
        let ranges = changes.ranges
        guard !ranges.isEmpty else { return }
        for range in ranges {
            try target.write(bytes(at: range.lowerBound, count: range.count), at: range.lowerBound)
        }
        try target.synchronize()
    }

    private func range(ofBlock number: Int64) -> Range<Int64> {
        let start = number * Int64(Self.blockSize)
        return start..<min(start + Int64(Self.blockSize), size)
    }

    private func blockNumbers(of range: Range<Int64>) -> ClosedRange<Int64> {
        (range.lowerBound / Int64(Self.blockSize))...((range.upperBound - 1) / Int64(Self.blockSize))
    }

    private func copy(
        _ bytes: [UInt8], ofBlock number: Int64, into buffer: UnsafeMutableRawBufferPointer, wanted: Range<Int64>
    ) {
        let block = range(ofBlock: number)
        let part = wanted.clamped(to: block)
        guard !part.isEmpty else { return }
        let target = UnsafeMutableRawBufferPointer(
            rebasing: buffer[Int(part.lowerBound - wanted.lowerBound)..<Int(part.upperBound - wanted.lowerBound)])
        target.copyBytes(from: bytes[Int(part.lowerBound - block.lowerBound)..<Int(part.upperBound - block.lowerBound)])
    }
}
