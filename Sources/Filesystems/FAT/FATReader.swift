import Text
import Diagnostics
import Storage

/// Reads the files and directories of a FAT volume; every chain and size is checked before it is used.
struct FATReader: Sendable {
    /// The largest file that is read into memory, in bytes.
    private static let mostBytes = 256 << 20

    let name: String
    let boot: BootSector
    let store: any BlockStore
    var table: FileAllocationTable

    /// The components of a path of a tree.
    static func components(_ path: String) -> ArraySlice<String> { path.split(at: "/").map(String.init)[...] }

    func find(directory parts: ArraySlice<String>) throws(Failure) -> FATDirectory.Place? {
        var place = FATDirectory.Place.root
        for part in parts {
            guard let entry = try directory(at: place).entry(part), entry.isDirectory else { return nil }
            place = self.place(of: entry)
        }
        return place
    }

    func place(of entry: DirectoryEntry) -> FATDirectory.Place { .cluster(entry.firstCluster(boot.kind)) }

    func directory(at place: FATDirectory.Place) throws(Failure) -> FATDirectory {
        let first: UInt32
        switch place {
        case .root where boot.kind != .fat32:
            let region = boot.rootRegion
            return FATDirectory(
                place: place, chain: [], bytes: try store.bytes(at: region.lowerBound, count: region.count))
        case .root: first = boot.rootCluster
        case .cluster(let number): first = number
        }
        let chain = try table.chain(from: first)
        guard chain.count * boot.clusterSize <= max(FATDirectory.largestSlotCount * 32, boot.clusterSize) else {
            throw damaged("a directory is longer than FAT allows")
        }
        return FATDirectory(place: place, chain: chain, bytes: try bytes(of: chain))
    }

    /// The clusters of a file or directory; none for an empty file.
    func chain(of entry: DirectoryEntry) throws(Failure) -> [UInt32] {
        let first = entry.firstCluster(boot.kind)
        guard first != 0 || entry.isDirectory else {
            guard entry.fileSize == 0 else { throw damaged("\(entry.name) has a size, but no contents") }
            return []
        }
        let chain = try table.chain(from: first)
        guard entry.isDirectory || chain.count * boot.clusterSize >= Int(entry.fileSize) else {
            throw damaged("\(entry.name) is longer than its clusters")
        }
        return chain
    }

    func contents(of entry: DirectoryEntry) throws(Failure) -> [UInt8] {
        let size = Int(entry.fileSize)
        guard size <= Self.mostBytes else {
            throw Failure(.damagedFilesystem, "\(name): \(entry.name) has \(size) bytes, which are too many to be read")
        }
        let chain = try chain(of: entry)
        let needed = (size + boot.clusterSize - 1) / boot.clusterSize
        return Array(try bytes(of: Array(chain.prefix(needed))).prefix(size))
    }

    /// Where a cluster lies on the volume, in bytes.
    func range(of cluster: UInt32) -> Range<Int64> {
        let start = boot.dataStart + (Int64(cluster) - 2) * Int64(boot.clusterSize)
        return start..<(start + Int64(boot.clusterSize))
    }

    /// The clusters of `chain` as ranges of bytes, in its order; neighbours become one range.
    func runs(of chain: [UInt32]) -> [Range<Int64>] {
        var runs: [Range<Int64>] = []
        for cluster in chain {
            let next = range(of: cluster)
            if let last = runs.last, last.upperBound == next.lowerBound {
                runs[runs.count - 1] = last.lowerBound..<next.upperBound
            } else {
                runs.append(next)
            }
        }
        return runs
    }

    private func bytes(of chain: [UInt32]) throws(Failure) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(chain.count * boot.clusterSize)
        for run in runs(of: chain) { result += try store.bytes(at: run.lowerBound, count: run.count) }
        return result
    }

    /// The bytes that the directories fill.
    func directoryRanges() throws(Failure) -> ByteRanges {
        var ranges = ByteRanges([boot.rootRegion])
        try walk { (directory) throws(Failure) in
            for run in runs(of: directory.chain) { ranges.insert(run) }
        }
        return ranges
    }

    /// Visits every directory once, from the root on.
    func walk(_ visit: (FATDirectory) throws(Failure) -> Void) throws(Failure) {
        var open: [FATDirectory.Place] = [.root]
        var seen: Set<FATDirectory.Place> = [.root]
        while let place = open.popLast() {
            let directory = try directory(at: place)
            try visit(directory)
            for entry in directory.visible where entry.isDirectory {
                let child = self.place(of: entry)
                if seen.insert(child).inserted { open.append(child) }
            }
        }
    }

    func damaged(_ what: String) -> Failure {
        Failure(
            .damagedFilesystem, "\(name): \(what)",
            hint: "repair it with `fsck.fat -a` on its partition, or write the card again")
    }
}
