import Text

/// What a descriptor block says about one of the copies behind it (kernel, ext4/journal.rst, "Descriptor Block").
struct JournalTag {
    /// The block of the file system.
    let block: UInt64
    /// The copy's first four bytes, which are those of a journal's block, were replaced by zeros.
    let isEscaped: Bool
    var hasUUID: Bool
    var isLast: Bool
    /// Of the copy; what the format keeps of it.
    let checksum: UInt32

    private enum Flag {
        static let escaped: UInt16 = 1
        static let sameUUID: UInt16 = 2
        static let deleted: UInt16 = 4
        static let last: UInt16 = 8
    }

    /// In bytes, with the UUID.
    func size(in format: JournalFormat) -> Int { format.tagSize + (hasUUID ? 16 : 0) }

    init(block: UInt64, isEscaped: Bool, hasUUID: Bool, isLast: Bool, checksum: UInt32) {
        (self.block, self.isEscaped, self.checksum) = (block, isEscaped, checksum)
        (self.hasUUID, self.isLast) = (hasUUID, isLast)
    }

    /// Nil if the tag at `offset` does not fit, or is of a kind that jbd2 does not write.
    init?(in descriptor: [UInt8], at offset: Int, _ format: JournalFormat) {
        guard offset + format.tagSize <= format.tagEnd else { return nil }
        let low = UInt64(descriptor.bigU32(offset))
        let flags: UInt16
        var high: UInt64 = 0
        if format.checksums == .ofBlocks {
            guard descriptor.bigU16(offset + 4) == 0 else { return nil }
            flags = descriptor.bigU16(offset + 6)
            high = UInt64(descriptor.bigU32(offset + 8))
            checksum = descriptor.bigU32(offset + 12)
        } else {
            checksum = UInt32(descriptor.bigU16(offset + 4))
            flags = descriptor.bigU16(offset + 6)
            if format.isLarge { high = UInt64(descriptor.bigU32(offset + 8)) }
        }
        guard flags & ~(Flag.escaped | Flag.sameUUID | Flag.last) == 0, format.isLarge || high == 0 else { return nil }
        block = high << 32 | low
        isEscaped = flags & Flag.escaped != 0
        hasUUID = flags & Flag.sameUUID == 0
        isLast = flags & Flag.last != 0
        guard offset + size(in: format) <= format.tagEnd else { return nil }
    }

    /// The 16 bytes behind a first tag stay zero: nothing reads them.
    func write(to descriptor: inout [UInt8], at offset: Int, _ format: JournalFormat) {
        let flags =
            (isEscaped ? Flag.escaped : 0) | (hasUUID ? 0 : Flag.sameUUID) | (isLast ? Flag.last : 0)
        descriptor.setBig(UInt32(truncatingIfNeeded: block), at: offset)
        descriptor.setBig(flags, at: offset + 6)
        let high = UInt32(truncatingIfNeeded: block >> 32)
        switch format.checksums {
        case .ofBlocks:
            descriptor.setBig(high, at: offset + 8)
            descriptor.setBig(checksum, at: offset + 12)
        case .ofBlocksShort:
            descriptor.setBig(UInt16(truncatingIfNeeded: checksum), at: offset + 4)
            if format.isLarge { descriptor.setBig(high, at: offset + 8) }
        case .none, .ofTransactions:
            if format.isLarge { descriptor.setBig(high, at: offset + 8) }
        }
    }

    /// Whether `copy`, as it is in the log, is what the tag was made for.
    func matches(_ copy: [UInt8], sequence: UInt32, _ format: JournalFormat) -> Bool {
        switch format.checksums {
        case .none, .ofTransactions: true
        case .ofBlocks: checksum == format.sum(of: copy, sequence: sequence)
        case .ofBlocksShort: checksum == format.sum(of: copy, sequence: sequence) & 0xFFFF
        }
    }
}
