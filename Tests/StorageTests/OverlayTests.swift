import Diagnostics
import Storage
import Testing
import TestSupport

@Suite struct OverlayTests {
    @Test func `it reads as an array that was written the same way, and the base stays`() throws {
        var random = SplitMix64(seed: 2)
        for round in 0..<12 {
            let size = 40_000 + round * 777
            let original = random.bytes(size)
            let base = MemoryStore(original)
            let overlay = Overlay(over: base)
            var model = original
            for _ in 0..<60 {
                let offset = Int.random(in: 0..<size, using: &random)
                let count = Int.random(in: 0...min(10_000, size - offset), using: &random)
                if Bool.random(using: &random) {
                    let bytes = random.bytes(count)
                    try overlay.write(bytes, at: Int64(offset))
                    model.replaceSubrange(offset..<offset + count, with: bytes)
                } else {
                    #expect(try overlay.bytes(at: Int64(offset), count: count) == Array(model[offset..<offset + count]))
                }
            }
            #expect(try overlay.bytes(at: 0, count: size) == model)
            #expect(base.allBytes == original)
            #expect(base.log.isEmpty)
            // The changes are exactly the blocks that differ.
            var different = ByteRanges()
            for start in stride(from: 0, to: size, by: Overlay.blockSize) {
                let end = min(start + Overlay.blockSize, size)
                if model[start..<end] != original[start..<end] { different.insert(Int64(start)..<Int64(end)) }
            }
            #expect(overlay.changes == different)
            let target = MemoryStore(original)
            try overlay.commit(to: target)
            #expect(target.allBytes == model)
        }
    }

    @Test func `writing what is there already, or writing it back, leaves no change`() throws {
        let overlay = Overlay(over: MemoryStore([UInt8](repeating: 5, count: 10_000)))
        try overlay.write([5, 5, 5], at: 100)
        #expect(overlay.changes.isEmpty)
        try overlay.write([6], at: 8191)
        #expect(overlay.changes.ranges == [4096..<8192])
        try overlay.write([5], at: 8191)
        #expect(overlay.changes.isEmpty)
        try overlay.write([6], at: 9999)
        #expect(overlay.changes.ranges == [8192..<10_000])
    }

    @Test func `a commit writes the changed blocks in runs, then waits for the medium`() throws {
        let overlay = Overlay(over: MemoryStore([UInt8](repeating: 0, count: 64 << 10)))
        for block in [0, 1, 3, 8, 9] as [Int64] { try overlay.write([1], at: block * 4096 + 7) }
        let target = MemoryStore([UInt8](repeating: 0, count: 64 << 10))
        try overlay.commit(to: target)
        #expect(target.log == [0..<8192, 12288..<16384, 32768..<40960, nil])
        #expect(try target.allBytes == overlay.bytes(at: 0, count: 64 << 10))
        #expect(!overlay.changes.isEmpty)
    }

    @Test func `a commit without changes touches nothing`() throws {
        let target = MemoryStore([UInt8](repeating: 0, count: 8192))
        try Overlay(over: MemoryStore([UInt8](repeating: 0, count: 8192))).commit(to: target)
        #expect(target.log.isEmpty)
    }

    @Test func `nothing outside is read or written`() throws {
        let overlay = Overlay(over: MemoryStore([UInt8](repeating: 0, count: 5000)))
        for (offset, count) in [(4999, 2), (5001, 0), (-1, 1), (Int64.max, 1)] as [(Int64, Int)] {
            let bytes = [UInt8](repeating: 1, count: count)
            let written = #expect(throws: Failure.self) { try overlay.write(bytes, at: offset) }
            #expect(written?.code == .outOfBounds)
            let read = #expect(throws: Failure.self) { try overlay.bytes(at: offset, count: count) }
            #expect(read?.code == .outOfBounds)
        }
        #expect(overlay.changes.isEmpty)
    }

    @Test func `an overlay over an overlay keeps both apart`() throws {
        let lower = Overlay(over: MemoryStore([UInt8](repeating: 0, count: 10_000)))
        try lower.write([1, 1], at: 10)
        let upper = Overlay(over: lower)
        try upper.write([2], at: 11)
        #expect(try upper.bytes(at: 9, count: 4) == [0, 1, 2, 0])
        #expect(try lower.bytes(at: 9, count: 4) == [0, 1, 1, 0])
        try upper.write([1], at: 11)
        #expect(upper.changes.isEmpty)
    }
}
