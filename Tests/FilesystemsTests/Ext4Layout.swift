import Storage
import TestSupport
import Text

/// Where the fields of an ext2, ext3 or ext4 volume of up to 65,536 blocks are, and its checksums made right again after a
/// change (kernel, Documentation/filesystems/ext4).
struct Ext4Layout {
    let store: MemoryStore
    let blockSize: Int
    let inodesPerGroup: Int
    let inodeSize: Int
    let descriptorSize: Int
    let groupCount: Int
    let blocksPerGroup: Int
    let firstBlock: Int
    private let hasChecksums: Bool
    private let hasGroupChecksums: Bool
    private let uuid: [UInt8]
    private let seed: UInt32

    init(of store: MemoryStore) throws {
        self.store = store
        let superblock = try store.bytes(at: 1024, count: 1024)
        blockSize = 1024 << Int(superblock.u32(0x18))
        inodesPerGroup = Int(superblock.u32(0x28))
        inodeSize = superblock.u32(0x4C) == 0 ? 128 : Int(superblock.u16(0x58))
        descriptorSize = superblock.u32(0x60) & 0x80 != 0 ? Int(superblock.u16(0xFE)) : 32
        firstBlock = Int(superblock.u32(0x14))
        blocksPerGroup = Int(superblock.u32(0x20))
        groupCount = (Int(superblock.u32(4)) - firstBlock + blocksPerGroup - 1) / blocksPerGroup
        hasChecksums = superblock.u32(0x64) & 0x400 != 0
        hasGroupChecksums = superblock.u32(0x64) & 0x10 != 0
        uuid = Array(superblock[0x68..<0x78])
        seed = superblock.u32(0x60) & 0x2000 != 0 ? superblock.u32(0x270) : crc32c(~0, uuid[...])
    }

    /// The places and checksums of `other` in another store.
    init(_ other: Ext4Layout, store: MemoryStore) {
        self.store = store
        (blockSize, inodesPerGroup, inodeSize) = (other.blockSize, other.inodesPerGroup, other.inodeSize)
        (descriptorSize, groupCount) = (other.descriptorSize, other.groupCount)
        (blocksPerGroup, firstBlock) = (other.blocksPerGroup, other.firstBlock)
        (hasChecksums, hasGroupChecksums) = (other.hasChecksums, other.hasGroupChecksums)
        (uuid, seed) = (other.uuid, other.seed)
    }

    // MARK: Places

    func descriptor(_ group: Int) -> Int64 { Int64((firstBlock + 1) * blockSize + group * descriptorSize) }

    func blockBitmap(_ group: Int) throws -> Int64 {
        try block(Int(store.bytes(at: descriptor(group), count: 4).u32(0)))
    }

    func block(_ number: Int) -> Int64 { Int64(number) * Int64(blockSize) }

    func inode(_ number: Int) throws -> Int64 {
        let (group, index) = (number - 1).quotientAndRemainder(dividingBy: inodesPerGroup)
        let table = try store.bytes(at: descriptor(group) + 8, count: 4).u32(0)
        return block(Int(table)) + Int64(index * inodeSize)
    }

    /// The first block of an inode's contents.
    func firstBlock(of number: Int) throws -> Int {
        let raw = try store.bytes(at: inode(number), count: 128)
        let isExtents = raw.u32(0x20) & 0x80000 != 0
        return Int(raw.u32(isExtents ? 0x28 + 12 + 8 : 0x28))
    }

    // MARK: Checksums

    func finishSuperblock() throws {
        guard hasChecksums else { return }
        try put(crc32c(~0, store.bytes(at: 1024, count: 1020)[...]), 4, at: 1024 + 1020)
    }

    func finishDescriptor(_ group: Int) throws {
        var raw = try store.bytes(at: descriptor(group), count: descriptorSize)
        let number = littleEndian(UInt64(group), 4)
        if hasChecksums {
            raw.replaceSubrange(0x1E..<0x20, with: [0, 0])
            try put(crc32c(crc32c(seed, number[...]), raw[...]) & 0xFFFF, 2, at: descriptor(group) + 0x1E)
        } else if hasGroupChecksums {
            var sum = crc16(crc16(crc16(0xFFFF, uuid[...]), number[...]), raw[..<0x1E])
            if descriptorSize > 32 { sum = crc16(sum, raw[0x20...]) }
            try put(UInt32(sum), 2, at: descriptor(group) + 0x1E)
        }
    }

