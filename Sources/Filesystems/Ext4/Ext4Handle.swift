import CExt2fs
import Diagnostics
import Storage

#if canImport(Glibc)
    import Glibc
#endif

/// One open file system of libext2fs, freed with its owner. Not thread-safe, as libext2fs is not.
///
/// Nothing reaches the store before ``close()`` but the blocks of inodes, directories and files; a handle that is
/// dropped without it leaves a store that must be thrown away, which is why edits are made over an ``Overlay``.
final class Ext4Handle {
    let fs: ext2_filsys
    let channel: Ext4Channel
    /// In seconds since 1970: the time of everything that is written.
    let time: Int64
    /// Whether the superblock's checksum is right, where it has one.
    let isChecksumRight: Bool
    /// Whether what is deleted keeps its blocks until ``close()``.
    let keepsDeleted: Bool
    /// What was deleted meanwhile.
    var deleted: [Ext4Inode] = []
    private var isOpen = true

    var name: String { channel.name }
    var superblock: ext2_super_block { fs.pointee.super.pointee }

    /// - Parameter keepsDeleted: See ``keepsDeleted``.
    init(_ channel: Ext4Channel, time: Int64, keepsDeleted: Bool = false) throws(Failure) {
        self.channel = channel
        self.keepsDeleted = keepsDeleted
        _ = Self.preparation
        // 0 would make libext2fs take the clock.
        self.time = max(time, 1)
        (fs, isChecksumRight) = try channel.withOpeningName { key throws(Failure) in
            let flags = EXT2_FLAG_64BITS | EXT2_FLAG_SKIP_MMP | (channel.isWritable ? EXT2_FLAG_RW : 0)
            var fs: ext2_filsys?
            var code = ext2fs_open2(key, nil, flags, 0, 0, Ext4Channel.manager, &fs)
            let isChecksumRight = code != EXT2_ET_SB_CSUM_INVALID
            if !isChecksumRight, !channel.isWritable {
                code = ext2fs_open2(key, nil, flags | EXT2_FLAG_IGNORE_CSUM_ERRORS, 0, 0, Ext4Channel.manager, &fs)
            }
            if let failure = channel.takeFailure() { throw failure }
            guard code == 0, let fs else { throw Self.failure(code, "\(channel.name): it cannot be opened") }
            return (fs, isChecksumRight)
        }
        fs.pointee.now = time_t(self.time)
    }

    // Writes nothing: a handle that was not closed is thrown away.
    deinit { if isOpen { ext2fs_free(fs) } }

    /// Loads which blocks and inodes are free, which everything that allocates needs.
    func readBitmaps() throws(Failure) { try check(ext2fs_read_bitmaps(fs), "reading what is free") }

    /// Writes bitmaps, group descriptors and superblock when something changed, and ends the handle.
    ///
    /// The copies of the superblock and of the group descriptors in other groups stay as they are, as under the kernel: they
    /// are what e2fsck takes if a power cut damages the first.
    func close() throws(Failure) {
        for inode in deleted { try free(inode) }
        deleted = []
        fs.pointee.flags |= EXT2_FLAG_MASTER_SB_ONLY
        isOpen = false
        var handle: ext2_filsys? = fs
        // Frees the handle whether it succeeds or not.
        try check(ext2fs_close_free(&handle), "writing its superblock")
    }

    /// Throws what the store threw, or what `code` means.
    func check(_ code: errcode_t, _ activity: @autoclosure () -> String) throws(Failure) {
        // First, and even where libext2fs reports success: it ignores an error here and there.
        if let failure = channel.takeFailure() { throw failure }
        guard code != 0 else { return }
        throw Self.failure(code, "\(name): \(activity())")
    }

    private static func failure(_ code: errcode_t, _ activity: String) -> Failure {
        switch code {
        case EXT2_ET_BLOCK_ALLOC_FAIL, EXT2_ET_DIR_NO_SPACE, EXT2_ET_EXTENT_NO_SPACE:
            return Failure(
                .filesystemFull, "\(activity): no free block is left",
                hint: "put less on the card, or start from an image with a larger root partition")
        case EXT2_ET_INODE_ALLOC_FAIL:
            return Failure(
                .filesystemFull, "\(activity): no free inode is left, so it can hold no further file",
                hint: "put fewer files on the card, or start from another image")
        case errcode_t(ENOMEM), EXT2_ET_NO_MEMORY:
            return Failure(.system, "\(activity): out of memory")
        default:
            return Failure(
                .damagedFilesystem, "\(activity): \(lowercasedFirst(String(cString: error_message(code))))",
                hint: "the image or card may be damaged: check it with `e2fsck -fn`, or write it again")
        }
    }

    private static func lowercasedFirst(_ text: String) -> String {
        // "EXT2 directory corrupted" keeps its abbreviation.
        guard let first = text.first, text.dropFirst().first?.isLowercase == true else { return text }
        return first.lowercased() + text.dropFirst()
    }

    /// error_message() knows libext2fs's codes only once they are registered with com_err, for the whole process.
    private static let preparation: Void = {
        initialize_ext2_error_table()
        cext2fs_drop_messages()
    }()
}
