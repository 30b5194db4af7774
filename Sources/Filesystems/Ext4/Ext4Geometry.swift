import CExt2fs
import Diagnostics
import Text

/// The numbers of a superblock that everything else multiplies, divides and loops over.
///
/// They are checked once, on the bytes, before libext2fs or piflash calculates with them: a superblock with a right
/// checksum can still hold any number. The offsets are those of the kernel's Documentation/filesystems/ext4/super.rst, the
/// limits those of its fs/ext4/super.c and of e2fsck (e2fsck/super.c).
struct Ext4Geometry {
    /// Throws `.inconsistentFilesystem` if the numbers contradict each other or are larger than any file system.
    ///
    /// - Parameters:
    ///   - superblock: Its 1024 bytes.
    ///   - storeSize: The size of what holds the file system, in bytes.
    static func check(_ superblock: [UInt8], storeSize: Int64, name: String) throws(Failure) {
        let numbers = Ext4Geometry(superblock)
        guard let problem = numbers.contradiction(storeSize: storeSize) else { return }
        throw Failure(
            .inconsistentFilesystem, severity: .refused, "\(name): its superblock is damaged: \(problem)",
            hint: Ext4Handle.checkHint)
    }

    private let logBlockSize: UInt32
    private let blocks: UInt64
    private let freeBlocks: UInt64
    private let reservedBlocks: UInt64
    private let firstDataBlock: UInt32
    private let blocksPerGroup: UInt32
    private let inodes: UInt32
    private let freeInodes: UInt32
    private let inodesPerGroup: UInt32
    private let inodeSize: UInt16
    private let firstInode: UInt32
    private let descriptorSize: UInt16
    private let logGroupsPerFlex: UInt8

    private init(_ bytes: [UInt8]) {
        // Revision 0 has fixed inodes and no features: the fields are not in use.
        let isDynamic = bytes.u32(0x4C) > 0
        // libext2fs asks for the feature only.
        let is64Bit = bytes.u32(0x60) & UInt32(EXT4_FEATURE_INCOMPAT_64BIT) != 0
        func number(_ low: Int, _ high: Int) -> UInt64 {
            UInt64(bytes.u32(low)) | (is64Bit ? UInt64(bytes.u32(high)) << 32 : 0)
        }
        logBlockSize = bytes.u32(0x18)
        blocks = number(0x4, 0x150)
        reservedBlocks = number(0x8, 0x154)
        freeBlocks = number(0xC, 0x158)
        firstDataBlock = bytes.u32(0x14)
        blocksPerGroup = bytes.u32(0x20)
        inodes = bytes.u32(0x0)
        freeInodes = bytes.u32(0x10)
        inodesPerGroup = bytes.u32(0x28)
        inodeSize = isDynamic ? bytes.u16(0x58) : UInt16(EXT2_GOOD_OLD_INODE_SIZE)
        firstInode = isDynamic ? bytes.u32(0x54) : UInt32(EXT2_GOOD_OLD_FIRST_INO)
        descriptorSize = is64Bit ? bytes.u16(0xFE) : 32
        logGroupsPerFlex = isDynamic ? bytes[0x174] : 0
    }

    /// Nil if there is none.
    private func contradiction(storeSize: Int64) -> String? {
        guard logBlockSize <= 6 else { return "its blocks have 2^\(logBlockSize) KiB" }
        let blockSize = UInt64(1024) << UInt64(logBlockSize)
        guard blocks > UInt64(firstDataBlock), firstDataBlock <= 1, blocks <= UInt64(Int64.max) / blockSize else {
            return "it has \(blocks) blocks, the first of them \(firstDataBlock)"
        }
        guard freeBlocks <= blocks, reservedBlocks <= blocks else {
            return "of its \(blocks) blocks, \(freeBlocks) are free and \(reservedBlocks) reserved"
        }
        guard freeInodes <= inodes else { return "of its \(inodes) inodes, \(freeInodes) are free" }
        // A bitmap of one block describes a group: of blocks (of clusters with bigalloc, which libext2fs checks), or inodes.
        guard blocksPerGroup >= 256, inodesPerGroup > 0, UInt64(inodesPerGroup) <= blockSize * 8 else {
            return "its groups have \(blocksPerGroup) blocks and \(inodesPerGroup) inodes"
        }
        guard inodeSize >= 128, UInt64(inodeSize) <= blockSize, inodeSize & (inodeSize - 1) == 0 else {
            return "its inodes have \(inodeSize) bytes"
        }
        guard firstInode >= UInt32(EXT2_GOOD_OLD_FIRST_INO), firstInode <= inodes else {
            return "its first inode for files is \(firstInode) of \(inodes)"
        }
        guard descriptorSize >= 32, descriptorSize <= 1024, descriptorSize & (descriptorSize - 1) == 0 else {
            return "its group descriptors have \(descriptorSize) bytes"
        }
        // 1 << 31 is the largest that e2fsck accepts, and that libext2fs can calculate.
        guard logGroupsPerFlex < 32 else { return "2^\(logGroupsPerFlex) of its groups are together" }
        // libext2fs allocates memory for all descriptors before it reads the first.
        let groups = (blocks - UInt64(firstDataBlock) - 1) / UInt64(blocksPerGroup) + 1
        guard groups <= UInt64(max(0, storeSize)) / UInt64(descriptorSize) else {
            return "it has \(groups) groups, whose descriptors do not fit into \(storeSize) bytes"
        }
        guard UInt64(inodes) == groups * UInt64(inodesPerGroup), inodes < .max else {
            return "its \(groups) groups of \(inodesPerGroup) inodes have \(inodes) inodes"
        }
        return nil
    }
}
