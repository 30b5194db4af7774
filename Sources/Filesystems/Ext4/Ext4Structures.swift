import CExt2fs
import Diagnostics

#if canImport(Glibc)
    import Glibc
#endif

/// The blocks that a file system needs for itself: superblocks, group descriptors and the blocks reserved for more of them,
/// bitmaps, inode tables, and the block of multiple mount protection.
final class Ext4Structures {
    private let handle: Ext4Handle
    private let map: ext2fs_block_bitmap?

    /// The group descriptors of `handle` must name blocks inside the file system.
    init(of handle: Ext4Handle) throws(Failure) {
        self.handle = handle
        let fs = handle.fs
        var map: ext2fs_block_bitmap?
        try handle.check(ext2fs_allocate_block_bitmap(fs, "structures", &map), "checking its block bitmaps")
        self.map = map
        // With bigalloc, several structures may lie in one cluster, which the map does not tell apart.
        let sharesClusters = fs.pointee.cluster_ratio_bits > 0
        for group in handle.groups { ext2fs_reserve_super_and_bgd(fs, group, map) }
        for group in handle.groups {
            let parts: [(UInt64, UInt32)] = [
                (ext2fs_block_bitmap_loc(fs, group), 1), (ext2fs_inode_bitmap_loc(fs, group), 1),
                (ext2fs_inode_table_loc(fs, group), fs.pointee.inode_blocks_per_group),
            ]
            for (start, count) in parts {
                guard sharesClusters || ext2fs_test_block_bitmap_range2(map, start, count) != 0 else {
                    throw handle.damaged("two of its structures are in the same place, at block \(start) or behind it")
                }
                ext2fs_mark_block_bitmap_range2(map, start, count)
            }
        }
        let superblock = handle.superblock
        if ext2fs_has_feature_mmp(fs.pointee.super) != 0, superblock.s_mmp_block < ext2fs_blocks_count(fs.pointee.super)
        {
            ext2fs_mark_generic_bmap(map, superblock.s_mmp_block)
        }
    }

    deinit { ext2fs_free_block_bitmap(map) }

    func contains(_ block: UInt64) -> Bool { ext2fs_test_generic_bmap(map, block) != 0 }

    /// Nil if none of `blocks` (block numbers, not empty) is a structure's.
    func firstBlock(in blocks: Range<Int64>) throws(Failure) -> UInt64? {
        var found: UInt64 = 0
        let code = ext2fs_find_first_set_block_bitmap2(
            map, UInt64(blocks.lowerBound), UInt64(blocks.upperBound - 1), &found)
        if code == errcode_t(ENOENT) { return nil }
        try handle.check(code, "checking its block bitmaps")
        return found
    }
}
