/// A random number generator that repeats itself for the same seed (Steele, Lea, Flood: Fast Splittable Pseudorandom
/// Number Generators, 2014), so that a failing property can be run again.
package struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// `count` bytes, made by words: quick enough for megabytes in a debug build.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        var words = (0..<((count + 7) / 8)).map { _ in UInt64(0) }
        for index in words.indices { words[index] = next() }
        return words.withUnsafeBytes { Array($0.prefix(count)) }
    }
}
