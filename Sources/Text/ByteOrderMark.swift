/// U+FEFF at the start of a text, which editors for Windows write in front of UTF-8.
package enum ByteOrderMark {
    package static let scalar: Unicode.Scalar = "\u{FEFF}"
    package static let utf8: [UInt8] = [0xEF, 0xBB, 0xBF]
}

extension String {
    /// The text without a byte-order mark in front.
    package var withoutByteOrderMark: String {
        guard unicodeScalars.first == ByteOrderMark.scalar else { return self }
        return String(unicodeScalars.dropFirst())
    }
}
