import Storage
import Testing
import TestSupport

@Suite struct ByteRangesTests {
    private static let limit = 200

    /// The ranges that a bitmap shows.
    private func ranges(of bits: [Bool]) -> [Range<Int64>] {
        var found: [Range<Int64>] = []
        var start: Int?
        for (index, bit) in (bits + [false]).enumerated() {
            if bit, start == nil { start = index }
            if !bit, let first = start {
                found.append(Int64(first)..<Int64(index))
                start = nil
            }
        }
        return found
    }

    private func randomRange(_ random: inout SplitMix64) -> Range<Int64> {
        let a = Int64.random(in: 0...Int64(Self.limit), using: &random)
        let b = min(a + Int64.random(in: 0...20, using: &random), Int64(Self.limit))
        return a..<b
    }

    private func set(_ bits: inout [Bool], _ range: Range<Int64>, _ value: Bool) {
        for index in range { bits[Int(index)] = value }
    }

    @Test func `it does what a bitmap does`() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<60 {
            var bits = [Bool](repeating: false, count: Self.limit)
            var other = bits
            var set = ByteRanges()
            var second = ByteRanges()
            for _ in 0..<40 {
                let range = randomRange(&random)
                if Bool.random(using: &random) {
                    set.insert(range)
                    self.set(&bits, range, true)
                } else {
                    set.remove(range)
                    self.set(&bits, range, false)
                }
                let another = randomRange(&random)
                second.insert(another)
                self.set(&other, another, true)
                #expect(set.ranges == ranges(of: bits))
            }
            #expect(set.count == Int64(bits.count { $0 }))
            #expect(set.isEmpty == !bits.contains(true))
            for index in 0..<Self.limit { #expect(set.contains(Int64(index)) == bits[index]) }
            #expect(set.union(second).ranges == ranges(of: zip(bits, other).map { $0 || $1 }))
            #expect(set.subtracting(second).ranges == ranges(of: zip(bits, other).map { $0 && !$1 }))
            let bounds = randomRange(&random)
            let inside = bits.enumerated().map { bounds.contains(Int64($0.offset)) && $0.element }
            #expect(set.clamped(to: bounds).ranges == ranges(of: inside))
            let wide = bits.indices.map { index in bits[index / 8 * 8..<index / 8 * 8 + 8].contains(true) }
            #expect(set.aligned(to: 8).ranges == ranges(of: wide))
            #expect(ByteRanges(set.ranges.shuffled(using: &random)) == set)
            #expect(set.filling(gapsBelow: 4).ranges == ranges(of: filled(bits, gapsBelow: 4)))
            #expect(set.filling(gapsBelow: 0) == set)
        }
    }

    /// Gaps between two set bits, none at the ends.
    private func filled(_ bits: [Bool], gapsBelow length: Int) -> [Bool] {
        var result = bits
        for (first, second) in zip(ranges(of: bits), ranges(of: bits).dropFirst())
        where second.lowerBound - first.upperBound < length {
            set(&result, first.upperBound..<second.lowerBound, true)
        }
        return result
    }

    @Test func `ranges that touch become one, and an empty range changes nothing`() {
        var set = ByteRanges([0..<10, 20..<30])
        set.insert(10..<20)
        #expect(set.ranges == [0..<30])
        set.insert(50..<50)
        set.remove(15..<15)
        #expect(set.ranges == [0..<30])
    }
}
