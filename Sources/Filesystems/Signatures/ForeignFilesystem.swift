import Storage

/// A file system that piflash did not expect, recognised by its magic bytes, so that the message can say what it is.
///
/// The offsets and values are those of libblkid's probers (util-linux, libblkid/src/superblocks).
struct ForeignFilesystem {
    let name: String

    private static let known: [(offset: Int64, magic: [UInt8], name: String)] = [
        (3, Array("EXFAT   ".utf8), "exFAT"),
        (3, Array("NTFS    ".utf8), "NTFS"),
        (3, Array("-FVE-FS-".utf8), "BitLocker"),
        (1080, [0x53, 0xEF], "ext2, ext3 or ext4"),
        (65600, Array("_BHRfS_M".utf8), "btrfs"),
        (1024, [0x10, 0x20, 0xF5, 0xF2], "F2FS"),
        (0, Array("XFSB".utf8), "XFS"),
        (0, Array("hsqs".utf8), "squashfs"),
        (0, Array("LUKS".utf8) + [0xBA, 0xBE], "LUKS"),
        (32769, Array("CD001".utf8), "ISO 9660"),
    ]

    /// Nil when nothing is recognised.
    init?(in store: some BlockStore) {
        let found = Self.known.first { candidate in
            (try? store.bytes(at: candidate.offset, count: candidate.magic.count)) == candidate.magic
        }
        guard let found else { return nil }
        name = found.name
    }
}
