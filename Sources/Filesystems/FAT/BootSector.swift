import Text
import Diagnostics
import Storage

/// The first sector of a FAT volume (Microsoft FAT specification 1.03, "Boot Sector and BPB").
///
///     11  bytes per sector        32  total sectors (32 bit, when the 16-bit field is 0)
///     13  sectors per cluster     36  FAT32: sectors per FAT
///     14  reserved sectors        40  FAT32: flags (bit 7: only the FAT in bits 0-3 is in use)
///     16  number of FATs          42  FAT32: version, 0
///     17  root entries (FAT16)    44  FAT32: first cluster of the root directory
///     19  total sectors (16 bit)  48  FAT32: sector of the FSInfo structure
///     21  medium, F0 or F8-FF     50  FAT32: sector of the backup of this one
///     22  sectors per FAT (16     510 the signature 55 AA
///         bit; 0 on FAT32)
///
/// An extended part follows, at 36 (FAT16) or 64 (FAT32): 1 the dirty bit, 2 the signature 0x29, 7 the label.
///
/// Which FAT it is follows from the number of clusters, as the specification says, with the exception that every system
/// makes: a sector shaped like FAT32's is FAT32 with fewer clusters, too (`mkfs.fat -F 32` on a small partition).
struct BootSector: Sendable {
    let kind: FATKind
    let bytesPerSector: Int
    let sectorsPerCluster: Int
    /// Where the first FAT starts, in bytes.
    let fatStart: Int64
    /// The size of one FAT, in bytes.
    let fatSize: Int64
    let fatCount: Int
    /// The only FAT in use, or nil when all are kept the same.
    let activeFAT: Int?
    /// The root directory of FAT12 and FAT16, in bytes; empty on FAT32.
    let rootRegion: Range<Int64>
    /// FAT32's first root cluster.
    let rootCluster: UInt32
    /// Where cluster 2 starts, in bytes.
    let dataStart: Int64
    /// Data clusters are numbered from 2 to clusterCount + 1.
    let clusterCount: Int
    /// Where FSInfo is, in bytes; nil if the volume has none, as on FAT12 and FAT16.
    let fsInfo: Int64?
    /// Where the backup of the boot sector is, in bytes; nil if the volume has none, as on FAT12 and FAT16.
    let backup: Int64?
    let medium: UInt8
    let label: String?
    /// The "dirty" bit that Linux and Windows NT keep in the byte after the drive number.
    let isMarkedDirty: Bool

    var clusterSize: Int { bytesPerSector * sectorsPerCluster }

    /// Limits of the specification, "FAT Type Determination".
    private static let smallestFAT16 = 4085
    private static let smallestFAT32 = 65525
    /// Cluster numbers from 0x0FFF_FFF7 on are special values.
    private static let largestFAT32 = 0x0FFF_FFF5
    /// A table of 256 MiB, which is read into memory: cards of 2 TiB have as many in clusters of 32 KiB.
    private static let mostClusters = 1 << 26

