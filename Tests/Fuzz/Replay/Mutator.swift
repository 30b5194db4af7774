import TestSupport

/// Changes inputs without looking at what they reach: what `make test` does instead of libFuzzer. The same seed gives the
/// same inputs.
struct Mutator {
    private var random: SplitMix64
    private let words: [[UInt8]]
    private let limit: Int

    init(_ target: FuzzTarget) {
        random = SplitMix64(seed: target.name.utf8.reduce(5381) { $0 &* 33 &+ UInt64($1) })
        words = target.words.map { Array($0.utf8) }
        limit = target.limit
    }

    /// An input made of one or two of `corpus`.
    mutating func next(_ corpus: [[UInt8]]) -> [UInt8] {
        var bytes = corpus.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 1...5, using: &random) { change(&bytes, corpus) }
        return Array(bytes.prefix(limit))
    }

    private static let extremes: [UInt8] = [0, 1, 0x20, 0x7F, 0x80, 0xFE, 0xFF]

    private mutating func change(_ bytes: inout [UInt8], _ corpus: [[UInt8]]) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 0...16, using: &random))
        switch Int.random(in: 0..<8, using: &random) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1 where place < bytes.count: bytes[place] = Self.extremes.randomElement(using: &random) ?? 0
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 4: bytes.insert(contentsOf: words.randomElement(using: &random) ?? [0], at: place)
        case 5: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 6:
            guard let other = corpus.randomElement(using: &random), !other.isEmpty else { return }
            bytes = Array(bytes[..<place]) + other.suffix(Int.random(in: 1...other.count, using: &random))
        // Eight bytes are a number of every size; all ones and the highest bit are what overflows.
        case 7 where place + 8 <= bytes.count:
            let value: UInt8 = [0, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
            let count = 1 << Int.random(in: 0..<4, using: &random)
            for index in place..<place + count { bytes[index] = value }
        default: bytes.append(UInt8.random(in: 0...255, using: &random))
        }
    }
}
