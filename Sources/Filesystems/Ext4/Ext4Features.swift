import Text
import CExt2fs
import Diagnostics
import Storage

/// The feature sets of the superblock (kernel, Documentation/filesystems/ext4/super.rst: s_feature_incompat at 0x60,
/// s_feature_ro_compat at 0x64), as far as they decide what can be read and what can be edited.
///
/// A feature bit that is not named here is unknown: an incompatible one makes the volume unreadable, a read-only
/// compatible one uneditable. Of the compatible set everything may be ignored, which is what "compatible" means.
struct Ext4Features {
    let unreadable: [String]
    let uneditable: [String]
    /// What keeps blocks in a way that the block bitmap does not show, or may do so.
    let unaccounted: [String]

    init(incompatible: UInt32, readOnlyCompatible: UInt32) {
        func names(_ bits: UInt32, _ handled: UInt32, _ known: [UInt32: String], _ kind: String) -> [String] {
            (0..<32).map { UInt32(1) << $0 }.filter { bits & ~handled & $0 != 0 }
                .map { known[$0] ?? "the unknown \(kind) feature 0x\(String($0, radix: 16))" }
        }
        unreadable = names(incompatible, Self.readable, Self.unreadableNames, "incompatible")
        uneditable =
            names(incompatible, Self.editable | ~Self.readable, Self.uneditableNames, "incompatible")
            + names(readOnlyCompatible, Self.editableReadOnlyCompatible, Self.readOnlyNames, "read-only compatible")
        unaccounted = names(
            readOnlyCompatible, Self.editableReadOnlyCompatible | Self.accountedReadOnlyCompatible, Self.readOnlyNames,
            "read-only compatible")
    }

    /// What libext2fs reads.
    private static let readable = editable | bits(uneditableNames.keys)
    /// Journal recovery is checked separately; encrypted and casefolded directories are refused one by one.
    private static let editable = bits(
        [
            EXT2_FEATURE_INCOMPAT_FILETYPE, EXT3_FEATURE_INCOMPAT_RECOVER, EXT2_FEATURE_INCOMPAT_META_BG,
            EXT3_FEATURE_INCOMPAT_EXTENTS, EXT4_FEATURE_INCOMPAT_64BIT, EXT4_FEATURE_INCOMPAT_FLEX_BG,
            EXT4_FEATURE_INCOMPAT_CSUM_SEED, EXT4_FEATURE_INCOMPAT_LARGEDIR, EXT4_FEATURE_INCOMPAT_INLINE_DATA,
            EXT4_FEATURE_INCOMPAT_ENCRYPT, EXT4_FEATURE_INCOMPAT_CASEFOLD,
        ].map { UInt32($0) })
    private static let editableReadOnlyCompatible = bits(
        [
            EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER, EXT2_FEATURE_RO_COMPAT_LARGE_FILE, EXT4_FEATURE_RO_COMPAT_HUGE_FILE,
            EXT4_FEATURE_RO_COMPAT_GDT_CSUM, EXT4_FEATURE_RO_COMPAT_DIR_NLINK, EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE,
            EXT4_FEATURE_RO_COMPAT_BIGALLOC, EXT4_FEATURE_RO_COMPAT_METADATA_CSUM, EXT4_FEATURE_RO_COMPAT_VERITY,
        ].map { UInt32($0) })

    /// What piflash cannot edit, though every block that it uses is marked in the block bitmap.
    private static let accountedReadOnlyCompatible = bits(
        [
            EXT4_FEATURE_RO_COMPAT_QUOTA, EXT4_FEATURE_RO_COMPAT_PROJECT, EXT4_FEATURE_RO_COMPAT_READONLY,
            EXT4_FEATURE_RO_COMPAT_SHARED_BLOCKS,
        ].map { UInt32($0) })

    private static let unreadableNames: [UInt32: String] = [
        UInt32(EXT2_FEATURE_INCOMPAT_COMPRESSION): "compression",
        UInt32(EXT3_FEATURE_INCOMPAT_JOURNAL_DEV): "being the journal of another file system",
        UInt32(EXT4_FEATURE_INCOMPAT_DIRDATA): "data in directory entries (dirdata)",
    ]
    /// libext2fs 1.47 frees a file without the inodes of its attributes.
    private static let uneditableNames: [UInt32: String] = [
        UInt32(EXT4_FEATURE_INCOMPAT_MMP): "multiple mount protection (mmp)",
        UInt32(EXT4_FEATURE_INCOMPAT_EA_INODE): "extended attributes in inodes (ea_inode)",
    ]
    /// Quotas: libext2fs does not account for what it writes.
    private static let readOnlyNames: [UInt32: String] = [
        UInt32(EXT4_FEATURE_RO_COMPAT_HAS_SNAPSHOT): "snapshots",
        UInt32(EXT4_FEATURE_RO_COMPAT_QUOTA): "quotas (quota)",
        UInt32(EXT4_FEATURE_RO_COMPAT_REPLICA): "replicas",
        UInt32(EXT4_FEATURE_RO_COMPAT_READONLY): "being read-only (read-only)",
        UInt32(EXT4_FEATURE_RO_COMPAT_PROJECT): "project quotas (project)",
        UInt32(EXT4_FEATURE_RO_COMPAT_SHARED_BLOCKS): "blocks shared between files (shared_blocks)",
        UInt32(EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT): "deleted files not cleaned up yet (orphan_present)",
    ]

    private static func bits(_ values: some Sequence<UInt32>) -> UInt32 { values.reduce(0, |) }
}

extension Ext4Features {
    /// Throws when `store` holds something that libext2fs cannot read, or whose superblock contradicts itself, and says what
    /// it is.
    static func checkReadable(_ store: any BlockStore, name: String) throws(Failure) {
        // The superblock starts at byte 1024 (super.rst), its magic number is at 0x38.
        guard store.size >= 2048 else {
            throw Failure(.unsupportedFilesystem, "\(name): \(store.size) bytes are too few for a file system")
        }
        let superblock = try store.bytes(at: 1024, count: 1024)
        guard superblock.u16(0x38) == UInt16(EXT2_SUPER_MAGIC) else {
            let other = ForeignFilesystem(in: store).map { ", but \($0.name)" } ?? ""
            throw Failure(
                .unsupportedFilesystem, severity: .refused,
                "\(name): it is not an ext2, ext3 or ext4 file system\(other)")
        }
        let features = Ext4Features(incompatible: superblock.u32(0x60), readOnlyCompatible: superblock.u32(0x64))
        // Revision 0 has no features: the fields are not in use (super.rst, s_rev_level at 0x4C).
        guard superblock.u32(0x4C) == 0 || features.unreadable.isEmpty else {
            throw Failure(
                .unsupportedFilesystem, severity: .refused,
                "\(name): it uses what piflash cannot read: \(features.unreadable.joined(separator: ", "))")
        }
        try Ext4Geometry.check(superblock, storeSize: store.size, name: name)
    }
}
