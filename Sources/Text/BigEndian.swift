/// Big-endian fields of on-disk structures.
extension [UInt8] {
    package func bigU16(_ offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }

    package func bigU32(_ offset: Int) -> UInt32 { UInt32(bigU16(offset)) << 16 | UInt32(bigU16(offset + 2)) }

    package mutating func setBig(_ value: UInt16, at offset: Int) {
        self[offset] = UInt8(truncatingIfNeeded: value >> 8)
        self[offset + 1] = UInt8(truncatingIfNeeded: value)
    }

    package mutating func setBig(_ value: UInt32, at offset: Int) {
        setBig(UInt16(truncatingIfNeeded: value >> 16), at: offset)
        setBig(UInt16(truncatingIfNeeded: value), at: offset + 2)
    }
}