    func finishInode(_ number: Int) throws {
        guard hasChecksums else { return }
        let place = try inode(number)
        var raw = try store.bytes(at: place, count: inodeSize)
        raw.replaceSubrange(0x7C..<0x7E, with: [0, 0])
        let hasUpper = inodeSize > 128 && raw.u16(0x80) >= 4
        if hasUpper { raw.replaceSubrange(0x82..<0x84, with: [0, 0]) }
        let start = crc32c(crc32c(seed, littleEndian(UInt64(number), 4)[...]), raw[0x64..<0x68])
        let sum = crc32c(start, raw[...])
        try put(sum & 0xFFFF, 2, at: place + 0x7C)
        if hasUpper { try put(sum >> 16, 2, at: place + 0x82) }
    }

    func finishDirectoryBlock(_ number: Int, block: Int) throws {
        guard hasChecksums else { return }
        let start = crc32c(seed, littleEndian(UInt64(number), 4)[...])
        let generation = try store.bytes(at: inode(number) + 0x64, count: 4)
        let raw = try store.bytes(at: self.block(block), count: blockSize - 12)
        try put(crc32c(crc32c(start, generation[...]), raw[...]), 4, at: self.block(block) + Int64(blockSize - 4))
    }

    func put(_ value: UInt32, _ size: Int, at offset: Int64) throws {
        try store.write(littleEndian(UInt64(value), size), at: offset)
    }
}

/// A field of an on-disk structure.
struct DiskField: Sendable {
    let offset: Int64
    /// In bytes, 1 to 8.
    let size: Int

    static func fields(_ offsets: [Int], _ size: Int) -> [DiskField] {
        offsets.map { DiskField(offset: Int64($0), size: size) }
    }

    /// What no system writes and every reader must survive.
    func extremes(besides old: UInt64) -> [UInt64] {
        let largest = size == 8 ? UInt64.max : UInt64(1) << (8 * size) - 1
        let upper = UInt64(1) << (8 * size - 1)
        let swapped = old.byteSwapped >> (64 - 8 * size)
        let values = [
            0, 1, largest, largest - 1, upper, upper - 1, old ^ upper, (old &+ 1) & largest, (old &- 1) & largest,
            swapped,
        ]
        return values.reduce(into: []) { if $1 != old, !$0.contains($1) { $0.append($1) } }
    }
}

extension MemoryStore {
    func value(of field: DiskField, from base: Int64 = 0) throws -> UInt64 {
        try bytes(at: base + field.offset, count: field.size).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    func set(_ field: DiskField, to value: UInt64, from base: Int64 = 0) throws {
        try write(littleEndian(value, field.size), at: base + field.offset)
    }
}

func littleEndian(_ value: UInt64, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
}

// The reflected polynomials of CRC-32C, CRC-16 and CRC-32.
private let table32C = crcTable(0x82F6_3B78)
private let table16 = crcTable(0xA001)
private let table32 = crcTable(0xEDB8_8320)

private func crcTable(_ polynomial: UInt32) -> [UInt32] {
    (0..<256 as Range<UInt32>).map { byte in
        (0..<8).reduce(byte) { value, _ in value >> 1 ^ (value & 1 == 1 ? polynomial : 0) }
    }
}

private func crc(_ table: [UInt32], _ start: UInt32, _ bytes: ArraySlice<UInt8>) -> UInt32 {
    table.withUnsafeBufferPointer { table in
        bytes.withUnsafeBufferPointer { bytes in
            var value = start
            for byte in bytes { value = table[Int((value ^ UInt32(byte)) & 0xFF)] ^ value >> 8 }
            return value
        }
    }
}

func crc32c(_ start: UInt32, _ bytes: ArraySlice<UInt8>) -> UInt32 { crc(table32C, start, bytes) }
func crc16(_ start: UInt16, _ bytes: ArraySlice<UInt8>) -> UInt16 { UInt16(crc(table16, UInt32(start), bytes)) }
func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 { ~crc(table32, ~0, bytes) }
