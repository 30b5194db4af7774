import CExt2fs
import Diagnostics
import Storage
import Text

/// The bytes of a superblock, for what libext2fs does not do: the flags that order an edit (kernel, ext4/super.rst).
struct Ext4Superblock {
    /// In bytes; the superblock is as long as what is before it.
    static let offset: Int64 = 1024
    static let size = 1024

    private(set) var bytes: [UInt8]

    /// The superblock of the file system that fills `store`.
    init(of store: some BlockStore) throws(Failure) { bytes = try store.bytes(at: Self.offset, count: Self.size) }

    /// Whether it has the magic number, and the checksum that it should have.
    var isValid: Bool {
        bytes.u16(0x38) == UInt16(EXT2_SUPER_MAGIC) && (!hasChecksum || sum == bytes.u32(0x3FC))
    }
    /// In bytes: s_log_block_size, at most 64 KiB, which libext2fs has checked.
    var blockSize: Int { 1024 << Int(min(bytes.u32(0x18), 6)) }
    /// s_blocks_count_lo, and s_blocks_count_hi where the feature 64bit has it.
    var blockCount: UInt64 {
        let isLarge = bytes.u32(0x60) & UInt32(EXT4_FEATURE_INCOMPAT_64BIT) != 0
        return UInt64(bytes.u32(0x04)) | (isLarge ? UInt64(bytes.u32(0x150)) << 32 : 0)
    }
    /// s_wtime: when it was written last, in seconds since 1970.
    var writeTime: UInt32 { bytes.u32(0x30) }
    /// A superblock of revision 0 has no features (s_rev_level).
    private var hasFeatures: Bool { bytes.u32(0x4C) > 0 }
    var hasJournal: Bool { hasFeatures && bytes.u32(0x5C) & UInt32(EXT3_FEATURE_COMPAT_HAS_JOURNAL) != 0 }
    /// The flag that makes the kernel and e2fsck replay the journal before they use the file system.
    var needsRecovery: Bool { hasFeatures && bytes.u32(0x60) & UInt32(EXT3_FEATURE_INCOMPAT_RECOVER) != 0 }
    private var hasChecksum: Bool {
        hasFeatures && bytes.u32(0x64) & UInt32(EXT4_FEATURE_RO_COMPAT_METADATA_CSUM) != 0
    }

    /// The same with ``needsRecovery`` set or not.
    func needingRecovery(_ flag: Bool) -> Self {
        var new = self
        let bit = UInt32(EXT3_FEATURE_INCOMPAT_RECOVER)
        new.bytes.set(flag ? bytes.u32(0x60) | bit : bytes.u32(0x60) & ~bit, at: 0x60)
        new.updateChecksum(of: self)
        return new
    }

    /// The same, but s_state says that the file system was not unmounted cleanly.
    func unclean() -> Self {
        var new = self
        new.bytes[0x3A] &= ~UInt8(EXT2_VALID_FS)
        new.updateChecksum(of: self)
        return new
    }

    /// The same with the checksum of `old`.
    func keepingChecksum(of old: Self) -> Self {
        var new = self
        new.updateChecksum(of: old)
        return new
    }

    // MARK: The checksum

    /// s_checksum at 0x3FC is the CRC32C of all bytes before it.
    private var sum: UInt32 { ext2fs_crc32c_le(~0, bytes, 0x3FC) }

    /// Makes the checksum right without a change of its value.
    ///
    /// It is in the second sector of 512 bytes, the flags are in the first. If both changed, a medium that took only one of
    /// the two before a power cut would have a superblock that neither the kernel nor e2fsck opens. Therefore the
    /// difference goes into s_algorithm_usage_bitmap, which is for a feature (compression) that no kernel has and that
    /// piflash refuses to open: one sector changes, and that as a whole.
    private mutating func updateChecksum(of old: Self) {
        guard hasChecksum else { return }
        bytes.set(UInt32(0), at: 0xC8)
        let base = sum
        var difference = base ^ old.bytes.u32(0x3FC)
        // A CRC is linear: each bit of the field flips its own set of bits of the sum. Elimination finds which to set.
        var rows: [(sum: UInt32, field: UInt32)] = []
        for bit in 0..<32 {
            bytes.set(UInt32(1) << UInt32(bit), at: 0xC8)
            var row = (sum: sum ^ base, field: UInt32(1) << UInt32(bit))
            for other in rows where row.sum & other.sum.highestBit != 0 {
                row.sum ^= other.sum
                row.field ^= other.field
            }
            rows.append(row)
        }
        var field: UInt32 = 0
        for row in rows where difference & row.sum.highestBit != 0 {
            difference ^= row.sum
            field ^= row.field
        }
        bytes.set(field, at: 0xC8)
        bytes.set(sum, at: 0x3FC)
    }
}

extension UInt32 {
    fileprivate var highestBit: UInt32 { self == 0 ? 0 : 1 << UInt32(31 - leadingZeroBitCount) }
}
