import CExt2fs
import Diagnostics
import Storage

/// Why a file system's record of what is in use cannot be trusted.
struct VolumeProblem {
    let code: Failure.Code
    /// "its journal …", for a message.
    let reason: String
    var hint: String?
}

extension Ext4Handle {
    static let checkHint = "check it with `e2fsck -f` on its partition, or write it again"

    func damaged(_ what: String) -> Failure { Failure(.damagedFilesystem, "\(name): \(what)", hint: Self.checkHint) }

    /// Why the file system's record of what is in use cannot be trusted; nil if it was left in order.
    ///
    /// The states are those of s_state (kernel, Documentation/filesystems/ext4/super.rst, at 0x3A).
    func accountingProblem(storeSize: Int64) -> VolumeProblem? {
        let again = "boot the card and shut it down cleanly, run `e2fsck -f` on its partition, or write it again"
        let check = Self.checkHint
        let superblock = superblock
        if !isChecksumRight {
            return VolumeProblem(
                code: .damagedFilesystem, reason: "the checksum of its superblock is wrong", hint: check)
        }
        if ext2fs_has_feature_journal_needs_recovery(fs.pointee.super) != 0 {
            return VolumeProblem(
                code: .dirtyFilesystem, reason: "its journal holds changes that were not carried out yet",
                hint: "boot the card and shut it down cleanly, or run `e2fsck -p` on its partition")
        }
        let state = Int32(superblock.s_state)
        if state & EXT2_ERROR_FS != 0 {
            return VolumeProblem(
                code: .damagedFilesystem, reason: "the system that used it last has found errors in it", hint: check)
        }
        if state & EXT2_VALID_FS == 0 {
            return VolumeProblem(code: .dirtyFilesystem, reason: "it was not unmounted cleanly", hint: again)
        }
        // s_state 4: orphans being recovered; s_last_orphan: the first inode that is deleted but still has blocks.
        if state & EXT3_ORPHAN_FS != 0 || superblock.s_last_orphan != 0 {
            return VolumeProblem(
                code: .dirtyFilesystem, reason: "it has deleted files that were not cleaned up yet", hint: again)
        }
        if ext2fs_has_feature_journal(fs.pointee.super) != 0,
            superblock.s_journal_inum == 0 || superblock.s_journal_dev != 0
        {
            return VolumeProblem(code: .unsupportedFilesystem, reason: "its journal is on another device")
        }
        let blocks = ext2fs_blocks_count(fs.pointee.super)
        if blocks > UInt64(storeSize) / UInt64(fs.pointee.blocksize) {
            return VolumeProblem(
                code: .damagedFilesystem, reason: "it is larger than the \(storeSize) bytes that hold it", hint: check)
        }
        return nil
    }

    /// Why the file system may be read but not edited; nil if it may be edited. Reads the bitmaps.
    func editingProblem(storeSize: Int64) throws(Failure) -> Failure? {
        if let problem = accountingProblem(storeSize: storeSize) {
            return failure(problem.code, problem.reason, problem.hint)
        }
        let superblock = superblock
        if superblock.s_rev_level > 0 {
            let features = Ext4Features(
                incompatible: superblock.s_feature_incompat, readOnlyCompatible: superblock.s_feature_ro_compat)
            if !features.uneditable.isEmpty {
                let names = features.uneditable.joined(separator: ", ")
                return failure(.unsupportedFilesystem, "it uses what piflash cannot edit: \(names)", nil)
            }
        }
        // The owner's upper half is elsewhere on the Hurd; a record length does not fit its field in blocks of 64 KiB.
        if superblock.s_creator_os == UInt32(EXT2_OS_HURD) {
            return failure(.unsupportedFilesystem, "it was made for the Hurd", nil)
        }
        if fs.pointee.blocksize > 32768 {
            return failure(.unsupportedFilesystem, "its blocks of \(fs.pointee.blocksize) bytes are too large", nil)
        }
        // No kernel makes such a volume: there is no room for the attribute that holds the data's second part.
        if ext2fs_has_feature_inline_data(fs.pointee.super) != 0, superblock.s_inode_size <= 128 {
            return failure(.unsupportedFilesystem, "its inodes are too small for data inside (inline_data)", nil)
        }
        return try refusal { () throws(Failure) in _ = try checkAccounts() }
    }

    /// What `check` finds damaged, as a reason not to edit; throws what it cannot read.
    func refusal(_ check: () throws(Failure) -> Void) throws(Failure) -> Failure? {
        do throws(Failure) { try check() } catch {
            guard error.code == .damagedFilesystem else { throw error }
            return failure(.inconsistentFilesystem, error.reason(in: name), Self.checkHint)
        }
        return nil
    }

    private func failure(_ code: Failure.Code, _ reason: String, _ hint: String?) -> Failure {
        Failure(code, severity: .refused, "\(name) cannot be edited: \(reason)", hint: hint)
    }
}