    init(of store: some BlockStore) throws(Failure) {
        guard store.size >= 512 else { throw Self.notFAT(store, "it is smaller than a sector") }
        let sector = try store.bytes(at: 0, count: 512)
        guard sector[510] == 0x55, sector[511] == 0xAA else { throw Self.notFAT(store, "its signature is missing") }

        let bytesPerSector = Int(sector.u16(11))
        let sectorsPerCluster = Int(sector[13])
        let reserved = Int(sector.u16(14))
        let fats = Int(sector[16])
        let rootEntries = Int(sector.u16(17))
        let medium = sector[21]
        let isFAT32 = sector.u16(22) == 0
        let sectorsPerFAT = isFAT32 ? Int(sector.u32(36)) : Int(sector.u16(22))
        let totalSectors = sector.u16(19) != 0 ? Int(sector.u16(19)) : Int(sector.u32(32))
        guard [512, 1024, 2048, 4096].contains(bytesPerSector), sectorsPerCluster > 0,
            sectorsPerCluster & (sectorsPerCluster - 1) == 0, reserved > 0, (1...4).contains(fats), sectorsPerFAT > 0,
            medium == 0xF0 || medium >= 0xF8
        else { throw Self.notFAT(store, "its first sector does not describe a FAT file system") }

        let rootSectors = (rootEntries * DirectorySlot.size + bytesPerSector - 1) / bytesPerSector
        let dataSector = reserved + fats * sectorsPerFAT + rootSectors
        guard totalSectors > dataSector else {
            throw Self.damaged(store, "its FAT file system has no room for data")
        }
        guard Int64(totalSectors) * Int64(bytesPerSector) <= store.size else {
            throw Failure(
                .damagedFilesystem,
                "\(store.name): its FAT file system has \(totalSectors) sectors of \(bytesPerSector) bytes, "
                    + "but there are only \(store.size) bytes",
                hint: "the image or card is truncated or damaged: write it again")
        }
        let clusters = (totalSectors - dataSector) / sectorsPerCluster
        guard clusters <= Self.mostClusters else {
            throw Failure(
                .unsupportedFilesystem, severity: .refused,
                "\(store.name): its FAT file system has \(clusters) clusters, more than piflash reads",
                hint: Self.notABootPartition)
        }
        guard !isFAT32 || clusters >= Self.smallestFAT16 else {
            throw Failure(
                .unsupportedFilesystem, severity: .refused,
                "\(store.name) is FAT32 with only \(clusters) clusters, which some systems take for FAT12",
                hint: Self.notABootPartition)
        }
        let rootCluster = isFAT32 ? sector.u32(44) : 0
        let flags = isFAT32 ? sector.u16(40) : 0
        if isFAT32 {
            guard sector.u16(42) == 0, rootEntries == 0, clusters < Self.largestFAT32 else {
                throw Self.damaged(store, "its first sector does not describe a FAT32 that piflash knows")
            }
            guard rootCluster >= 2, Int(rootCluster) < clusters + 2 else {
                throw Self.damaged(store, "its root directory starts at cluster \(rootCluster)")
            }
            guard flags & 0x80 == 0 || Int(flags & 0x0F) < fats else {
                throw Self.damaged(store, "the allocation table in use does not exist")
            }
        } else {
            guard clusters < Self.smallestFAT32 else {
                throw Self.damaged(store, "it has \(clusters) clusters, too many for FAT16")
            }
            guard rootEntries > 0, rootEntries * DirectorySlot.size % bytesPerSector == 0 else {
                throw Self.damaged(store, "its root directory has room for \(rootEntries) entries")
            }
        }
        let kind: FATKind = isFAT32 ? .fat32 : clusters < Self.smallestFAT16 ? .fat12 : .fat16
        guard sectorsPerFAT * bytesPerSector * 8 >= (clusters + 2) * kind.entryBits else {
            throw Self.damaged(store, "its allocation table is too small for its \(clusters) clusters")
        }

        let unit = Int64(bytesPerSector)
        self.kind = kind
        self.bytesPerSector = bytesPerSector
        self.sectorsPerCluster = sectorsPerCluster
        self.rootCluster = rootCluster
        fatStart = Int64(reserved) * unit
        fatSize = Int64(sectorsPerFAT) * unit
        fatCount = fats
        activeFAT = flags & 0x80 != 0 ? Int(flags & 0x0F) : nil
        let rootStart = Int64(reserved + fats * sectorsPerFAT) * unit
        rootRegion = rootStart..<(rootStart + Int64(rootSectors) * unit)
        dataStart = Int64(dataSector) * unit
        clusterCount = clusters
        let infoSector = Int(sector.u16(48))
        fsInfo = isFAT32 && infoSector > 0 && infoSector < reserved ? Int64(infoSector) * unit : nil
        let backupSector = Int(sector.u16(50))
        backup = isFAT32 && backupSector > 0 && backupSector < reserved ? Int64(backupSector) * unit : nil
        self.medium = medium
        let extended = isFAT32 ? 64 : 36
        let hasLabel = sector[extended + 2] == 0x29
        label = hasLabel ? ShortName.decodeLabel(sector[(extended + 7)..<(extended + 18)]) : nil
        isMarkedDirty = sector[extended + 1] & 1 != 0
    }

    /// Throws on FAT12, which no Pi boots from.
    func requireEditableKind(name: String) throws(Failure) {
        guard kind == .fat12 else { return }
        throw Failure(
            .unsupportedFilesystem, severity: .refused, "\(name) is FAT12, which piflash does not edit",
            hint: Self.notABootPartition)
    }

    private static let notABootPartition =
        "boot partitions of Raspberry Pi images are FAT16 or FAT32: is this the right card or image?"

    private static func notFAT(_ store: some BlockStore, _ why: String) -> Failure {
        guard let other = ForeignFilesystem(in: store) else {
            return Failure(
                .unsupportedFilesystem, severity: .refused, "\(store.name) is not a FAT file system: \(why)",
                hint: "is this the right card or image?")
        }
        return Failure(
            .unsupportedFilesystem, severity: .refused, "\(store.name) is \(other.name), which piflash does not edit",
            hint: "a Raspberry Pi boots from FAT16 or FAT32: is this the right card or image?")
    }

    private static func damaged(_ store: some BlockStore, _ what: String) -> Failure {
        Failure(
            .damagedFilesystem, "\(store.name): \(what)", hint: "the image or card is damaged: write it again")
    }
}
