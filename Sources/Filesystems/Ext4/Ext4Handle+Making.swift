import CExt2fs
import Diagnostics

/// Making and freeing inodes: what the kernel does in fs/ext4/ialloc.c, with the parts that libext2fs offers.
extension Ext4Handle {
    /// A new file that no directory names yet.
    func makeFile(_ contents: [UInt8], for path: String, in directory: UInt32) throws(Failure) -> Ext4Inode {
        let number = try newInode(in: directory, format: LINUX_S_IFREG, for: path)
        ext2fs_inode_alloc_stats2(fs, number, 1, 0)
        var raw = ext2_inode()
        raw.i_mode = UInt16(LINUX_S_IFREG)
        raw.i_links_count = 1
        if ext2fs_has_feature_extents(fs.pointee.super) != 0 {
            // Makes the header of the extent tree, without which the inode would have block numbers.
            var extents: ext2_extent_handle_t?
            try check(ext2fs_extent_open2(fs, number, &raw, &extents), "making \(path)")
            ext2fs_extent_free(extents)
        }
        try check(ext2fs_write_new_inode(fs, number, &raw), "making \(path)")
        try write(contents, to: number, path: path)
        return try inode(number)
    }

    /// A new, empty directory that no directory names yet, but whose ".." is `directory`.
    func makeDirectory(for path: String, in directory: UInt32) throws(Failure) -> Ext4Inode {
        let number = try newInode(in: directory, format: LINUX_S_IFDIR, for: path)
        let links = try inode(directory).raw.i_links_count
        try check(ext2fs_mkdir(fs, directory, number, nil), "making \(path)")
        // It has counted one up, without regard to the limit.
        var parent = try inode(directory)
        parent.raw.i_links_count = links
        try write(parent)
        try countSubdirectory(1, of: directory)
        return try inode(number)
    }

    /// A new link that no directory names yet.
    func makeLink(to target: String, for path: String, in directory: UInt32) throws(Failure) -> Ext4Inode {
        guard !target.isEmpty, target.utf8.count < Int(fs.pointee.blocksize), !target.utf8.contains(0) else {
            throw Failure(
                .badFileName,
                "\(name): \(path): a link's target has 1 to \(fs.pointee.blocksize - 1) bytes, and no zero among them")
        }
        let number = try newInode(in: directory, format: LINUX_S_IFLNK, for: path)
        try check(ext2fs_symlink(fs, directory, number, nil, target), "making \(path)")
        return try inode(number)
    }

    private func newInode(in directory: UInt32, format: Int32, for path: String) throws(Failure) -> UInt32 {
        var number: UInt32 = 0
        try check(ext2fs_new_inode(fs, directory, format, nil, &number), "making \(path)")
        return number
    }

    /// Takes one name from an inode, and frees it with its blocks when that was the last, now or when the handle is closed.
    func release(_ inode: Ext4Inode) throws(Failure) {
        var inode = inode
        if !inode.isDirectory, inode.raw.i_links_count > 1 {
            inode.raw.i_links_count -= 1
            inode.setChanged(time)
            try write(inode)
            return
        }
        if keepsDeleted { deleted.append(inode) } else { try free(inode) }
    }

    /// Frees an inode that no directory names any more.
    func free(_ inode: Ext4Inode) throws(Failure) {
        var inode = inode
        let code = withUnsafeMutablePointer(to: &inode.raw) { ext2fs_free_ext_attr(fs, inode.number, $0) }
        try check(code, "freeing the attributes of inode \(inode.number)")
        try freeBlocks(of: inode)
        inode.raw.i_links_count = 0
        // A smaller value would be taken for the number of the next orphan (orphan.rst).
        inode.raw.i_dtime = max(UInt32(clamping: time), superblock.s_inodes_count)
        inode.raw.i_size = 0
        inode.raw.i_size_high = 0
        inode.raw.i_blocks = 0
        inode.raw.osd2.linux2.l_i_blocks_hi = 0
        withUnsafeMutableBytes(of: &inode.raw.i_block) { for index in $0.indices { $0[index] = 0 } }
        inode.raw.i_flags &= ~UInt32(EXT4_EXTENTS_FL | EXT4_INLINE_DATA_FL | EXT2_INDEX_FL)
        inode.setChanged(time)
        try write(inode)
        ext2fs_inode_alloc_stats2(fs, inode.number, -1, inode.isDirectory ? 1 : 0)
    }

    /// Not ext2fs_punch(): up to 1.47.2 it refuses an extent that ends with the file system's last block.
    private func freeBlocks(of inode: Ext4Inode) throws(Failure) {
        var raw = inode.raw
        let hasBlocks = withUnsafeMutablePointer(to: &raw) { ext2fs_inode_has_valid_blocks2(fs, ext2fs_inode($0)) }
        guard hasBlocks != 0 else { return }
        var isDamaged = false
        let code = withUnsafeMutablePointer(to: &isDamaged) { isDamaged in
            ext2fs_block_iterate3(
                fs, inode.number, BLOCK_FLAG_READ_ONLY, nil,
                { fs, block, _, _, _, isDamaged in
                    guard let fs, let block = block?.pointee, block < ext2fs_blocks_count(fs.pointee.super),
                        block >= fs.pointee.super.pointee.s_first_data_block
                    else {
                        isDamaged?.assumingMemoryBound(to: Bool.self).pointee = true
                        return BLOCK_ABORT
                    }
                    // With bigalloc, the first block of a cluster frees it for all that follow.
                    if ext2fs_test_block_bitmap2(fs.pointee.block_map, block) != 0 {
                        ext2fs_block_alloc_stats2(fs, block, -1)
                    }
                    return 0
                }, isDamaged)
        }
        try check(isDamaged ? EXT2_ET_BAD_BLOCK_NUM : code, "freeing the blocks of inode \(inode.number)")
    }
}
