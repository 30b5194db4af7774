import Diagnostics
import Host
import Storage

extension PackedValues {
    mutating func add(_ range: Range<Int64>) {
        add(range.lowerBound)
        add(range.upperBound)
    }

    mutating func add(_ ranges: ByteRanges) {
        add(ranges.ranges.count)
        for range in ranges.ranges { add(range) }
    }
}

extension UnpackedValues {
    mutating func range() throws(Failure) -> Range<Int64> {
        let start = try number(Int64.self)
        let end = try number(Int64.self)
        guard 0 <= start, start <= end else { throw Self.malformed }
        return start..<end
    }

    mutating func ranges() throws(Failure) -> ByteRanges {
        var found: [Range<Int64>] = []
        for _ in 0..<(try count(ofAtLeast: 16)) { found.append(try range()) }
        return ByteRanges(found)
    }
}
