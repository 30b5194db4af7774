/// A QR code of bytes, with error correction M (15 % of it may be lost): ISO/IEC 18004, byte mode, versions 1 to 40.
///
/// The steps: 1. the bytes with their head and padding; 2. cut into blocks, each with its Reed-Solomon remainder, and
/// interleaved; 3. the patterns that are always there; 4. the bits in a zigzag from the lower right; 5. the mask, of
/// eight, that leaves the least of what confuses a reader.
package struct QRCode: Hashable, Sendable {
    package let version: Int
    /// Modules a side, without the quiet zone.
    package let size: Int
    /// Row by row; true is dark.
    private var modules: [Bool]
    /// Modules that belong to a pattern, and are no data.
    private var isPattern: [Bool]

    /// What a reader needs around the code to find it, in modules (section 5.3.8).
    package static let quietZone = 4

    /// Nil for more bytes than the largest code holds, 2331. `mask` is for tests; without it the standard's rule chooses.
    package init?(_ bytes: [UInt8], mask: Int? = nil) {
        guard let version = (1...40).first(where: { Self.capacity(of: $0) >= bytes.count }) else { return nil }
        self.version = version
        size = version * 4 + 17
        modules = Array(repeating: false, count: size * size)
        isPattern = modules
        drawPatterns()
        place(Self.interleaved(Self.codewords(of: bytes, version: version), version: version))
        var best: (penalty: Int, code: QRCode)?
        for candidate in mask.map({ [$0] }) ?? Array(0..<8) {
            var code = self
            code.apply(mask: candidate)
            code.drawFormat(mask: candidate)
            let penalty = code.penalty
            if best.map({ penalty < $0.penalty }) ?? true { best = (penalty, code) }
        }
        if let best { modules = best.code.modules }
    }

    package init?(_ text: String) { self.init(Array(text.utf8)) }

    /// Whether the module is dark; all outside of the code is light.
    package subscript(row: Int, column: Int) -> Bool {
        guard (0..<size).contains(row), (0..<size).contains(column) else { return false }
        return modules[row * size + column]
    }

    // MARK: Codewords (7.4, 7.5)

    /// Error correction codewords a block, and blocks, for level M by version: table 9.
    private static let correctionCodewords = [
        10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, 28, 28, 28, 28, 28, 28, 28,
        28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    ]
    private static let blocks = [
        1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31,
        33, 35, 37, 38, 40, 43, 45, 47, 49,
    ]

    /// Codewords of both kinds: what the patterns leave of the square.
    private static func allCodewords(of version: Int) -> Int {
        var modules = (16 * version + 128) * version + 64
        if version >= 2 {
            let count = version / 7 + 2
            modules -= (25 * count - 10) * count - 55
            if version >= 7 { modules -= 36 }
        }
        return modules / 8
    }

    private static func dataCodewords(of version: Int) -> Int {
        allCodewords(of: version) - correctionCodewords[version - 1] * blocks[version - 1]
    }

    /// Bytes that fit: all data codewords but the mode's 4 bits and the count's 8, or 16 from version 10 on.
    static func capacity(of version: Int) -> Int { dataCodewords(of: version) - (version < 10 ? 2 : 3) }

    private static func codewords(of bytes: [UInt8], version: Int) -> [UInt8] {
        // Mode 4 and the count push every byte half a codeword on.
        var nibbles: [UInt8] = [4]
        let digits = version < 10 ? 2 : 4
        for digit in (0..<digits).reversed() { nibbles.append(UInt8(bytes.count >> (4 * digit) & 0xF)) }
        for byte in bytes { nibbles += [byte >> 4, byte & 0xF] }
        // The terminator is four zero bits; there is always room for them, since the head has half a codeword.
        nibbles.append(0)
        var words = stride(from: 0, to: nibbles.count, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
        var padding: UInt8 = 0xEC
        while words.count < dataCodewords(of: version) {
            words.append(padding)
            padding ^= 0xEC ^ 0x11
        }
        return words
    }

    private static func interleaved(_ words: [UInt8], version: Int) -> [UInt8] {
        let count = blocks[version - 1]
        let degree = correctionCodewords[version - 1]
        let short = words.count / count
        // The last blocks are one codeword longer.
        let shortBlocks = count - words.count % count
        let generator = ReedSolomon.generator(degree: degree)
        var data: [[UInt8]] = []
        var correction: [[UInt8]] = []
        var rest = words[...]
        for index in 0..<count {
            let block = Array(rest.prefix(short + (index < shortBlocks ? 0 : 1)))
            rest = rest.dropFirst(block.count)
            data.append(block)
            correction.append(ReedSolomon.remainder(of: block, by: generator))
        }
        var result: [UInt8] = []
        for index in 0...short { for block in data where index < block.count { result.append(block[index]) } }
        for index in 0..<degree { for block in correction { result.append(block[index]) } }
        return result
    }

    // MARK: Patterns (6.3)

    private mutating func set(_ row: Int, _ column: Int, _ isDark: Bool) {
        modules[row * size + column] = isDark
        isPattern[row * size + column] = true
    }

    private mutating func drawPatterns() {
        for index in 0..<size {
            set(6, index, index % 2 == 0)
            set(index, 6, index % 2 == 0)
        }
        for (row, column) in [(3, 3), (3, size - 4), (size - 4, 3)] { drawFinder(row, column) }
        let centres = alignmentCentres
        for row in centres {
            for column in centres {
                // The finders take this place.
                let corners = [(6, 6), (6, size - 7), (size - 7, 6)]
                if !corners.contains(where: { $0 == (row, column) }) { drawAlignment(row, column) }
            }
        }
        drawFormat(mask: 0)
        drawVersion()
    }

    /// With the light line around it.
    private mutating func drawFinder(_ row: Int, _ column: Int) {
        for y in -4...4 {
            for x in -4...4 where (0..<size).contains(row + y) && (0..<size).contains(column + x) {
                let ring = max(abs(y), abs(x))
                set(row + y, column + x, ring != 2 && ring != 4)
            }
        }
    }

    private mutating func drawAlignment(_ row: Int, _ column: Int) {
        for y in -2...2 { for x in -2...2 { set(row + y, column + x, max(abs(y), abs(x)) != 1) } }
    }

    /// Table E.1, by the rule that made it: evenly from the right, in even steps; version 32 is the exception.
    private var alignmentCentres: [Int] {
        guard version > 1 else { return [] }
        let count = version / 7 + 2
        let step = version == 32 ? 26 : (version * 4 + count * 2 + 1) / (count * 2 - 2) * 2
        return [6] + (0..<(count - 1)).map { size - 7 - $0 * step }.reversed()
    }

    /// Level and mask, twice (7.9): five bits and their BCH (15, 5) remainder.
    private mutating func drawFormat(mask: Int) {
        // Level M is 00.
        var remainder = mask
        for _ in 0..<10 { remainder = remainder << 1 ^ (remainder >> 9) * 0x537 }
        let bits = (mask << 10 | remainder) ^ 0x5412
        func bit(_ index: Int) -> Bool { bits >> index & 1 == 1 }
        for index in 0..<6 { set(index, 8, bit(index)) }
        set(7, 8, bit(6))
        set(8, 8, bit(7))
        set(8, 7, bit(8))
        for index in 9..<15 { set(8, 14 - index, bit(index)) }
        for index in 0..<8 { set(8, size - 1 - index, bit(index)) }
        for index in 8..<15 { set(size - 15 + index, 8, bit(index)) }
        set(size - 8, 8, true)
    }

    /// From version 7 on, twice (7.10): six bits and their BCH (18, 6) remainder.
    private mutating func drawVersion() {
        guard version >= 7 else { return }
        var remainder = version
        for _ in 0..<12 { remainder = remainder << 1 ^ (remainder >> 11) * 0x1F25 }
        let bits = version << 12 | remainder
        for index in 0..<18 {
            let isDark = bits >> index & 1 == 1
            set(index / 3, size - 11 + index % 3, isDark)
            set(size - 11 + index % 3, index / 3, isDark)
        }
    }

    // MARK: Data and mask (7.7, 7.8)

    private mutating func place(_ words: [UInt8]) {
        var index = 0
        var right = size - 1
        while right >= 1 {
            // The vertical timing pattern is not a column of data.
            if right == 6 { right = 5 }
            let isUpward = (right + 1) & 2 == 0
            for step in 0..<size {
                let row = isUpward ? size - 1 - step : step
                for column in [right, right - 1] where !isPattern[row * size + column] {
                    // Modules that are left over at the end stay light.
                    guard index < words.count * 8 else { continue }
                    modules[row * size + column] = words[index / 8] >> (7 - index % 8) & 1 == 1
                    index += 1
                }
            }
            right -= 2
        }
    }

    private mutating func apply(mask: Int) {
        for row in 0..<size {
            for column in 0..<size where !isPattern[row * size + column] {
                let inverts =
                    switch mask {
                    case 0: (row + column) % 2 == 0
                    case 1: row % 2 == 0
                    case 2: column % 3 == 0
                    case 3: (row + column) % 3 == 0
                    case 4: (row / 2 + column / 3) % 2 == 0
                    case 5: row * column % 2 + row * column % 3 == 0
                    case 6: (row * column % 2 + row * column % 3) % 2 == 0
                    default: ((row + column) % 2 + row * column % 3) % 2 == 0
                    }
                if inverts { modules[row * size + column].toggle() }
            }
        }
    }

    /// The four rules of 7.8.3, table 11.
    var penalty: Int {
        var total = 0
        let lines = (0..<size).map { row in (0..<size).map { modules[row * size + $0] } }
        let columns = (0..<size).map { column in (0..<size).map { modules[$0 * size + column] } }
        for line in lines + columns { total += Self.runPenalty(line) + Self.finderPenalty(line) }
        for row in 0..<(size - 1) {
            for column in 0..<(size - 1) {
                let colour = lines[row][column]
                if lines[row][column + 1] == colour, lines[row + 1][column] == colour,
                    lines[row + 1][column + 1] == colour
                {
                    total += 3
                }
            }
        }
        // 10 for each whole 5 % that the share of dark modules differs from one half.
        let dark = modules.count { $0 }
        return total + abs(dark * 20 - modules.count * 10) / modules.count * 10
    }

    /// 3 for five modules of one colour, and 1 for each more.
    private static func runPenalty(_ line: [Bool]) -> Int {
        var total = 0
        var length = 0
        var colour: Bool?
        for module in line {
            length = module == colour ? length + 1 : 1
            colour = module
            if length == 5 { total += 3 } else if length > 5 { total += 1 }
        }
        return total
    }

    private static let finder = [true, false, true, true, true, false, true]

    /// 40 for what looks like a finder: 1:1:3:1:1 with four light modules before or behind it; the quiet zone is light.
    private static func finderPenalty(_ line: [Bool]) -> Int {
        let margin = Array(repeating: false, count: 4)
        let padded = margin + line + margin
        var total = 0
        for start in 4...(padded.count - 11) where Array(padded[start..<(start + 7)]) == finder {
            if !padded[(start - 4)..<start].contains(true) { total += 40 }
            if !padded[(start + 7)..<(start + 11)].contains(true) { total += 40 }
        }
        return total
    }
}

/// Remainders over GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1 (7.5.2).
enum ReedSolomon {
    static func multiply(_ a: UInt8, _ b: UInt8) -> UInt8 {
        var product: UInt16 = 0
        for bit in (0..<8).reversed() {
            product = product << 1 ^ (product >> 7) * 0x11D
            if b >> bit & 1 == 1 { product ^= UInt16(a) }
        }
        return UInt8(truncatingIfNeeded: product)
    }

    /// The coefficients of (x - 1)(x - 2)(x - 4)…, without the leading one.
    static func generator(degree: Int) -> [UInt8] {
        var result = Array(repeating: UInt8(0), count: degree)
        result[degree - 1] = 1
        var root: UInt8 = 1
        for _ in 0..<degree {
            for index in 0..<degree {
                result[index] = multiply(result[index], root) ^ (index + 1 < degree ? result[index + 1] : 0)
            }
            root = multiply(root, 2)
        }
        return result
    }

    static func remainder(of data: [UInt8], by generator: [UInt8]) -> [UInt8] {
        var result = Array(repeating: UInt8(0), count: generator.count)
        for byte in data {
            let factor = byte ^ result.removeFirst()
            result.append(0)
            for index in result.indices { result[index] ^= multiply(generator[index], factor) }
        }
        return result
    }
}
