package import Diagnostics
package import Storage
import Text

/// The size that an ext2, ext3 or ext4 file system claims (kernel, Documentation/filesystems/ext4/super.rst): the
/// superblock is at byte 1024; in it the number of blocks is at 4 and, with the feature 64bit, at 0x150; the size of a block
/// at 0x18; the magic number at 0x38; the incompatible features at 0x60.
package enum Ext4Size {
    private static let incompatible64Bit: UInt32 = 0x80

    /// In bytes; nil if no such file system starts at `offset` of `store`.
    package static func claimed(in store: some BlockStore, at offset: Int64) throws(Failure) -> Int64? {
        guard offset + 2048 <= store.size else { return nil }
        let superblock = try store.bytes(at: offset + 1024, count: 1024)
        guard superblock.u16(0x38) == 0xEF53, superblock.u32(0x18) <= 6 else { return nil }
        var blocks = UInt64(superblock.u32(4))
        if superblock.u32(0x60) & incompatible64Bit != 0 { blocks |= UInt64(superblock.u32(0x150)) << 32 }
        let bytes = blocks.multipliedReportingOverflow(by: 1024 << UInt64(superblock.u32(0x18)))
        return bytes.overflow ? .max : Int64(clamping: bytes.partialValue)
    }
}
