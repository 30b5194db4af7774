import CExt2fs
import Text

/// The first block of a journal (kernel, ext4/journal.rst, "Super Block").
struct JournalSuperblock {
    /// In bytes; the rest of its block is not used.
    static let size = 1024

    private(set) var bytes: [UInt8]
    let format: JournalFormat
    /// In blocks: where the log begins, and where it ends. Blocks of fast commits are behind its end.
    let log: Range<Int>

    /// The number of the next transaction; of the first one in the log if it holds any.
    var sequence: UInt32 { bytes.bigU32(0x18) }
    /// The block where the log's first transaction begins; 0 if the log is empty.
    var start: Int { Int(bytes.bigU32(0x1C)) }
    var isEmpty: Bool { start == 0 }

    /// Why a journal cannot be used.
    struct Problem: Error {
        /// "it has …", for a message about the journal.
        let reason: String
    }

    /// - Parameters:
    ///   - bytes: The journal's first block.
    ///   - count: How many blocks the journal has.
    init(_ bytes: [UInt8], blockSize: Int, count: Int) throws(Problem) {
        guard bytes.count >= Self.size, let header = JournalBlock(of: bytes),
            [.superblockV1, .superblockV2].contains(header.kind), Int(bytes.bigU32(0x0C)) == blockSize
        else { throw Problem(reason: "it has no valid superblock") }
        self.bytes = Array(bytes.prefix(Self.size))
        format = try JournalFormat(self.bytes, hasFeatures: header.kind == .superblockV2, blockSize: blockSize)
        let (length, first) = (Int(bytes.bigU32(0x10)), Int(bytes.bigU32(0x14)))
        let end = length - format.fastCommitBlocks
        guard length <= count, first >= 1, first < end else {
            throw Problem(reason: "its size contradicts its file")
        }
        log = first..<end
        guard isEmpty || log.contains(start) else { throw Problem(reason: "it starts outside its log") }
        if format.hasBlockChecksums, self.bytes.bigU32(Self.checksumOffset) != checksum {
            throw Problem(reason: "the checksum of its superblock is wrong")
        }
        guard bytes.bigU32(0x20) == 0 else { throw Problem(reason: "it has recorded an error") }
    }

    /// The same, with a log that begins at `start` with transaction `sequence`, or is empty if `start` is 0. All that
    /// changes is in the first sector of 512 bytes: a power cut cannot keep a part of it.
    func with(start: Int, sequence: UInt32) -> Self {
        var new = self
        new.bytes.setBig(sequence, at: 0x18)
        new.bytes.setBig(UInt32(start), at: 0x1C)
        if format.hasBlockChecksums { new.bytes.setBig(new.checksum, at: Self.checksumOffset) }
        return new
    }

    private static let checksumOffset = 0xFC
    private var checksum: UInt32 {
        var zeroed = bytes
        zeroed.setBig(UInt32(0), at: Self.checksumOffset)
        return ext2fs_crc32c_le(~0, zeroed, zeroed.count)
    }
}
