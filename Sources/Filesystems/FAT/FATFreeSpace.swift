import Diagnostics
import Storage

/// Where a FAT file system keeps nothing.
struct FATFreeSpace {
    let kind: FATKind
    /// The bytes of clusters that are free or marked as bad. Everything else may matter: boot and reserved sectors with
    /// FSInfo and their backups, the tables, the root directory, and what lies behind the last cluster.
    let ranges: ByteRanges

    /// Reads the volume that fills `store`.
    ///
    /// Throws, with the reason, when its tables cannot be relied on: it was not unmounted cleanly, its tables differ, or a
    /// file's chain of clusters is broken, or its directories are not where they should be.
    init(of store: some BlockStore) throws(Failure) {
        let name = store.name
        let boot = try BootSector(of: store)
        let table = try FileAllocationTable(of: store, boot: boot)
        guard !boot.isMarkedDirty, !table.isMarkedDirty else {
            throw Failure(.dirtyFilesystem, "\(name): it was not unmounted cleanly")
        }
        guard !table.isMarkedFaulty else {
            throw Failure(.damagedFilesystem, "\(name): the system that used it last met faults in it")
        }
        guard try FileAllocationTable.isMirrored(in: store, boot: boot) else {
            throw Failure(.damagedFilesystem, "\(name): its allocation tables differ")
        }
        let reader = FATReader(name: name, boot: boot, store: store, table: table)
        try reader.checkChains()
        try reader.checkPlaces()
        kind = boot.kind
        ranges = ByteRanges(
            table.emptyRuns.map { run in
                reader.range(of: run.lowerBound).lowerBound..<reader.range(of: run.upperBound).lowerBound
            })
    }
}
