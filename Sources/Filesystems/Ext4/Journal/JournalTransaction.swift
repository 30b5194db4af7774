import CExt2fs
import Text

/// One transaction of a journal, as the kernel's jbd2 writes it.
struct JournalTransaction {
    let format: JournalFormat
    let sequence: UInt32
    /// Of the commit, in seconds since 1970.
    let time: UInt32

    /// How many blocks of the log a transaction of `count` blocks takes: with its descriptors, its commit block, and an empty
    /// block behind it, so that nothing that is left of earlier use follows.
    static func length(of count: Int, _ format: JournalFormat) -> Int {
        count + (count + format.tagsPerDescriptor - 1) / format.tagsPerDescriptor + 2
    }

    /// The blocks of the log, in their order, that give `blocks` of the file system their contents.
    func encoded(_ blocks: [(number: UInt64, bytes: [UInt8])]) -> [[UInt8]] {
        var log: [[UInt8]] = []
        var sum: UInt32 = ~0
        for start in stride(from: 0, to: blocks.count, by: format.tagsPerDescriptor) {
            let part = blocks[start..<min(start + format.tagsPerDescriptor, blocks.count)]
            let described = describe(part)
            for block in described { sum = ext2fs_crc32_be(sum, block, block.count) }
            log += described
        }
        log.append(commit(sum: sum))
        log.append([UInt8](repeating: 0, count: format.blockSize))
        return log
    }

    /// A descriptor block and the copies that it describes.
    private func describe(_ blocks: ArraySlice<(number: UInt64, bytes: [UInt8])>) -> [[UInt8]] {
        var descriptor = JournalBlock.empty(.descriptor, sequence: sequence, size: format.blockSize)
        var copies: [[UInt8]] = []
        var offset = JournalBlock.headerSize
        for (index, block) in zip(blocks.indices, blocks) {
            var copy = block.bytes
            let isEscaped = copy.bigU32(0) == JournalBlock.magic
            if isEscaped { copy.setBig(UInt32(0), at: 0) }
            let tag = JournalTag(
                block: block.number, isEscaped: isEscaped, hasUUID: index == blocks.startIndex,
                isLast: index == blocks.endIndex - 1,
                checksum: format.hasBlockChecksums ? format.sum(of: copy, sequence: sequence) : 0)
            tag.write(to: &descriptor, at: offset, format)
            offset += tag.size(in: format)
            copies.append(copy)
        }
        if format.hasBlockChecksums {
            descriptor.setBig(format.sum(of: descriptor, except: format.tagEnd), at: format.tagEnd)
        }
        return [descriptor] + copies
    }

    /// The block that makes the transaction valid (journal.rst, "Commit Block").
    private func commit(sum: UInt32) -> [UInt8] {
        var block = JournalBlock.empty(.commit, sequence: sequence, size: format.blockSize)
        // h_commit_sec, 64 bits
        block.setBig(time, at: 0x34)
        if format.checksums == .ofTransactions {
            // h_chksum_type: JBD2_CRC32_CHKSUM; h_chksum_size: 4 bytes
            block[0x0C] = 1
            block[0x0D] = 4
            block.setBig(sum, at: JournalFormat.commitChecksum)
        } else if format.hasBlockChecksums {
            block.setBig(
                format.sum(of: block, except: JournalFormat.commitChecksum), at: JournalFormat.commitChecksum)
        }
        return block
    }
}
