import Diagnostics
import Host
import Storage

extension PackedValues {
    mutating func add(_ range: Range<Int64>) {
        add(range.lowerBound)
        add(range.upperBound)
    }

    mutating func add(_ ranges: ByteRanges) {
        add(ranges.ranges.count)
        for range in ranges.ranges { add(range) }
    }

    mutating func add(_ signature: FilesystemSignature?) {
        add(signature == nil ? 0 : 1)
        guard let signature else { return }
        add(signature.type)
        for text in [signature.version, signature.label, signature.uuid] { add(text) }
    }

    mutating func add(_ table: PartitionTable) {
        add(table.kind.rawValue)
        add(table.partitions.count)
        for partition in table.partitions {
            add(partition.number)
            add(partition.range)
            add(partition.type)
            add(partition.uuid)
            add(partition.filesystem)
        }
    }

    mutating func add(_ entry: TreeEntry?) {
        add(entry == nil ? 0 : 1)
        guard let entry else { return }
        switch entry.kind {
        case .file: add(0)
        case .directory: add(1)
        case .symbolicLink(let target):
            add(2)
            add(target)
        case .other: add(3)
        }
        add(entry.mode)
        add(entry.user)
        add(entry.group)
        add(entry.size)
        add(entry.modified)
    }

    mutating func add(_ change: TreeChange) {
        add(change.path)
        switch change.action {
        case .file(let contents, let mode):
            add(0)
            add(contents)
            add(mode)
        case .directory(let mode):
            add(1)
            add(mode)
        case .symbolicLink(let target):
            add(2)
            add(target)
        case .rename(let name):
            add(3)
            add(name)
        case .removal: add(4)
        }
        add(change.user)
        add(change.group)
        add(change.modified == nil ? 0 : 1)
        if let time = change.modified { add(time) }
    }
}

extension UnpackedValues {
    mutating func range() throws(Failure) -> Range<Int64> {
        let start = try number(Int64.self)
        let end = try number(Int64.self)
        guard 0 <= start, start <= end else { throw Self.malformed }
        return start..<end
    }

    mutating func ranges() throws(Failure) -> ByteRanges {
        var found: [Range<Int64>] = []
        for _ in 0..<(try count(ofAtLeast: 16)) { found.append(try range()) }
        return ByteRanges(found)
    }

    mutating func signature() throws(Failure) -> FilesystemSignature? {
        guard try number(Int.self) != 0 else { return nil }
        return FilesystemSignature(
            type: try text(), version: try optionalText(), label: try optionalText(), uuid: try optionalText())
    }

    mutating func table() throws(Failure) -> PartitionTable {
        guard let kind = PartitionTable.Kind(rawValue: try text()) else { throw Self.malformed }
        var partitions: [PartitionTable.Partition] = []
        for _ in 0..<(try count(ofAtLeast: 48)) {
            partitions.append(
                PartitionTable.Partition(
                    number: try number(Int.self), range: try range(), type: try text(), uuid: try optionalText(),
                    filesystem: try signature()))
        }
        return PartitionTable(kind: kind, partitions: partitions)
    }

    mutating func entry() throws(Failure) -> TreeEntry? {
        guard try number(Int.self) != 0 else { return nil }
        let kind: TreeEntry.Kind
        switch try number(Int.self) {
        case 0: kind = .file
        case 1: kind = .directory
        case 2: kind = .symbolicLink(target: try text())
        case 3: kind = .other
        default: throw Self.malformed
        }
        return TreeEntry(
            kind: kind, mode: try number(UInt16.self), user: try number(UInt32.self), group: try number(UInt32.self),
            size: try number(Int64.self), modified: try number(Int64.self))
    }

    mutating func change() throws(Failure) -> TreeChange {
        let path = try text()
        let action: TreeChange.Action
        switch try number(Int.self) {
        case 0: action = .file(contents: try contents(), mode: try number(UInt16.self))
        case 1: action = .directory(mode: try number(UInt16.self))
        case 2: action = .symbolicLink(target: try text())
        case 3: action = .rename(to: try text())
        case 4: action = .removal
        default: throw Self.malformed
        }
        let user = try number(UInt32.self)
        let group = try number(UInt32.self)
        let modified = try number(Int.self) == 0 ? nil : try number(Int64.self)
        return TreeChange(action, at: path, user: user, group: group, modified: modified)
    }
}
