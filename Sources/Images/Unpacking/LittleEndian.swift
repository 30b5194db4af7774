extension [UInt8] {
    /// The number whose lowest byte is at `offset`.
    func littleEndian<Number: FixedWidthInteger>(_: Number.Type, at offset: Int) -> Number {
        (0..<Number.bitWidth / 8).reduce(0) { $0 | Number(self[offset + $1]) << Number(8 * $1) }
    }
}
