import CExt2fs
import Diagnostics

extension Ext4Handle {
    /// The inode of `name` in a directory, or nil.
    func lookup(_ name: String, in directory: UInt32) throws(Failure) -> UInt32? {
        try checkSize(ofDirectory: directory)
        var number: UInt32 = 0
        let code = ext2fs_lookup(fs, directory, name, Int32(name.utf8.count), nil, &number)
        if code == EXT2_ET_FILE_NOT_FOUND, !channel.hasFailure { return nil }
        try check(code, "looking for \"\(name)\"")
        return number
    }

    /// The names in a directory, except "." and "..", in any order.
    func names(in directory: UInt32) throws(Failure) -> [String] {
        try checkSize(ofDirectory: directory)
        var names: [String] = []
        let code = withUnsafeMutablePointer(to: &names) { names in
            ext2fs_dir_iterate(
                fs, directory, 0, nil,
                { entry, _, _, _, context in
                    guard let entry, let context else { return DIRENT_ABORT }
                    // The name starts at byte 8 of an entry (kernel, Documentation/filesystems/ext4/directory.rst).
                    let start = UnsafeRawPointer(entry) + 8
                    let name = String(
                        decoding: UnsafeRawBufferPointer(start: start, count: Int(ext2fs_dirent_name_len(entry))),
                        as: UTF8.self)
                    if name != ".", name != ".." {
                        context.assumingMemoryBound(to: [String].self).pointee.append(name)
                    }
                    return 0
                }, names)
        }
        try check(code, "reading a directory")
        return names
    }

    /// The largest directory that is read, in bytes: a million names of 50 characters.
    private static let mostDirectoryBytes: UInt64 = 64 << 20

    /// Throws unless a directory has about as many blocks as its size says: a tree of extents that contains itself has no
    /// end, and libext2fs would follow it. Returns the bytes of its blocks; nil if it is inside its inode.
    @discardableResult
    private func checkSize(ofDirectory number: UInt32) throws(Failure) -> UInt64? {
        let directory = try inode(number)
        guard directory.isDirectory else { throw damaged("inode \(number) is not a directory") }
        guard directory.size <= Self.mostDirectoryBytes else {
            throw damaged("the directory with inode \(number) has \(directory.size) bytes")
        }
        var raw = directory.raw
        guard withUnsafeMutablePointer(to: &raw, { ext2fs_inode_has_valid_blocks2(fs, ext2fs_inode($0)) }) != 0 else {
            return nil
        }
        // As many again for indirect blocks and extents are more than there ever are.
        var blocks = (left: Int(directory.size) / Int(fs.pointee.blocksize) * 2 + 8, data: UInt64(0))
        let code = withUnsafeMutablePointer(to: &blocks) { blocks in
            ext2fs_block_iterate3(
                fs, number, BLOCK_FLAG_READ_ONLY, nil,
                { _, _, index, _, _, context in
                    guard let blocks = context?.assumingMemoryBound(to: (left: Int, data: UInt64).self) else {
                        return BLOCK_ABORT
                    }
                    blocks.pointee.left -= 1
                    // Below 0 are the blocks that name others.
                    if index >= 0 { blocks.pointee.data += 1 }
                    return blocks.pointee.left < 0 ? BLOCK_ABORT : 0
                }, blocks)
        }
        guard blocks.left >= 0 else {
            throw damaged("the directory with inode \(number) has more blocks than its size says")
        }
        try check(code, "reading the blocks of the directory with inode \(number)")
        return blocks.data * UInt64(fs.pointee.blocksize)
    }

    /// Throws unless each entry of a directory names an inode that is in use: an edit could take such an inode for a new
    /// file, which would then have two names. The bitmaps must have been read.
    func checkEntries(ofDirectory number: UInt32) throws(Failure) {
        if let bytes = try checkSize(ofDirectory: number), try bytes != inode(number).size {
            throw damaged("the directory with inode \(number) has other blocks than its size says")
        }
        var named: Set<UInt32> = []
        let code = withUnsafeMutablePointer(to: &named) { named in
            ext2fs_dir_iterate(
                fs, number, 0, nil,
                { entry, _, _, _, context in
                    guard let entry, let context else { return DIRENT_ABORT }
                    context.assumingMemoryBound(to: Set<UInt32>.self).pointee.insert(entry.pointee.inode)
                    return 0
                }, named)
        }
        try check(code, "reading a directory")
        for inode in named.sorted() {
            guard inode > 0, inode <= superblock.s_inodes_count,
                ext2fs_test_generic_bmap(fs.pointee.inode_map, UInt64(inode)) != 0
            else { throw damaged("the directory with inode \(number) names inode \(inode), which is not in use") }
        }
    }

    /// Enters an inode under a name that is free.
    func link(_ name: String, to inode: Ext4Inode, in directory: UInt32) throws(Failure) {
        var code = ext2fs_link(fs, directory, name, inode.number, inode.fileType)
        // libext2fs grows an indexed directory itself. A directory inside its inode needs two steps: one block, then
        // another if that one is not larger.
        for _ in 0..<2 where code == EXT2_ET_DIR_NO_SPACE {
            guard !(try self.inode(directory)).has(EXT2_INDEX_FL) else { break }
            try check(ext2fs_expand_dir(fs, directory), "growing a directory for \"\(name)\"")
            code = ext2fs_link(fs, directory, name, inode.number, inode.fileType)
        }
        try check(code, "entering \"\(name)\" in its directory")
        try markModified(directory)
    }

    func unlink(_ name: String, from directory: UInt32) throws(Failure) {
        try check(ext2fs_unlink(fs, directory, name, 0, 0), "taking \"\(name)\" out of its directory")
        try markModified(directory)
    }

    func markModified(_ directory: UInt32) throws(Failure) {
        var inode = try inode(directory)
        inode.setModified(time)
        try write(inode)
    }

    /// Counts one subdirectory more or less, whose ".." is a link to this one.
    ///
    /// With dir_nlink a directory of more than 64,999 has the link count 1, which means "many" and stays (kernel,
    /// Documentation/filesystems/ext4/super.rst, RO_COMPAT_DIR_NLINK).
    func countSubdirectory(_ change: Int, of directory: UInt32) throws(Failure) {
        var inode = try inode(directory)
        guard inode.raw.i_links_count > 1 else { return }
        let count = Int(inode.raw.i_links_count) + change
        if count < 65_000 {
            inode.raw.i_links_count = UInt16(max(count, 2))
        } else if ext2fs_has_feature_dir_nlink(fs.pointee.super) != 0 {
            inode.raw.i_links_count = 1
        } else {
            throw Failure(.filesystemFull, "\(name): a directory can hold no more than 64,998 others")
        }
        try write(inode)
    }
}

extension Ext4Inode {
    /// What a directory entry says about the kind (kernel, Documentation/filesystems/ext4/directory.rst).
    fileprivate var fileType: Int32 {
        switch format {
        case UInt16(LINUX_S_IFREG): EXT2_FT_REG_FILE
        case UInt16(LINUX_S_IFCHR): EXT2_FT_CHRDEV
        case UInt16(LINUX_S_IFBLK): EXT2_FT_BLKDEV
        case UInt16(LINUX_S_IFIFO): EXT2_FT_FIFO
        case UInt16(LINUX_S_IFSOCK): EXT2_FT_SOCK
        case UInt16(LINUX_S_IFDIR): EXT2_FT_DIR
        case UInt16(LINUX_S_IFLNK): EXT2_FT_SYMLINK
        default: EXT2_FT_UNKNOWN
        }
    }
}
