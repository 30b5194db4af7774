public import Diagnostics
public import Filesystems
public import Images
public import Storage

/// Finds and reads the root partition of a card or an image.
public enum RootVolume {
    /// The partition that the kernel command line's `root=` names, or else the first one with a Linux file system behind
    /// the boot partition; nil when there is none.
    public static func partition(in table: PartitionTable, boot: BootSnapshot) -> PartitionTable.Partition? {
        let candidates = table.partitions.filter { $0.number != table.bootPartition?.number }
        let words = (boot.text("cmdline.txt") ?? boot.text("current/cmdline.txt") ?? "").split(
            whereSeparator: \.isWhitespace)
        if let root = words.last(where: { $0.hasPrefix("root=") })?.dropFirst("root=".count) {
            if root.hasPrefix("LABEL=") {
                let label = root.dropFirst("LABEL=".count)
                if let named = candidates.first(where: { $0.filesystem?.label == String(label) }) { return named }
            }
            // /dev/mmcblk0p2 and PARTUUID=7ee80803-02 end in the partition's number; the disk's own id in front of it is
            // changed by some vendors' first boots.
            let digits = String(root.reversed().prefix { $0.isASCII && $0.isNumber }.reversed())
            if let number = Int(digits), let numbered = candidates.first(where: { $0.number == number }),
                numbered.filesystem != nil
            {
                return numbered
            }
        }
        return candidates.first { ["ext2", "ext3", "ext4"].contains($0.filesystem?.type) }
            ?? candidates.first { $0.filesystem != nil && $0.filesystem?.type != "swap" }
    }

    /// What the root partition of `store` tells. One that is missing or cannot be read tells why in its
    /// ``RootSnapshot/obstacle``: some systems can be configured without it.
    public static func snapshot(
        of store: some BlockStore, table: PartitionTable, boot: BootSnapshot
    ) -> RootSnapshot {
        guard let partition = partition(in: table, boot: boot) else {
            return RootSnapshot(obstacle: "there is none on \(store.name)")
        }
        guard ["ext2", "ext3", "ext4"].contains(partition.filesystem?.type) else {
            return RootSnapshot(obstacle: "it is \(partition.filesystem?.type ?? "unknown"), not ext4")
        }
        do throws(Failure) {
            let window = try Window(store, range: partition.range, name: name(store))
            return try RootSnapshot(of: Ext4Volume(window, name: window.name, time: 0))
        } catch {
            return RootSnapshot(obstacle: error.message)
        }
    }

    /// Carries out `edits` on the root partition of `store` and returns the paths that changed.
    public static func apply(
        _ edits: [RootEdit], to store: some WritableBlockStore, table: PartitionTable, boot: BootSnapshot, time: Int64
    ) throws(Failure) -> [String] {
        guard !edits.isEmpty else { return [] }
        guard let partition = partition(in: table, boot: boot) else {
            throw Failure(.noRootPartition, severity: .refused, "\(store.name) has no root partition to edit")
        }
        let window = try Window(store, range: partition.range, name: name(store))
        return try Ext4Volume.apply(edits, to: window, name: window.name, time: time)
    }

    private static func name(_ store: some BlockStore) -> String { "the root partition of \(store.name)" }
}

extension Failure.Code {
    public static let noRootPartition = Failure.Code("fleet.no-root-partition")
}
