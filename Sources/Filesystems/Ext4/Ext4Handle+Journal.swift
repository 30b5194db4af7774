import CExt2fs
import Diagnostics
import Host
import Storage

extension Ext4Handle {
    /// Where the blocks of the journal's inode are, in their order, in bytes. Throws unless they are inside the file system
    /// and without a gap; empty if there is no journal inside.
    func journalRuns() throws(Failure) -> [Range<Int64>] {
        let number = superblock.s_journal_inum
        guard ext2fs_has_feature_journal(fs.pointee.super) != 0, number != 0, superblock.s_journal_dev == 0 else {
            return []
        }
        let damaged = Failure(.damagedFilesystem, "\(name): the blocks of its journal are not in order")
        guard number == UInt32(EXT2_JOURNAL_INO), try inode(number).isFile else { throw damaged }
        var found = Found(size: Int64(fs.pointee.blocksize))
        let code = withUnsafeMutablePointer(to: &found) { found in
            ext2fs_block_iterate3(
                fs, number, BLOCK_FLAG_READ_ONLY | BLOCK_FLAG_DATA_ONLY, nil,
                { fs, block, index, _, _, found in
                    guard let fs, let block = block?.pointee,
                        let found = found?.assumingMemoryBound(to: Found.self), index == found.pointee.count,
                        block > fs.pointee.super.pointee.s_first_data_block,
                        block < ext2fs_blocks_count(fs.pointee.super)
                    else {
                        found?.assumingMemoryBound(to: Found.self).pointee.isDamaged = true
                        return BLOCK_ABORT
                    }
                    found.pointee.add(Int64(block))
                    return 0
                }, found)
        }
        try check(code, "reading where its journal is")
        guard !found.isDamaged else { throw damaged }
        return found.runs
    }

    private struct Found {
        let size: Int64
        var runs: [Range<Int64>] = []
        var count: Int64 = 0
        var isDamaged = false

        mutating func add(_ block: Int64) {
            let range = block * size..<(block + 1) * size
            count += 1
            if let last = runs.last, last.upperBound == range.lowerBound {
                runs[runs.count - 1] = last.lowerBound..<range.upperBound
            } else {
                runs.append(range)
            }
        }
    }
}

extension JournalLog {
    /// Where libext2fs finds the journal of the file system that fills `store`, asked in a confined process if such are used.
    static func runs(of store: any BlockStore) throws(Failure) -> [Range<Int64>] {
        guard Confinement.isUsed else {
            // Nothing is written: the time does not matter.
            return try Ext4Handle(Ext4Channel(reading: store, name: store.name), time: 1).journalRuns()
        }
        let request = FilesystemRequest.journal.values(on: store, name: store.name, time: 1)
        var result = try ConfinedProcess(.filesystem).call(request) { (question) throws(Failure) in
            try ConfinedStore.answer(question, from: store)
        }
        var runs: [Range<Int64>] = []
        for _ in 0..<(try result.count(ofAtLeast: 16)) { runs.append(try result.range()) }
        return runs
    }
}
