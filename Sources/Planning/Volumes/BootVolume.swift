package import Diagnostics
package import Filesystems
package import Storage
package import SystemPackage

/// Finds and opens the boot partition of a card or an image.
package enum BootVolume {
    /// The FAT volume in the boot partition of `store`. Written files get the time `time` (seconds since 1970, UTC).
    package static func open(_ store: some WritableBlockStore, table: PartitionTable, at time: Int64) throws(Failure)
        -> FATVolume
    {
        let range = try range(in: table, of: store.name)
        let name = "the boot partition of \(store.name)"
        return try FATVolume(
            Window(store, range: range, name: name), name: name, modified: FATTimestamp(secondsSince1970: time))
    }

    /// The range of the boot partition, in bytes. Throws if partitions overlap, too: what is written to one of them would
    /// be in the other.
    package static func range(in table: PartitionTable, of name: String) throws(Failure) -> Range<Int64> {
        if let problem = table.overlap {
            throw Failure(
                .damagedPartitionTable, severity: .refused, "\(name): its partition table is damaged: \(problem)",
                hint: "show it with `fdisk -l`; write the card again, or take another image")
        }
        if let boot = table.bootPartition { return boot.range }
        let found = table.partitions.map { "\($0.number): \($0.filesystem?.type ?? "unknown")" }
        throw Failure(
            .noBootPartition, severity: .refused,
            "\(name) has no FAT boot partition (\(found.isEmpty ? "no partitions" : found.joined(separator: ", ")))",
            hint: "piflash prepares images for the Raspberry Pi; is this one?")
    }

    /// Validates an unpacked image: its partition table must be valid and its boot partition editable.
    package static func validate(_ path: FilePath, _ file: ImageFile) throws(Failure) {
        let table = try PartitionTable.read(path, name: FilePath(file.name))
        _ = try range(in: table, of: file.name)
    }
}

extension PartitionTable {
    /// Which two partitions share sectors, or which one contains the table's own sector; nil if none do.
    fileprivate var overlap: String? {
        let sorted = partitions.sorted { $0.range.lowerBound < $1.range.lowerBound }
        if let first = sorted.first, first.range.lowerBound < 512 {
            return "partition \(first.number) starts before the end of the table"
        }
        for (one, other) in zip(sorted, sorted.dropFirst()) where other.range.lowerBound < one.range.upperBound {
            return "partitions \(one.number) and \(other.number) overlap"
        }
        return nil
    }
}

extension Failure.Code {
    /// Partitions that overlap.
    package static let damagedPartitionTable = Failure.Code("fleet.damaged-partition-table")
    package static let noBootPartition = Failure.Code("fleet.no-boot-partition")
}
