import Diagnostics
import Storage
import Text

/// Whether a volume's structures agree: what is freed or overwritten where they do not may be another file's contents.
extension FATReader {
    /// Throws `.damagedFilesystem`, with the reason, unless the volume may be edited.
    /// The tables may differ where no file is: a power cut while they are written leaves such differences, and the next edit
    /// makes them the same again (see ``FileAllocationTable/adoptDifferences(in:)``).
    /// Returns how many clusters belong to files and directories.
    func checkSound() throws(Failure) -> Int {
        try checkBootSectors()
        guard table.startsWithMedium else { throw damaged("its allocation table does not start where it should") }
        try checkPlaces()
        let chains = try checkedChains()
        for copy in 0..<boot.fatCount where copy != boot.activeFAT ?? 0 {
            guard try !FileAllocationTable.isMirrored(in: store, boot: boot, copy: copy) else { continue }
            let other = try FileAllocationTable(of: store, boot: boot, copy: copy)
            for chain in chains { try check(chain, in: other) }
        }
        return chains.reduce(0) { $0 + $1.clusters.count }
    }

    /// The clusters of a file or a directory.
    private struct Chain {
        let clusters: [UInt32]
        let isDirectory: Bool
    }

    /// Throws if a copy of the table has other clusters for `chain`, except behind its end: a directory that has just grown
    /// may be longer in one of them, by clusters that hold no entry.
    private func check(_ chain: Chain, in other: FileAllocationTable) throws(Failure) {
        guard let first = chain.clusters.first else { return }
        let found = try other.chain(from: first)
        var isSame = found == chain.clusters
        if chain.isDirectory, !isSame {
            let common = min(found.count, chain.clusters.count)
            isSame = found[..<common] == chain.clusters[..<common]
            for cluster in found[common...] where isSame {
                isSame = try store.bytes(at: range(of: cluster).lowerBound, count: 1) == [DirectoryEntry.Mark.end]
            }
        }
        guard isSame else { throw damaged("its allocation tables differ about the file at cluster \(first)") }
    }

    /// Throws unless the backup of the boot sector (FAT32: its sector is in the field at byte 50) describes the same
    /// volume, if there is one: the fields from byte 11 to 51, without the number of hidden sectors at 28, which some
    /// programs set in one of the two.
    private func checkBootSectors() throws(Failure) {
        guard let place = boot.backup else { return }
        let first = try store.bytes(at: 0, count: 512)
        let backup = try store.bytes(at: place, count: 512)
        guard backup[510] == 0x55, backup[511] == 0xAA else { return }
        guard first[11..<28].elementsEqual(backup[11..<28]), first[32..<52].elementsEqual(backup[32..<52]) else {
            throw damaged("its boot sector and the backup of it describe different file systems")
        }
    }

    /// Throws unless every chain ends and no cluster belongs to two files.
    func checkChains() throws(Failure) { _ = try checkedChains() }

    /// The clusters of every file and directory.
    private func checkedChains() throws(Failure) -> [Chain] {
        var isUsed = [Bool](repeating: false, count: boot.clusterCount + 2)
        var chains: [Chain] = []
        func mark(_ chain: [UInt32], isDirectory: Bool, for name: String) throws(Failure) {
            for cluster in chain {
                guard !isUsed[Int(cluster)] else {
                    throw damaged("\(name) shares cluster \(cluster) with another file")
                }
                isUsed[Int(cluster)] = true
            }
            chains.append(Chain(clusters: chain, isDirectory: isDirectory))
        }
        if boot.kind == .fat32 {
            try mark(table.chain(from: boot.rootCluster), isDirectory: true, for: "the root directory")
        }
        try walk { (directory) throws(Failure) in
            for entry in directory.visible {
                try mark(chain(of: entry), isDirectory: entry.isDirectory, for: entry.name)
            }
        }
        return chains
    }

    /// Throws unless every directory starts with an entry that names its own cluster, as the specification asks for: where
    /// the boot sector is wrong about where clusters lie, what is read as a directory is something else.
    func checkPlaces() throws(Failure) {
        try walk { (directory) throws(Failure) in
            guard case .cluster(let number) = directory.place else { return }
            guard let own = directory.entries.first, own.isDots, own.firstCluster(boot.kind) == number else {
                throw damaged("there is no directory in cluster \(number), where one should be")
            }
        }
    }
}
