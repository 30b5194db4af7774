import Diagnostics
import Host

extension PackedValues {
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
}

extension UnpackedValues {
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
}
