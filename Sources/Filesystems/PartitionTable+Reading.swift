import CBlkid
public import Diagnostics
import Storage
public import SystemPackage

extension PartitionTable {
    /// Reads the partition table of an image file or a block device, and what each partition holds.
    ///
    /// A table that runs past the end of the file or device is refused: the image is truncated.
    public static func read(_ path: FilePath) throws(Failure) -> PartitionTable {
        try Probe.withDescriptor(path) { descriptor throws(Failure) in
            try read(descriptor, path: path)
        }
    }

    /// The partition that the Pi's firmware boots from: the first one with a FAT file system.
    public var bootPartition: Partition? { partitions.first { $0.filesystem?.type == "vfat" } }

    private static func read(_ descriptor: FileDescriptor, path: FilePath) throws(Failure) -> PartitionTable {
        let probe = try Probe(descriptor, path: path, offset: 0, size: 0)
        let size = blkid_probe_get_size(probe.handle)
        blkid_probe_enable_superblocks(probe.handle, 0)
        blkid_probe_enable_partitions(probe.handle, 1)
        guard let list = blkid_probe_get_partitions(probe.handle), let table = blkid_partlist_get_table(list),
            let type = blkid_parttable_get_type(table).map({ String(cString: $0) })
        else {
            let found = try FilesystemSignature.probe(descriptor, path: path, range: nil)
            throw Failure(
                .noPartitionTable,
                "\(path) has no partition table" + (found.map { ", but is one \($0.type) file system" } ?? ""),
                hint: "a card image starts with a partition table: is this the right file or device?")
        }
        guard let kind = ["dos": Kind.mbr, "gpt": .gpt][type] else {
            throw Failure(
                .noPartitionTable, "\(path) has a partition table of type \(type); a Raspberry Pi reads MBR and GPT",
                hint: "is this the right file or device?")
        }
        var partitions: [Partition] = []
        for index in 0..<blkid_partlist_numof_partitions(list) {
            guard let entry = blkid_partlist_get_partition(list, index) else { continue }
            let number = Int(blkid_partition_get_partno(entry))
            // libblkid counts in sectors of 512 bytes, whatever the device's are.
            let start = blkid_partition_get_start(entry) * 512
            let (end, overflow) = (start / 512 + blkid_partition_get_size(entry)).multipliedReportingOverflow(by: 512)
            guard !overflow, end <= size else {
                throw Failure(
                    .partitionPastEnd,
                    "\(path): partition \(number) ends at \(formatBytes(end)), but there are only \(formatBytes(size))",
                    hint: "the image is truncated: unpack or download it again")
            }
            let typeText =
                blkid_partition_get_type_string(entry).map { String(cString: $0) }
                ?? "0x" + String(blkid_partition_get_type(entry), radix: 16)
            // An extended partition is only a frame around the logical ones.
            guard blkid_partition_is_extended(entry) == 0 else { continue }
            partitions.append(
                Partition(
                    number: number, range: start..<end,
                    type: kind == .mbr ? "0x" + String(blkid_partition_get_type(entry), radix: 16) : typeText,
                    filesystem: try FilesystemSignature.probe(descriptor, path: path, range: start..<end)))
        }
        return PartitionTable(kind: kind, partitions: partitions.sorted { $0.number < $1.number })
    }
}

extension FilesystemSignature {
    /// What the bytes `range` of the file or device hold, or nil when libblkid recognises nothing, or too much.
    public static func probe(_ path: FilePath, range: Range<Int64>?) throws(Failure) -> FilesystemSignature? {
        try Probe.withDescriptor(path) { descriptor throws(Failure) in
            try probe(descriptor, path: path, range: range)
        }
    }

    fileprivate static func probe(_ descriptor: FileDescriptor, path: FilePath, range: Range<Int64>?) throws(Failure)
        -> FilesystemSignature?
    {
        let probe = try Probe(descriptor, path: path, offset: range?.lowerBound ?? 0, size: Int64(range?.count ?? 0))
        blkid_probe_enable_superblocks(probe.handle, 1)
        blkid_probe_set_superblocks_flags(probe.handle, cblkid_sublks_default() | BLKID_SUBLKS_VERSION)
        guard blkid_do_safeprobe(probe.handle) == 0, let type = probe.value("TYPE") else { return nil }
        return FilesystemSignature(
            type: type, version: probe.value("VERSION"), label: probe.value("LABEL"), uuid: probe.value("UUID"))
    }
}

/// A libblkid probe over a part of an open file; freed with its owner.
private final class Probe {
    let handle: blkid_probe

    /// `size` 0 means: to the end.
    init(_ descriptor: FileDescriptor, path: FilePath, offset: Int64, size: Int64) throws(Failure) {
        guard let probe = blkid_new_probe() else { throw Failure(.system, "libblkid has no memory") }
        guard blkid_probe_set_device(probe, descriptor.rawValue, offset, size) == 0 else {
            blkid_free_probe(probe)
            throw Failure(.system, "looking for file systems in \(path): libblkid cannot use it")
        }
        handle = probe
    }

    deinit { blkid_free_probe(handle) }

    func value(_ name: String) -> String? {
        var data: UnsafePointer<CChar>?
        guard blkid_probe_lookup_value(handle, name, &data, nil) == 0, let data else { return nil }
        return String(cString: data)
    }

    static func withDescriptor<Value>(
        _ path: FilePath, _ body: (FileDescriptor) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let descriptor: FileDescriptor
        do { descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec]) } catch {
            throw .system("opening \(path)", error as? Errno ?? .ioError)
        }
        defer { try? descriptor.close() }
        return try body(descriptor)
    }
}

extension Failure.Code {
    public static let noPartitionTable = Failure.Code("filesystems.no-partition-table")
    public static let partitionPastEnd = Failure.Code("filesystems.partition-past-end")
}
