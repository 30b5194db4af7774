import CExt2fs
import Text

/// What the features of a journal say about the blocks of its log (kernel, ext4/journal.rst; fs/jbd2).
struct JournalFormat {
    enum Checksums {
        case none
        /// JBD2_FEATURE_COMPAT_CHECKSUM: one sum of a whole transaction, in its commit block.
        case ofTransactions
        /// JBD2_FEATURE_INCOMPAT_CSUM_V2: each block has a sum; a tag holds 16 bits of it.
        case ofBlocksShort
        /// JBD2_FEATURE_INCOMPAT_CSUM_V3: a tag holds all 32 bits.
        case ofBlocks
    }

    let blockSize: Int
    let checksums: Checksums
    /// Whether numbers of blocks have 64 bits.
    let isLarge: Bool
    /// How many blocks behind the log are for fast commits.
    let fastCommitBlocks: Int
    private let seed: UInt32

    init(_ superblock: [UInt8], hasFeatures: Bool, blockSize: Int) throws(JournalSuperblock.Problem) {
        self.blockSize = blockSize
        seed = ext2fs_crc32c_le(~0, Array(superblock[0x30..<0x40]), 16)
        guard hasFeatures else { (checksums, isLarge, fastCommitBlocks) = (.none, false, 0); return }
        let (compatible, incompatible) = (superblock.bigU32(0x24), superblock.bigU32(0x28))
        // JBD2_FEATURE_INCOMPAT_: REVOKE 1, 64BIT 2, ASYNC_COMMIT 4, CSUM_V2 8, CSUM_V3 16, FAST_COMMIT 32.
        guard compatible & ~1 == 0, incompatible & ~0x3F == 0, superblock.bigU32(0x2C) == 0 else {
            throw JournalSuperblock.Problem(reason: "it has an unknown feature")
        }
        switch (compatible & 1, incompatible & 0x18) {
        case (0, 0): checksums = .none
        case (1, 0): checksums = .ofTransactions
        case (0, 0x08): checksums = .ofBlocksShort
        case (0, 0x10): checksums = .ofBlocks
        default: throw JournalSuperblock.Problem(reason: "it has two kinds of checksums")
        }
        isLarge = incompatible & 2 != 0
        let stated = Int(superblock.bigU32(0x54))
        // JBD2_DEFAULT_FAST_COMMIT_BLOCKS
        fastCommitBlocks = incompatible & 0x20 == 0 ? 0 : stated == 0 ? 256 : stated
        // 4 is CRC32C, the only one that jbd2 knows.
        guard !hasBlockChecksums || superblock[0x50] == 4 else {
            throw JournalSuperblock.Problem(reason: "it has an unknown kind of checksum")
        }
    }

    var hasBlockChecksums: Bool { checksums == .ofBlocks || checksums == .ofBlocksShort }

    /// In bytes, without the UUID that follows a transaction's first tag (journal_tag_bytes() of fs/jbd2/journal.c).
    var tagSize: Int {
        switch checksums {
        case .ofBlocks: 16
        case .ofBlocksShort: isLarge ? 14 : 10
        case .none, .ofTransactions: isLarge ? 12 : 8
        }
    }

    /// In bytes: the checksum at the end of a descriptor or a revocation block.
    var tailSize: Int { hasBlockChecksums ? 4 : 0 }

    /// Where the tags of a descriptor block must end.
    var tagEnd: Int { blockSize - tailSize }

    /// How many tags a descriptor block holds. The first one is followed by a UUID of 16 bytes.
    var tagsPerDescriptor: Int { (tagEnd - JournalBlock.headerSize - 16) / tagSize }

    // MARK: Checksums

    /// Of a copy in the log, as it is there.
    func sum(of copy: [UInt8], sequence: UInt32) -> UInt32 {
        var number = [UInt8](repeating: 0, count: 4)
        number.setBig(sequence, at: 0)
        return ext2fs_crc32c_le(ext2fs_crc32c_le(seed, number, 4), copy, copy.count)
    }

    /// Of a block of the journal; the four bytes at `place`, where its checksum is, count as zeros.
    func sum(of block: [UInt8], except place: Int) -> UInt32 {
        var zeroed = block
        zeroed.setBig(UInt32(0), at: place)
        return ext2fs_crc32c_le(seed, zeroed, zeroed.count)
    }

    /// Where a commit block has its checksum: h_chksum[0].
    static let commitChecksum = 0x10
}
