/// A set of byte offsets, kept as sorted half-open ranges that neither touch nor overlap.
package struct ByteRanges: Hashable, Sendable {
    package private(set) var ranges: [Range<Int64>] = []

    package init() {}

    package init(_ ranges: some Sequence<Range<Int64>>) {
        for range in ranges { insert(range) }
    }

    package var isEmpty: Bool { ranges.isEmpty }

    /// How many bytes the set holds.
    package var count: Int64 { ranges.reduce(0) { $0 + Int64($1.count) } }

    package mutating func insert(_ range: Range<Int64>) {
        guard !range.isEmpty else { return }
        // The first range that touches or follows the new one, and the end of the run that merges with it.
        let first = partition { $0.upperBound < range.lowerBound }
        var last = first
        var merged = range
        while last < ranges.count, ranges[last].lowerBound <= range.upperBound {
            merged =
                min(merged.lowerBound, ranges[last].lowerBound)..<max(merged.upperBound, ranges[last].upperBound)
            last += 1
        }
        ranges.replaceSubrange(first..<last, with: [merged])
    }

    package mutating func remove(_ range: Range<Int64>) {
        guard !range.isEmpty else { return }
        let first = partition { $0.upperBound <= range.lowerBound }
        var last = first
        var kept: [Range<Int64>] = []
        while last < ranges.count, ranges[last].lowerBound < range.upperBound {
            let old = ranges[last]
            if old.lowerBound < range.lowerBound { kept.append(old.lowerBound..<range.lowerBound) }
            if old.upperBound > range.upperBound { kept.append(range.upperBound..<old.upperBound) }
            last += 1
        }
        ranges.replaceSubrange(first..<last, with: kept)
    }

    package func contains(_ offset: Int64) -> Bool {
        let index = partition { $0.upperBound <= offset }
        return index < ranges.count && ranges[index].contains(offset)
    }

    package func union(_ other: ByteRanges) -> ByteRanges {
        var result = self
        for range in other.ranges { result.insert(range) }
        return result
    }

    package func subtracting(_ other: ByteRanges) -> ByteRanges {
        var result = self
        for range in other.ranges { result.remove(range) }
        return result
    }

    package func intersection(_ other: ByteRanges) -> ByteRanges { subtracting(subtracting(other)) }

    /// The set `offset` bytes further on.
    package func shifted(by offset: Int64) -> ByteRanges {
        var result = ByteRanges()
        result.ranges = ranges.map { $0.lowerBound + offset..<$0.upperBound + offset }
        return result
    }

    /// The parts of the set that lie inside `bounds`.
    package func clamped(to bounds: Range<Int64>) -> ByteRanges {
        var result = ByteRanges()
        result.ranges = ranges.map { $0.clamped(to: bounds) }.filter { !$0.isEmpty }
        return result
    }

    /// The set with every range widened to multiples of `alignment` bytes.
    package func aligned(to alignment: Int64) -> ByteRanges {
        ByteRanges(
            ranges.map {
                ($0.lowerBound / alignment * alignment)..<(($0.upperBound + alignment - 1) / alignment * alignment)
            })
    }

    /// The set with every gap between two of its ranges filled that is shorter than `length` bytes.
    package func filling(gapsBelow length: Int64) -> ByteRanges {
        var result = ByteRanges()
        for range in ranges {
            if let last = result.ranges.last, range.lowerBound - last.upperBound < length {
                result.ranges[result.ranges.count - 1] = last.lowerBound..<range.upperBound
            } else {
                result.ranges.append(range)
            }
        }
        return result
    }

    /// The index of the first range for which `isBefore` is false; `isBefore` must be true for a prefix only.
    private func partition(_ isBefore: (Range<Int64>) -> Bool) -> Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(ranges[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
