import CExt2fs
import Diagnostics
import Storage
import Text

/// What the log of a journal holds, read as the kernel's jbd2 and e2fsck read it, but strictly: what they would guess
/// about is refused.
struct JournalReplay {
    /// A copy in the log, and where it belongs.
    private struct Copy {
        let target: UInt64
        let logBlock: Int
        let isEscaped: Bool
        let sequence: UInt32
    }

    private let log: JournalLog
    private let store: any BlockStore
    private var copies: [Copy] = []
    /// By block: the last transaction whose copies must not be written.
    private var revoked: [UInt64: UInt32] = [:]
    /// Of the transaction that would follow.
    private(set) var endSequence: UInt32

    private var format: JournalFormat { log.superblock.format }

    /// Reads all transactions that were committed. Throws if something in them is not as jbd2 writes it.
    init(_ log: JournalLog, on store: some BlockStore) throws(Failure) {
        (self.log, self.store) = (log, store)
        endSequence = log.superblock.sequence
        guard !log.superblock.isEmpty else { return }
        var place = log.superblock.start
        // No log is longer than its ring: each transaction has at least one block.
        var left = log.superblock.log.count
        while let end = try readTransaction(at: place, within: left) {
            left -= end.length
            place = end.next
            endSequence &+= 1
        }
        try checkFastCommits()
    }

    /// Reads the transaction ``endSequence`` at `place`; nil if it was not committed.
    private mutating func readTransaction(
        at place: Int, within most: Int
    ) throws(Failure) -> (next: Int, length: Int)? {
        var place = place
        var length = 0
        var found: [Copy] = []
        var revocations: [UInt64] = []
        var sum: UInt32 = ~0
        func next() throws(Failure) -> [UInt8]? {
            guard length < most else { return nil }
            let block = try read(place)
            place = log.next(after: place)
            length += 1
            return block
        }
        while let block = try next() {
            guard let header = JournalBlock(of: block), header.sequence == endSequence else { return nil }
            switch header.kind {
            case .descriptor:
                try check(block, checksumAt: format.tagEnd)
                sum = ext2fs_crc32_be(sum, block, block.count)
                for tag in try tags(in: block) {
                    let logBlock = place
                    guard let copy = try next() else { return nil }
                    sum = ext2fs_crc32_be(sum, copy, copy.count)
                    guard tag.matches(copy, sequence: endSequence, format) else { throw damaged("a block's checksum") }
                    found.append(
                        Copy(target: tag.block, logBlock: logBlock, isEscaped: tag.isEscaped, sequence: endSequence))
                }
            case .revocation:
                try check(block, checksumAt: format.tagEnd)
                guard let blocks = Self.revocations(in: block, format) else {
                    throw damaged("a list of revoked blocks")
                }
                revocations += blocks
            case .commit:
                try check(block, checksumAt: JournalFormat.commitChecksum)
                if format.checksums == .ofTransactions, block[0x0C] != 0 || block[0x0D] != 0,
                    block[0x0C] != 1 || block[0x0D] != 4 || block.bigU32(JournalFormat.commitChecksum) != sum
                {
                    throw damaged("a transaction's checksum")
                }
                copies += found
                for block in revocations { revoked[block] = endSequence }
                return (place, length)
            case .superblockV1, .superblockV2: return nil
            }
        }
        return nil
    }

    private func tags(in block: [UInt8]) throws(Failure) -> [JournalTag] {
        var tags: [JournalTag] = []
        var offset = JournalBlock.headerSize
        repeat {
            guard let tag = JournalTag(in: block, at: offset, format) else { throw damaged("a descriptor") }
            tags.append(tag)
            offset += tag.size(in: format)
        } while tags.last?.isLast == false
        return tags
    }

    /// journal.rst, "Revocation Block": r_count, then numbers of blocks. Nil if that contradicts itself.
    private static func revocations(in block: [UInt8], _ format: JournalFormat) -> [UInt64]? {
        let (end, size) = (Int(block.bigU32(0x0C)), format.isLarge ? 8 : 4)
        guard end >= 16, end <= format.tagEnd, (end - 16) % size == 0 else { return nil }
        return stride(from: 16, to: end, by: size).map { offset in
            format.isLarge
                ? UInt64(block.bigU32(offset)) << 32 | UInt64(block.bigU32(offset + 4)) : UInt64(block.bigU32(offset))
        }
    }

    private func check(_ block: [UInt8], checksumAt place: Int) throws(Failure) {
        guard format.hasBlockChecksums, block.bigU32(place) != format.sum(of: block, except: place) else { return }
        throw damaged("a checksum")
    }

    /// What the kernel commits quickly is a list of changes to files, for the transaction that would follow (ext4/fast_commit.h:
    /// a tag of kind 9 with the transaction's number begins it). piflash does not replay such lists.
    private func checkFastCommits() throws(Failure) {
        guard format.fastCommitBlocks > 0 else { return }
        let block = try read(log.superblock.log.upperBound)
        if block.u16(0) == 9, block.u32(8) == endSequence { throw damaged("its fast commits") }
    }

    private func read(_ block: Int) throws(Failure) -> [UInt8] {
        try store.bytes(at: log.offset(of: block), count: log.blockSize)
    }

    private func damaged(_ what: String) -> Failure { log.cannotBeReplayed(store, what) }

    // MARK: What belongs where

    /// The blocks of the file system with the contents that the log gives them, by number. Throws if one of them is not
    /// between `blocks`.
    func contents(within blocks: Range<UInt64>) throws(Failure) -> [UInt64: [UInt8]] {
        var contents: [UInt64: [UInt8]] = [:]
        for copy in copies {
            guard blocks.contains(copy.target) else { throw damaged("a block outside the file system") }
            // Numbers of transactions compare as jbd2's tid_geq() does: they wrap.
            if let last = revoked[copy.target], Int32(bitPattern: last &- copy.sequence) >= 0 { continue }
            var bytes = try read(copy.logBlock)
            if copy.isEscaped { bytes.setBig(JournalBlock.magic, at: 0) }
            contents[copy.target] = bytes
        }
        return contents
    }
}

extension JournalLog {
    /// A failure about what could not be replayed.
    func cannotBeReplayed(_ store: any BlockStore, _ what: String) -> Failure {
        Failure(
            .dirtyFilesystem, severity: .refused,
            "\(store.name) cannot be edited: its journal holds changes that piflash cannot carry out (\(what))",
            hint: "boot the card and shut it down cleanly, or run `e2fsck -p` on its partition")
    }
}
