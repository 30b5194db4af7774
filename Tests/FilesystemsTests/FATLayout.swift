import Storage
import TestSupport
import Text

/// Where the fields of a FAT volume are, read without the code under test.
struct FATLayout {
    let store: MemoryStore
    let isFAT32: Bool
    let copies: Int
    let clusterCount: Int
    private let sector: Int
    private let perCluster: Int
    private let reserved: Int
    private let length: Int
    private let data: Int
    private let rootEntries: Int

    init(of store: MemoryStore) throws {
        self.store = store
        let boot = try store.bytes(at: 0, count: 512)
        sector = Int(boot.u16(11))
        perCluster = Int(boot[13])
        reserved = Int(boot.u16(14))
        copies = Int(boot[16])
        rootEntries = Int(boot.u16(17))
        isFAT32 = boot.u16(22) == 0
        length = isFAT32 ? Int(boot.u32(36)) : Int(boot.u16(22))
        let all = boot.u16(19) > 0 ? Int(boot.u16(19)) : Int(boot.u32(32))
        data = reserved + copies * length + (rootEntries * 32 + sector - 1) / sector
        clusterCount = (all - data) / perCluster
    }

    /// The places of `other` in another store.
    init(_ other: FATLayout, store: MemoryStore) {
        self.store = store
        (isFAT32, copies, clusterCount, sector) = (other.isFAT32, other.copies, other.clusterCount, other.sector)
        (perCluster, reserved, length) = (other.perCluster, other.reserved, other.length)
        (data, rootEntries) = (other.data, other.rootEntries)
    }

    /// The entry of `cluster` in a copy of the table; of FAT16 and FAT32 only.
    func entry(_ cluster: Int, copy: Int = 0) -> Int64 {
        Int64((reserved + copy * length) * sector + cluster * (isFAT32 ? 4 : 2))
    }

    func next(_ cluster: Int) throws -> Int {
        let bytes = try store.bytes(at: entry(cluster), count: isFAT32 ? 4 : 2)
        return isFAT32 ? Int(bytes.u32(0) & 0x0FFF_FFFF) : Int(bytes.u16(0))
    }

    /// Sets the entry of `cluster` in all copies, or in one.
    func link(_ cluster: Int, to value: UInt32, copy: Int? = nil) throws {
        for index in copy.map({ [$0] }) ?? Array(0..<copies) {
            try store.write(littleEndian(UInt64(value), isFAT32 ? 4 : 2), at: entry(cluster, copy: index))
        }
    }

    func place(of cluster: Int) -> Int64 { Int64((data + (cluster - 2) * perCluster) * sector) }

    var root: Int64 { isFAT32 ? place(of: 2) : Int64((reserved + copies * length) * sector) }

    /// The first cluster of what has the 11 bytes `name` in the root directory.
    func cluster(named name: String) throws -> Int {
        for index in 0..<16 {
            let raw = try store.bytes(at: root + Int64(32 * index), count: 32)
            guard Array(raw[..<11]).elementsEqual(Array(name.utf8)) else { continue }
            return Int(raw.u16(26)) | (isFAT32 ? Int(raw.u16(20)) << 16 : 0)
        }
        throw OutsideTool.Missing(description: "the root directory has no \(name)")
    }
}
