import Text
import Diagnostics
import Storage

/// FAT32's note of how much is free (specification, "FSInfo Sector Structure").
///
///     0    the signature "RRaA"      488  the number of free clusters
///     484  the signature "rrAa"      492  where to look for a free cluster first
///     508  00 00 55 AA
///
/// It is a hint for other systems: piflash always counts the free clusters itself.
enum FSInfo {
    static let size = 512

    /// The number of free clusters that it names; nil on a volume without FSInfo.
    static func freeCount(in store: some BlockStore, boot: BootSector) throws(Failure) -> UInt32? {
        guard let offset = boot.fsInfo else { return nil }
        return try store.bytes(at: offset, count: size).u32(488)
    }

    /// Notes the number of free clusters and the first free one; does nothing on a volume without FSInfo.
    static func update(
        in store: some WritableBlockStore, boot: BootSector, freeCount: Int, nextFree: Int?
    ) throws(Failure) {
        guard let offset = boot.fsInfo else { return }
        var sector = try store.bytes(at: offset, count: size)
        guard sector.u32(0) == 0x4161_5252, sector.u32(484) == 0x6141_7272 else { return }
        sector.set(UInt32(freeCount), at: 488)
        // 0xFFFF_FFFF says that there is no hint: a full volume has no free cluster to name.
        sector.set(nextFree.map { UInt32($0) } ?? 0xFFFF_FFFF, at: 492)
        try store.write(sector, at: offset)
    }
}
