import Diagnostics
package import Storage

/// The bytes of a disk image that matter: all but what its file systems call free.
///
/// When in doubt, a block counts as used. Only blocks that a FAT or an ext2, ext3 or ext4 file system itself marks as free are
/// unused, and only while it is clean and its structures agree. Everything else is in use: what lies outside the
/// partitions (boot code, partition tables, the records of logical partitions), every other file system, swap, the rest of
/// a partition behind its file system, and zeros wherever they are: a card holds something else there.
package struct UsedBlocks: Hashable, Sendable {
    /// A partition, and how much of it is in use.
    package struct Area: Hashable, Sendable, CustomStringConvertible {
        /// Counts from 1, as in the partition table.
        package let partition: Int
        /// The partition, in bytes from the start of the image.
        package let range: Range<Int64>
        /// How many of its bytes are in use, in the file system's own blocks.
        package let used: Int64
        /// What is inside: "FAT32", "ext4", or what libblkid calls it; nil when it is not recognised.
        package let filesystem: String?
        /// Why all of it counts as used; nil when its free blocks are known.
        package let reasonForWhole: String?

        /// "partition 1: FAT32, 31 MiB of 256 MiB in use".
        package var description: String {
            let what = "\(Self.name(partition)): \(filesystem ?? "unknown")"
            let size = formatBytes(Int64(range.count))
            if let reasonForWhole { return "\(what), all of it counts as used (\(size)): \(reasonForWhole)" }
            return "\(what), \(formatBytes(used)) of \(size) in use"
        }

        static func name(_ partition: Int) -> String { "partition \(partition)" }
    }

    /// Gaps below this many bytes are written through.
    ///
    /// A break in a sequential write costs a card a separate command, and often the copying of a flash page that was begun
    /// and not filled: the Speed Class of a card is only promised for whole recording units of up to 512 KiB in a row (SD
    /// Specifications, Part 1, Physical Layer, "Speed Class"). That is a few milliseconds, in which a card of 30 MB/s
    /// writes 128 KiB. Vendors' images are made in one go and have their free blocks in a few long runs, where the value does
    /// not matter; it does for an image of a card that was in use.
    package static let smallestGap: Int64 = 128 << 10

    /// Ranges start and end at multiples of this: the page size, and the largest sector that a card reports.
    package static let alignment: Int64 = 4096

    /// What must be written, in bytes from the start of the image.
    package let ranges: ByteRanges
    /// The partitions, in the order of the table.
    package let areas: [Area]

    /// Reads the file systems of `store`, which is laid out as `table` says. A file system that cannot be read counts as
    /// used throughout; writing the image then reports the reason.
    ///
    /// - Parameter gap: Gaps below this many bytes are written through.
    package init(of store: some BlockStore, table: PartitionTable, fillingGapsBelow gap: Int64 = smallestGap) {
        let image = 0..<store.size
        var used = ByteRanges([image])
        for partition in table.partitions { used.remove(partition.range) }
        var areas: [Area] = []
        for partition in table.partitions {
            let (area, ranges) = Self.read(partition, of: store)
            // Where two partitions overlap, what one of them uses is used.
            for range in ranges.ranges { used.insert(range) }
            areas.append(area)
        }
        ranges = used.aligned(to: Self.alignment).clamped(to: image).filling(gapsBelow: gap)
        self.areas = areas
    }

    private static func read(_ partition: PartitionTable.Partition, of store: some BlockStore) -> (Area, ByteRanges) {
        let range = partition.range.clamped(to: 0..<store.size)
        let name = Area.name(partition.number)
        do throws(Failure) {
            let (filesystem, free) = try freeSpace(of: partition, in: store, name: name)
            var used = ByteRanges([range])
            for run in free.ranges {
                used.remove((range.lowerBound + run.lowerBound)..<(range.lowerBound + run.upperBound))
            }
            return (
                Area(
                    partition: partition.number, range: range, used: used.count, filesystem: filesystem,
                    reasonForWhole: nil), used
            )
        } catch {
            return (
                Area(
                    partition: partition.number, range: range, used: Int64(range.count),
                    filesystem: partition.filesystem?.type, reasonForWhole: error.reason(in: name)), ByteRanges([range])
            )
        }
    }

    /// In bytes from the start of the partition.
    private static func freeSpace(
        of partition: PartitionTable.Partition, in store: some BlockStore, name: String
    ) throws(Failure) -> (filesystem: String, ByteRanges) {
        let window = try Window(store, range: partition.range, name: name)
        switch partition.filesystem?.type {
        case "vfat":
            let space = try FATFreeSpace(of: window)
            return (space.kind.rawValue, space.ranges)
        case let type? where Ext4Volume.types.contains(type):
            return (type, try Ext4FreeSpace.ranges(of: window))
        case .some:
            throw Failure(.unsupportedFilesystem, "\(name): piflash does not know its free blocks")
        case nil:
            throw Failure(.unsupportedFilesystem, "\(name): no file system is recognised")
        }
    }
}
