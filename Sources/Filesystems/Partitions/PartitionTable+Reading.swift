import CBlkid
import Host
package import Diagnostics
import Storage
package import SystemPackage

extension PartitionTable {
    /// Reads the partition table of an image file or a block device, and what each partition holds.
    ///
    /// Throws `.noPartitionTable` when there is none (the message says what is there instead), `.foreignPartitionTable` when
    /// it is of a kind that no Raspberry Pi reads, `.partitionPastEnd`
    /// when a partition runs past the end of the file or device, and `.system` when it cannot be read.
    ///
    /// - Parameter name: What messages call it, where that is not its path.
    package static func read(_ path: FilePath, name: FilePath? = nil) throws(Failure) -> PartitionTable {
        try BlkidProbe.withDescriptor(path, name: name) { descriptor throws(Failure) in
            Confinement.isUsed
                ? try readConfined(descriptor, path: name ?? path)
                : try read(descriptor, path: name ?? path)
        }
    }

    /// The partition that the Pi's firmware boots from: the first one with a FAT file system.
    package var bootPartition: Partition? { partitions.first { $0.filesystem?.type == "vfat" } }

    private static func readConfined(_ file: FileDescriptor, path: FilePath) throws(Failure) -> PartitionTable {
        var values = FilesystemRequest.table.values
        values.add(path.string)
        var result = try ConfinedProcess(.filesystem).call(values, passing: file)
        return try result.table()
    }

    static func read(_ descriptor: FileDescriptor, path: FilePath) throws(Failure) -> PartitionTable {
        let probe = try BlkidProbe(descriptor, path: path, offset: 0, size: 0)
        let size = blkid_probe_get_size(probe.handle)
        blkid_probe_enable_superblocks(probe.handle, 0)
        blkid_probe_enable_partitions(probe.handle, 1)
        guard let list = blkid_probe_get_partitions(probe.handle), let table = blkid_partlist_get_table(list),
            let type = blkid_parttable_get_type(table).map({ String(cString: $0) })
        else {
            // libblkid ignores a GPT that does not fit: look for one here, to say so.
            try GPTHeader.checkFits(descriptor, path: path, size: size)
            throw try noTable(descriptor, path: path, size: size)
        }
        guard let kind = ["dos": Kind.mbr, "gpt": .gpt][type] else {
            throw Failure(
                .foreignPartitionTable,
                "\(path) has a partition table of type \(type); a Raspberry Pi reads MBR and GPT",
                hint: "is this the right file or device?")
        }
        var partitions: [Partition] = []
        for index in 0..<blkid_partlist_numof_partitions(list) {
            guard let entry = blkid_partlist_get_partition(list, index) else { continue }
            let number = Int(blkid_partition_get_partno(entry))
            let range = try range(
                ofPartition: number, first: blkid_partition_get_start(entry), count: blkid_partition_get_size(entry),
                path: path, size: size)
            // An extended partition only contains the logical ones.
            guard blkid_partition_is_extended(entry) == 0, !range.isEmpty else { continue }
            let mbrType = "0x" + String(blkid_partition_get_type(entry), radix: 16)
            let guid = blkid_partition_get_type_string(entry).map { String(cString: $0) }
            partitions.append(
                Partition(
                    number: number, range: range, type: kind == .mbr ? mbrType : guid ?? mbrType,
                    uuid: blkid_partition_get_uuid(entry).map { String(cString: $0).lowercased() },
                    filesystem: try FilesystemSignature.unambiguous(descriptor, path: path, range: range)))
        }
        return PartitionTable(kind: kind, partitions: partitions.sorted { $0.number < $1.number })
    }

    /// A partition in bytes. libblkid counts in sectors of 512 bytes, whatever the device's are.
    private static func range(
        ofPartition number: Int, first: Int64, count: Int64, path: FilePath, size: Int64
    ) throws(Failure) -> Range<Int64> {
        let sectors = first.addingReportingOverflow(count)
        let end = sectors.partialValue.multipliedReportingOverflow(by: 512)
        guard first >= 0, count >= 0, !sectors.overflow, !end.overflow, end.partialValue <= size else {
            throw pastEnd(path, number: number, lastSector: "\(first) + \(count)", end: end.partialValue, size: size)
        }
        return (first * 512)..<end.partialValue
    }

    static func pastEnd(
        _ path: FilePath, number: Int, lastSector: String, end: Int64, size: Int64
    ) -> Failure {
        let place = end > size ? "ends at byte \(end) (\(formatBytes(end)))" : "ends at sector \(lastSector)"
        return Failure(
            .partitionPastEnd,
            "\(path): partition \(number) \(place), but there are only \(size) bytes (\(formatBytes(size)))",
            hint: "the image is truncated: unpack or download it again")
    }

    private static func noTable(
        _ descriptor: FileDescriptor, path: FilePath, size: Int64
    ) throws(Failure) -> Failure {
        let hint = "a card image starts with a partition table: is this the right file or device?"
        do throws(Failure) {
            let found = try FilesystemSignature.probe(descriptor, path: path, range: nil)
            let what = size == 0 ? ": it is empty" : found.map { ", but holds one \($0.type) file system" } ?? ""
            return Failure(.noPartitionTable, "\(path) has no partition table\(what)", hint: hint)
        } catch {
            guard error.code == .ambiguousFilesystem else { throw error }
            return Failure(
                .noPartitionTable, "\(path) has no partition table, but traces of more than one file system",
                hint: hint)
        }
    }
}

extension Failure.Code {
    package static let noPartitionTable = Failure.Code("filesystems.no-partition-table")
    package static let foreignPartitionTable = Failure.Code("filesystems.foreign-partition-table")
    package static let partitionPastEnd = Failure.Code("filesystems.partition-past-end")
}
