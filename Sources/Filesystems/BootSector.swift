public import Diagnostics
import Storage

/// The first sector of a FAT volume (Microsoft FAT specification 1.03, "Boot Sector and BPB").
///
///     11  bytes per sector        22  sectors per FAT (16 bit; 0 on FAT32)
///     13  sectors per cluster     32  total sectors (32 bit, when the 16-bit field is 0)
///     14  reserved sectors        36  FAT32: sectors per FAT
///     16  number of FATs          40  FAT32: flags (bit 7: only the FAT in bits 0-3 is in use)
///     17  root entries (FAT16)    44  FAT32: first cluster of the root directory
///     19  total sectors (16 bit)  48  FAT32: sector of the FSInfo structure
///     510 the signature 55 AA
///
/// Which FAT it is follows from the number of clusters alone, as the specification says; labels lie.
struct BootSector: Sendable {
    enum Kind: String, Sendable { case fat16 = "FAT16", fat32 = "FAT32" }

    let kind: Kind
    let bytesPerSector: Int
    let sectorsPerCluster: Int
    /// Where the first FAT starts, in bytes.
    let fatStart: Int64
    /// The size of one FAT, in bytes.
    let fatSize: Int64
    let fatCount: Int
    /// The only FAT in use, or nil when all are kept the same.
    let activeFAT: Int?
    /// FAT16's root directory, in bytes; empty on FAT32.
    let rootRegion: Range<Int64>
    /// FAT32's first root cluster.
    let rootCluster: UInt32
    /// Where cluster 2 starts, in bytes.
    let dataStart: Int64
    /// Data clusters are numbered from 2 to clusterCount + 1.
    let clusterCount: Int
    /// Where FSInfo stands, in bytes; nil on FAT16, or when the volume has none.
    let fsInfo: Int64?
    let label: String?
    /// The "dirty" bit that Linux and Windows NT keep in the byte after the drive number.
    let isMarkedDirty: Bool

    var clusterSize: Int { bytesPerSector * sectorsPerCluster }

    init(of store: some BlockStore) throws(Failure) {
        guard store.size >= 512 else { throw Self.notFAT(store, "it is smaller than a sector") }
        let sector = try store.bytes(at: 0, count: 512)
        if Array(sector[3..<11]) == Array("EXFAT   ".utf8) {
            throw Failure(
                .unsupportedFilesystem, severity: .refused, "\(store.name) is exFAT, which piflash does not edit",
                hint: "no Raspberry Pi boots from exFAT: is this the right card or image?")
        }
        guard sector[510] == 0x55, sector[511] == 0xAA else { throw Self.notFAT(store, "its signature is missing") }

        let bytesPerSector = Int(sector.u16(11))
        let sectorsPerCluster = Int(sector[13])
        let reserved = Int(sector.u16(14))
        let fats = Int(sector[16])
        let rootEntries = Int(sector.u16(17))
        let isFAT32Shaped = sector.u16(22) == 0
        let sectorsPerFAT = isFAT32Shaped ? Int(sector.u32(36)) : Int(sector.u16(22))
        let totalSectors = sector.u16(19) != 0 ? Int(sector.u16(19)) : Int(sector.u32(32))
        guard [512, 1024, 2048, 4096].contains(bytesPerSector), sectorsPerCluster > 0,
            sectorsPerCluster & (sectorsPerCluster - 1) == 0, reserved > 0, (1...4).contains(fats), sectorsPerFAT > 0
        else { throw Self.notFAT(store, "its first sector describes no FAT file system") }

        let rootSectors = (rootEntries * 32 + bytesPerSector - 1) / bytesPerSector
        let dataSector = reserved + fats * sectorsPerFAT + rootSectors
        guard totalSectors > dataSector, Int64(totalSectors) * Int64(bytesPerSector) <= store.size else {
            throw Failure(
                .damagedFilesystem,
                "\(store.name): its FAT file system says it has \(totalSectors) sectors, more than fit",
                hint: "the image or card is truncated or damaged: write it anew")
        }
        let clusters = (totalSectors - dataSector) / sectorsPerCluster
        // The limits of the specification, "FAT Type Determination".
        guard clusters >= 4085 else {
            throw Failure(
                .unsupportedFilesystem, severity: .refused, "\(store.name) is FAT12, which piflash does not edit",
                hint: "boot partitions of Raspberry Pi images are FAT16 or FAT32: is this the right card or image?")
        }
        let kind: Kind = clusters < 65525 ? .fat16 : .fat32
        // mkfs.fat -F 32 makes FAT32 below the limit, and every system takes it by the shape of its boot sector.
        let effective: Kind = isFAT32Shaped ? .fat32 : kind
        let entrySize = effective == .fat32 ? 4 : 2
        guard sectorsPerFAT * bytesPerSector >= (clusters + 2) * entrySize, clusters < 0x0FFF_FFF5,
            effective == .fat32 || (!isFAT32Shaped && kind == .fat16 && rootEntries > 0)
        else {
            throw Failure(
                .damagedFilesystem, "\(store.name): its FAT is too small for its \(clusters) clusters",
                hint: "the image or card is damaged: write it anew")
        }

        let unit = Int64(bytesPerSector)
        self.kind = effective
        self.bytesPerSector = bytesPerSector
        self.sectorsPerCluster = sectorsPerCluster
        fatStart = Int64(reserved) * unit
        fatSize = Int64(sectorsPerFAT) * unit
        fatCount = fats
        let flags = sector.u16(40)
        let single = effective == .fat32 && flags & 0x80 != 0
        activeFAT = single ? min(Int(flags & 0x0F), fats - 1) : nil
        let rootStart = Int64(reserved + fats * sectorsPerFAT) * unit
        rootRegion = rootStart..<(rootStart + (effective == .fat32 ? 0 : Int64(rootSectors) * unit))
        rootCluster = effective == .fat32 ? sector.u32(44) : 0
        dataStart = Int64(dataSector) * unit
        clusterCount = clusters
        let infoSector = sector.u16(48)
        fsInfo =
            effective == .fat32 && infoSector > 0 && infoSector != 0xFFFF && Int(infoSector) < reserved
            ? Int64(infoSector) * unit : nil
        let labelOffset = effective == .fat32 ? 71 : 43
        let text = ShortName.decodeOEM(sector[labelOffset..<(labelOffset + 11)]).trimmingBlanks
        label = text.isEmpty || text == "NO NAME" ? nil : text
        isMarkedDirty = sector[effective == .fat32 ? 65 : 37] & 1 != 0
    }

    private static func notFAT(_ store: some BlockStore, _ why: String) -> Failure {
        Failure(
            .unsupportedFilesystem, severity: .refused, "\(store.name) is no FAT file system: \(why)",
            hint: "is this the right card or image?")
    }
}

extension String {
    var trimmingBlanks: String {
        var result = self[...]
        while result.last == " " { result.removeLast() }
        return String(result)
    }
}

extension Failure.Code {
    /// A file system that piflash does not edit.
    public static let unsupportedFilesystem = Failure.Code("filesystems.unsupported")
    /// Structures of a file system that contradict each other.
    public static let damagedFilesystem = Failure.Code("filesystems.damaged")
    /// No room for what should be written.
    public static let filesystemFull = Failure.Code("filesystems.full")
    /// A file system that was not unmounted cleanly.
    public static let dirtyFilesystem = Failure.Code("filesystems.dirty")
    /// A file name that the file system cannot hold.
    public static let badFileName = Failure.Code("filesystems.bad-name")
}
