/// Little-endian fields of on-disk structures.
extension [UInt8] {
    package func u16(_ offset: Int) -> UInt16 { UInt16(self[offset]) | UInt16(self[offset + 1]) << 8 }

    package func u32(_ offset: Int) -> UInt32 { UInt32(u16(offset)) | UInt32(u16(offset + 2)) << 16 }

    package func u64(_ offset: Int) -> UInt64 { UInt64(u32(offset)) | UInt64(u32(offset + 4)) << 32 }

    package mutating func set(_ value: UInt16, at offset: Int) {
        self[offset] = UInt8(truncatingIfNeeded: value)
        self[offset + 1] = UInt8(truncatingIfNeeded: value >> 8)
    }

    package mutating func set(_ value: UInt32, at offset: Int) {
        set(UInt16(truncatingIfNeeded: value), at: offset)
        set(UInt16(truncatingIfNeeded: value >> 16), at: offset + 2)
    }
}

extension [UInt8] {
    /// The number of `size` bytes (up to 7) at `offset`; nil if it is not inside.
    package func field(_ offset: Int, _ size: Int) -> Int? {
        guard offset >= 0, offset <= count - size else { return nil }
        return self[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
