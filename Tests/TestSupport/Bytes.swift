import Glibc

// Comparisons of bytes by memcmp(3). In a debug build the standard library's generic == calls a function for each byte, which
// takes a second for 100 MB; these are chosen wherever both sides are known to be bytes.

package func == (one: [UInt8], other: [UInt8]) -> Bool { one[...].hasSameBytes(as: other[...]) }
package func == (one: ArraySlice<UInt8>, other: ArraySlice<UInt8>) -> Bool { one.hasSameBytes(as: other) }

extension [UInt8] {
    package func elementsEqual(_ other: [UInt8]) -> Bool { self[...].hasSameBytes(as: other[...]) }
    package func starts(with prefix: [UInt8]) -> Bool { self[...].starts(with: prefix) }
    package func holdsOnly(_ byte: UInt8) -> Bool { self[...].holdsOnly(byte) }
}

extension ArraySlice<UInt8> {
    package func elementsEqual(_ other: ArraySlice<UInt8>) -> Bool { hasSameBytes(as: other) }

    package func starts(with prefix: [UInt8]) -> Bool {
        count >= prefix.count && self.prefix(prefix.count).hasSameBytes(as: prefix[...])
    }

    package func holdsOnly(_ byte: UInt8) -> Bool {
        // Each is what the one before it is.
        isEmpty || first == byte && dropLast().hasSameBytes(as: dropFirst())
    }

    fileprivate func hasSameBytes(as other: Self) -> Bool {
        withUnsafeBytes { one in other.withUnsafeBytes { one.hasSameBytes(as: $0) } }
    }
}

extension UnsafeRawBufferPointer {
    package func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard let start = baseAddress, let otherStart = other.baseAddress else { return isEmpty }
        return start == otherStart || memcmp(start, otherStart, count) == 0
    }
}
