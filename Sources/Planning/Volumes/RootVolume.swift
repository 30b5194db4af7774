import Text
package import Diagnostics
package import Filesystems
package import Storage

/// Finds and opens the root partition of a card or an image.
package enum RootVolume {
    package enum Finding: Hashable, Sendable {
        case found(PartitionTable.Partition)
        /// The reason why piflash reads none, for people.
        case missing(reason: String)

        package var partition: PartitionTable.Partition? {
            if case .found(let partition) = self { partition } else { nil }
        }
    }

    /// The root partition, by the `root=` of the kernel command line (kernel, Documentation/admin-guide/
    /// kernel-parameters.txt): a device's number, a label, or a PARTUUID of an MBR, which ends in the number. If it
    /// names no partition that exists, the first partition behind the boot partition whose file system piflash reads.
    package static func find(in table: PartitionTable, commandLine: String?) -> Finding {
        let words = (commandLine ?? "").split(whereSeparator: \.isWhitespace)
        // The kernel uses the last one.
        if let root = words.last(where: { $0.begins(with: "root=") })?.dropFirst("root=".count),
            let partition = table.partitions.first(where: { $0.isNamed(by: root, of: table.kind) })
        {
            return partition.rootFilesystem != nil ? .found(partition) : .missing(reason: partition.refusal)
        }
        guard let boot = table.bootPartition else { return .missing(reason: "there is no boot partition") }
        let behind = table.partitions.filter { $0.range.lowerBound >= boot.range.upperBound }
        if let partition = behind.first(where: { $0.rootFilesystem != nil }) { return .found(partition) }
        return .missing(reason: behind.first?.refusal ?? "there is no partition behind the boot partition")
    }

    /// The file system in `partition` of `store`; messages call it `name`. Written files get the time `time` (seconds since
    /// 1970, UTC).
    package static func open(
        _ store: some BlockStore, partition: PartitionTable.Partition, name: String? = nil, at time: Int64
    ) throws(Failure) -> any RootTree {
        let name = name ?? "the root partition of \(store.name)"
        guard let filesystem = partition.rootFilesystem else {
            throw Failure(.unsupportedFilesystem, severity: .refused, "\(name): \(partition.refusal)")
        }
        return try filesystem.init(Window(store, range: partition.range, name: name), name: name, time: time)
    }
}

extension RootVolume {
    /// Carries out `edits` on the root partition of `store` and returns the paths that changed.
    package static func apply(
        _ edits: [TreeChange], to store: some WritableBlockStore, partition: PartitionTable.Partition?, at time: Int64
    ) throws(Failure) -> [String] {
        guard !edits.isEmpty else { return [] }
        guard let partition, let filesystem = partition.rootFilesystem else {
            throw noRootPartition(store)
        }
        let name = "the root partition of \(store.name)"
        return try filesystem.apply(
            edits, to: Window(store, range: partition.range, name: name), name: name, time: time)
    }
}

extension RootVolume {
    private static func noRootPartition(_ store: some BlockStore) -> Failure {
        Failure(.noRootPartition, severity: .refused, "\(store.name) has no root partition that can be edited")
    }

    /// The writes that carry what was changed over `overlay` in `partition` to `store`; nil if nothing was. See
    /// ``RootFilesystem/writes(carrying:volumeAt:to:)``.
    package static func writes(
        carrying overlay: Overlay, partition: PartitionTable.Partition, to store: some BlockStore
    ) throws(Failure) -> OrderedWrites? {
        guard let filesystem = partition.rootFilesystem else { throw noRootPartition(store) }
        return try filesystem.writes(carrying: overlay, volumeAt: partition.range, to: store)
    }

    /// The writes that finish what a power cut has left in the root partition's journal; nil if nothing is left, or if
    /// piflash cannot finish it: then the root partition cannot be edited.
    package static func recovery(
        of store: some BlockStore, partition: PartitionTable.Partition
    ) throws(Failure) -> OrderedWrites? {
        guard let filesystem = partition.rootFilesystem else { return nil }
        do throws(Failure) { return try filesystem.recovery(of: store, volumeAt: partition.range) } catch {
            guard InspectedRoot.isUnreadable(error) else { throw error }
            return nil
        }
    }
}

extension PartitionTable.Partition {
    fileprivate var refusal: String {
        "partition \(number) holds \(filesystem?.type ?? "no file system that is known"), which piflash does not read"
    }

    fileprivate func isNamed(by root: Substring, of kind: PartitionTable.Kind) -> Bool {
        if root.begins(with: "/dev/") {
            // mmcblk0p2, nvme0n1p2, sda2: a device whose name ends in a digit has a "p" before the number.
            let name = root.dropFirst("/dev/".count)
            let digits = name.reversed().prefix { $0.isASCII && $0.isNumber }.reversed()
            let hasMark = name.dropLast(digits.count).last == "p" || name.hasPrefix("sd")
            return hasMark && Int(String(digits)) == number
        }
        if root.begins(with: "LABEL=") { return filesystem?.label == String(root.dropFirst("LABEL=".count)) }
        if root.begins(with: "UUID=") {
            return filesystem?.uuid?.lowercased() == root.dropFirst("UUID=".count).lowercased()
        }
        guard root.begins(with: "PARTUUID="), kind == .mbr, let mark = root.unicodeScalars.lastIndex(of: "-") else {
            return false
        }
        // Do not compare the disk's signature: the first boot changes it.
        return Int(root[root.unicodeScalars.index(after: mark)...], radix: 16) == number
    }
}

extension Failure.Code {
    package static let noRootPartition = Failure.Code("fleet.no-root-partition")
}
