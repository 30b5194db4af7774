import CExt2fs
import Diagnostics
import Host
import Storage

#if canImport(Glibc)
    import Glibc
#endif

/// Where an ext2, ext3 or ext4 file system keeps nothing.
///
/// libext2fs reads its block bitmaps, and makes those of groups that were never used (BLOCK_UNINIT), whose blocks on the
/// medium may hold anything. What it lets pass is checked here: it takes a group as free whose bitmap lies outside the file
/// system, and compares nothing with the numbers of free blocks, which are all that there is without checksums.
struct Ext4FreeSpace {
    /// The bytes of blocks that the bitmaps call free.
    let ranges: ByteRanges

    /// Reads the file system that starts where `store` does.
    ///
    /// Throws, with the reason, when its bitmaps cannot be relied on: it was not unmounted cleanly, has errors, does not
    /// fit into the store, or contradicts itself.
    init(of store: any BlockStore) throws(Failure) {
        let name = store.name
        try Ext4Features.checkReadable(store, name: name)
        // Nothing is written: the time does not matter.
        let handle = try Ext4Handle(Ext4Channel(reading: store, name: name), time: 1)
        if let problem = handle.accountingProblem(storeSize: store.size) {
            throw Failure(problem.code, "\(name): \(problem.reason)", hint: problem.hint)
        }
        let features = Ext4Features(
            incompatible: handle.superblock.s_feature_incompat,
            readOnlyCompatible: handle.superblock.s_feature_ro_compat)
        guard features.unaccounted.isEmpty else {
            throw Failure(
                .unsupportedFilesystem, "\(name): it has \(features.unaccounted.joined(separator: ", "))")
        }
        try handle.checkGroupDescriptors()
        try handle.check(ext2fs_read_block_bitmap(handle.fs), "reading what is free")
        let free = try handle.freeBlocks()
        try handle.checkStructures(outside: free)
        try handle.checkCounts(of: free)
        let size = Int64(handle.fs.pointee.blocksize)
        ranges = ByteRanges(free.ranges.map { $0.lowerBound * size..<$0.upperBound * size })
    }
}

extension Ext4FreeSpace {
    /// The free bytes of the file system that fills `store`, read in a confined process if such are used.
    static func ranges(of store: any BlockStore) throws(Failure) -> ByteRanges {
        guard Confinement.isUsed else { return try Ext4FreeSpace(of: store).ranges }
        let request = FilesystemRequest.freeSpace.values(on: store, name: store.name, time: 1)
        var result = try ConfinedProcess(.filesystem).call(request) { (question) throws(Failure) in
            try ConfinedStore.answer(question, from: store)
        }
        return try result.ranges()
    }
}

extension Ext4Handle {
    private var groups: Range<UInt32> { 0..<fs.pointee.group_desc_count }

    private func damaged(_ what: String) -> Failure { Failure(.damagedFilesystem, "\(name): \(what)") }

    /// Throws unless the checksums of the group descriptors are right, and what they name lies where it may lie.
    fileprivate func checkGroupDescriptors() throws(Failure) {
        // 1 where the file system has no checksums.
        for group in groups where ext2fs_group_desc_csum_verify(fs, group) == 0 {
            throw damaged("the checksum of its group \(group) is wrong")
        }
        try check(ext2fs_check_desc(fs), "checking its groups")
    }

    /// In block numbers. What precedes the first data block (the boot block where blocks have 1 KiB) is not among them.
    fileprivate func freeBlocks() throws(Failure) -> ByteRanges {
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

    /// Throws when a block of the file system's own structures is called free.
    fileprivate func checkStructures(outside free: ByteRanges) throws(Failure) {
        var map: ext2fs_block_bitmap?
        try check(ext2fs_allocate_block_bitmap(fs, "structures", &map), "checking its block bitmaps")
        defer { ext2fs_free_block_bitmap(map) }
        for group in groups {
            // The superblock or its backup, the group descriptors, and the blocks reserved for more of them.
            ext2fs_reserve_super_and_bgd(fs, group, map)
            ext2fs_mark_generic_bmap(map, ext2fs_block_bitmap_loc(fs, group))
            ext2fs_mark_generic_bmap(map, ext2fs_inode_bitmap_loc(fs, group))
            ext2fs_mark_block_bitmap_range2(
                map, ext2fs_inode_table_loc(fs, group), fs.pointee.inode_blocks_per_group)
        }
        if ext2fs_has_feature_mmp(fs.pointee.super) != 0 {
            ext2fs_mark_generic_bmap(map, superblock.s_mmp_block)
        }
        for run in free.ranges {
            // The first block at or after the start of the free run that is a structure's.
            var found: UInt64 = 0
            let code = ext2fs_find_first_set_block_bitmap2(
                map, UInt64(run.lowerBound), UInt64(run.upperBound - 1), &found)
            if code == errcode_t(ENOENT) { continue }
            try check(code, "checking its block bitmaps")
            throw damaged("its block bitmaps call block \(found) free, which it uses itself")
        }
    }

    /// Throws when the number of free blocks of a group is not what its descriptor says. With bigalloc, both are numbers of
    /// clusters.
    fileprivate func checkCounts(of free: ByteRanges) throws(Failure) {
        let ratio = Int64(1) << Int64(fs.pointee.cluster_ratio_bits)
        var runs = free.ranges[...]
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
        }
    }
}
