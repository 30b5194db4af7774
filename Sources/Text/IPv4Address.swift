/// An IPv4 address in dotted decimal: "192.168.50.10".
///
/// Exactly four numbers from 0 to 255 without leading zeros: some programs read "010" as octal, others as decimal, so an
/// address with a leading zero is not one.
package struct IPv4Address: Hashable, Comparable, Sendable, LosslessStringConvertible {
    /// The first number is the highest byte.
    package let bits: UInt32

    package init(bits: UInt32) { self.bits = bits }

    /// Nil if `text` is not an address.
    package init?(_ text: String) { self.init(text[...]) }

    /// Nil if `text` is not an address. Reads bytes, not characters: a rack of a thousand nodes compares each of them
    /// with the addresses of all others.
    package init?(_ text: Substring) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard let byte = decimal(part, upTo: 255) else { return nil }
            bits = bits << 8 | UInt32(byte)
        }
        self.bits = bits
    }

    package var bytes: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bits >> $0) } }

    package var description: String { bytes.map(String.init).joined(separator: ".") }

    package static func < (left: IPv4Address, right: IPv4Address) -> Bool { left.bits < right.bits }
}

/// The number in `digits`: decimal, without a sign and without leading zeros, at most `limit`; nil for anything else.
func decimal(_ digits: some Collection<UInt8>, upTo limit: Int) -> Int? {
    guard let first = digits.first, digits.count == 1 || first != UInt8(ascii: "0") else { return nil }
    var value = 0
    for digit in digits {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
        value = value * 10 + Int(digit - UInt8(ascii: "0"))
        guard value <= limit else { return nil }
    }
    return value
}
