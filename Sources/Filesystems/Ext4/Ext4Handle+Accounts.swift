import CExt2fs
import Diagnostics
import Storage

#if canImport(Glibc)
    import Glibc
#endif

/// A file system's accounts of what is free: bitmaps, and the numbers in group descriptors and superblock.
///
/// libext2fs uses the bitmaps as they are. What it lets pass is checked here: it takes a group as free whose bitmap lies
/// outside the file system, and compares nothing with the numbers, which are all that there is without checksums.
extension Ext4Handle {
    /// Reads the bitmaps and returns the free blocks, in block numbers.
    ///
    /// What precedes the first data block (the boot block where blocks have 1 KiB) is not among them. Throws
    /// `.damagedFilesystem`, with the reason, when the accounts contradict each other. A block that belongs to a file and is
    /// called free is found by ``checkClaims()``, unless the numbers show it.
    func checkAccounts() throws(Failure) -> ByteRanges {
        try checkGroupDescriptors()
        try readBitmaps()
        let free = try freeBlocks()
        try checkStructures(outside: free)
        try checkBlockCounts(of: free)
        try checkInodeCounts()
        return free
    }

    var groups: Range<UInt32> { 0..<fs.pointee.group_desc_count }

    /// Throws unless the checksums of the group descriptors are right, and what they name lies where it may lie.
    private func checkGroupDescriptors() throws(Failure) {
        // 1 where the file system has no checksums.
        for group in groups where ext2fs_group_desc_csum_verify(fs, group) == 0 {
            throw damaged("the checksum of its group \(group) is wrong")
        }
        let (first, blocks) = (UInt64(superblock.s_first_data_block), ext2fs_blocks_count(fs.pointee.super))
        for group in groups {
            let table = ext2fs_inode_table_loc(fs, group)
            let length = UInt64(fs.pointee.inode_blocks_per_group)
            for (what, start, count) in [
                ("block bitmap", ext2fs_block_bitmap_loc(fs, group), 1),
                ("inode bitmap", ext2fs_inode_bitmap_loc(fs, group), 1), ("inode table", table, length),
            ] where start < first || start >= blocks || count > blocks - start {
                throw damaged("the \(what) of its group \(group) is at block \(start), where it cannot be")
            }
        }
        try check(ext2fs_check_desc(fs), "checking its groups")
    }

    private func freeBlocks() throws(Failure) -> ByteRanges {
        let last = ext2fs_blocks_count(fs.pointee.super) - 1
        var runs: [Range<Int64>] = []
        var block = UInt64(fs.pointee.super.pointee.s_first_data_block)
        while block <= last {
            var start: UInt64 = 0
            let found = ext2fs_find_first_zero_block_bitmap2(fs.pointee.block_map, block, last, &start)
            if found == errcode_t(ENOENT) { break }
            try check(found, "looking for free blocks")
            var end: UInt64 = 0
            let ended = ext2fs_find_first_set_block_bitmap2(fs.pointee.block_map, start, last, &end)
            if ended == errcode_t(ENOENT) { end = last + 1 } else { try check(ended, "looking for free blocks") }
            guard start < end else { throw damaged("its block bitmaps contradict themselves") }
            runs.append(Int64(start)..<Int64(end))
            block = end
        }
        return ByteRanges(runs)
    }

    /// Throws when a block of the file system's own structures is called free, or belongs to two of them.
    private func checkStructures(outside free: ByteRanges) throws(Failure) {
        let map = try Ext4Structures(of: self)
        for run in free.ranges {
            guard let found = try map.firstBlock(in: run) else { continue }
            throw damaged("its block bitmaps call block \(found) free, which it uses itself")
        }
    }

    /// Throws when the number of free blocks of a group, or of all, is not what its descriptor and the superblock say. With
    /// bigalloc, these are numbers of clusters.
    private func checkBlockCounts(of free: ByteRanges) throws(Failure) {
        let ratio = Int64(1) << Int64(fs.pointee.cluster_ratio_bits)
        var runs = free.ranges[...]
        var total: Int64 = 0
        for group in groups {
            let end = Int64(clamping: ext2fs_group_last_block2(fs, group)) + 1
            var count: Int64 = 0
            while let run = runs.first, run.lowerBound < end {
                let part = run.clamped(to: run.lowerBound..<end)
                count += (Int64(part.count) + ratio - 1) / ratio
                runs.removeFirst()
                if run.upperBound > end { runs = [end..<run.upperBound] + runs }
            }
            guard count == Int64(ext2fs_bg_free_blocks_count(fs, group)) else {
                throw damaged("group \(group) has \(count) free blocks, but its descriptor says otherwise")
            }
            total += count
        }
        // The superblock counts blocks, in whole clusters.
        let noted = ext2fs_free_blocks_count(fs.pointee.super)
        guard noted == UInt64(total * ratio) else {
            throw damaged("it has \(total * ratio) free blocks, but its superblock says \(noted)")
        }
    }

    /// The same for inodes. Throws, too, when an inode in use lies in the part of a group's inode table that its
    /// descriptor calls unused, which nobody reads.
    private func checkInodeCounts() throws(Failure) {
        let perGroup = superblock.s_inodes_per_group
        let readsAll = ext2fs_has_group_desc_csum(fs) == 0
        var total: UInt32 = 0
        for group in groups {
            let first = group * perGroup + 1
            var (used, last): (UInt32, UInt32) = (0, 0)
            var number = first
            while number < first + perGroup {
                var start: UInt32 = 0
                let end = first + perGroup - 1
                let found = ext2fs_find_first_set_inode_bitmap2(fs.pointee.inode_map, number, end, &start)
                if found == errcode_t(ENOENT) { break }
                try check(found, "looking for free inodes")
                var next: UInt32 = 0
                let ended = ext2fs_find_first_zero_inode_bitmap2(fs.pointee.inode_map, start, end, &next)
                if ended == errcode_t(ENOENT) { next = end + 1 } else { try check(ended, "looking for free inodes") }
                guard start < next else { throw damaged("its inode bitmaps contradict themselves") }
                used += next - start
                last = next - first
                number = next
            }
            guard perGroup - used == ext2fs_bg_free_inodes_count(fs, group) else {
                throw damaged("group \(group) has \(perGroup - used) free inodes, but its descriptor says otherwise")
            }
            let unused = readsAll ? 0 : ext2fs_bg_itable_unused(fs, group)
            guard unused <= perGroup - last else {
                throw damaged("group \(group) has inodes in use that its descriptor calls unused")
            }
            total += perGroup - used
        }
        guard total == superblock.s_free_inodes_count else {
            throw damaged("it has \(total) free inodes, but its superblock says \(superblock.s_free_inodes_count)")
        }
    }
}
