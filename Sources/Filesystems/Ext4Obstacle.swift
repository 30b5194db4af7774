import CExt2fs
import Diagnostics
import Storage

extension Ext4Handle {
    /// Why the file system may be read but not edited; nil when it may be edited.
    ///
    /// The states are those of s_state (kernel, Documentation/filesystems/ext4/super.rst, at 0x3A).
    func obstacle(storeSize: Int64) -> Failure? {
        let anew = "boot the card and shut it down cleanly, or write it anew"
        let check = "check it with `e2fsck -f` on its partition, or write it anew"
        let superblock = superblock
        if !isChecksumRight { return refusal(.damagedFilesystem, "the checksum of its superblock is wrong", check) }
        if ext2fs_has_feature_journal_needs_recovery(fs.pointee.super) != 0 {
            return refusal(.dirtyFilesystem, "its journal holds changes that were not carried out yet", anew)
        }
        let state = Int32(superblock.s_state)
        if state & EXT2_ERROR_FS != 0 {
            return refusal(.damagedFilesystem, "the system that used it last has found errors in it", check)
        }
        if state & EXT2_VALID_FS == 0 { return refusal(.dirtyFilesystem, "it was not unmounted cleanly", anew) }
        // s_state 4: orphans being recovered; s_last_orphan: the first inode that is deleted but still has blocks.
        if state & EXT3_ORPHAN_FS != 0 || superblock.s_last_orphan != 0 {
            return refusal(.dirtyFilesystem, "it has deleted files that were not cleaned up yet", anew)
        }
        if ext2fs_has_feature_journal(fs.pointee.super) != 0,
            superblock.s_journal_inum == 0 || superblock.s_journal_dev != 0
        {
            return refusal(.unsupportedFilesystem, "its journal is on another device", nil)
        }
        if superblock.s_rev_level > 0 {
            let features = Ext4Features(
                incompatible: superblock.s_feature_incompat, readOnlyCompatible: superblock.s_feature_ro_compat)
            if !features.uneditable.isEmpty {
                let names = features.uneditable.joined(separator: ", ")
                return refusal(.unsupportedFilesystem, "it uses what piflash cannot edit: \(names)", nil)
            }
        }
        // The owner's upper half is elsewhere on the Hurd; a record length does not fit its field in blocks of 64 KiB.
        if superblock.s_creator_os == UInt32(EXT2_OS_HURD) {
            return refusal(.unsupportedFilesystem, "it was made for the Hurd", nil)
        }
        if fs.pointee.blocksize > 32768 {
            return refusal(.unsupportedFilesystem, "its blocks of \(fs.pointee.blocksize) bytes are too large", nil)
        }
        // No kernel has made such a volume: there is no room for the attribute that holds the data's second part.
        if ext2fs_has_feature_inline_data(fs.pointee.super) != 0, superblock.s_inode_size <= 128 {
            return refusal(.unsupportedFilesystem, "its inodes are too small for data inside (inline_data)", nil)
        }
        let blocks = ext2fs_blocks_count(fs.pointee.super)
        if blocks > UInt64(storeSize) / UInt64(fs.pointee.blocksize) {
            return refusal(.damagedFilesystem, "it is larger than the \(storeSize) bytes that hold it", check)
        }
        return nil
    }

    private func refusal(_ code: Failure.Code, _ reason: String, _ hint: String?) -> Failure {
        Failure(code, severity: .refused, "\(name) cannot be edited: \(reason)", hint: hint)
    }
}
