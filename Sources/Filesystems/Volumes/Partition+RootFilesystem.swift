import Host

extension PartitionTable.Partition {
    /// What reads and changes the file system in the partition as a root partition's; nil if piflash does not know it.
    package var rootFilesystem: (any RootFilesystem.Type)? {
        guard let type = filesystem?.type else { return nil }
        return Self.known.first { $0.types.contains(type) }
    }

    private static var known: [any RootFilesystem.Type] {
        [Confinement.isUsed ? ConfinedExt4Volume.self : Ext4Volume.self]
    }
}
