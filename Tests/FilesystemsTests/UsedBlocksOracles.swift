import Diagnostics
import Filesystems
import Foundation
import Storage
import SystemPackage
import TestSupport

/// The used bytes of a store that is one partition with a file system of `type`, without gaps written through.
func usedBlocks(_ store: some BlockStore, as type: String?, fillingGapsBelow gap: Int64 = 0) -> UsedBlocks {
    UsedBlocks(of: store, table: table([0..<store.size], [type]), fillingGapsBelow: gap)
}

/// A table as libblkid would give it.
func table(_ ranges: [Range<Int64>], _ types: [String?]) -> PartitionTable {
    PartitionTable(
        kind: .mbr,
        partitions: zip(ranges, types).enumerated().map { index, partition in
            PartitionTable.Partition(
                number: index + 1, range: partition.0, type: "0x83",
                filesystem: partition.1.map { FilesystemSignature(type: $0, version: nil, label: nil, uuid: nil) })
        })
}

extension BlockStore {
    /// What a card full of garbage holds after `ranges` of the store were written to it.
    func written(_ ranges: ByteRanges) throws -> MemoryStore {
        let card = MemoryStore([UInt8](repeating: 0xA5, count: Int(size)))
        for range in ranges.ranges {
            try card.write(bytes(at: range.lowerBound, count: range.count), at: range.lowerBound)
        }
        return card
    }
}

extension ByteRanges {
    func holds(_ other: ByteRanges) -> Bool { other.subtracting(self).isEmpty }
}

extension ScratchDirectory {
    /// Files of many sizes under `name`, so that a volume filled with them and thinned out has gaps of many sizes.
    func writeTree(_ name: String, files: Int = 48) {
        var random = SplitMix64(seed: 3)
        for index in 0..<files {
            let size = Int.random(in: 0...(index % 4 == 0 ? 200_000 : 9000), using: &random)
            write(random.bytes(size), to: "\(name)/dir \(index % 5)/file \(index)")
        }
    }

    /// What differs between two directories; nil when nothing does.
    func difference(_ first: String, _ second: String) throws -> String? {
        let result = try OutsideTool("diff").run(["-r", "--no-dereference", self[first].string, self[second].string])
        return result.succeeded ? nil : result.text + result.errors
    }

    func makeDirectory(_ name: String) throws -> FilePath {
        try FileManager.default.createDirectory(atPath: self[name].string, withIntermediateDirectories: true)
        return self[name]
    }
}

/// dumpe2fs's list of free blocks, in bytes.
func freeByDumpe2fs(_ path: FilePath) throws -> ByteRanges {
    let result = try OutsideTool("dumpe2fs").run([path.string], environment: ["LC_ALL": "C"])
    guard result.succeeded else { throw OutsideTool.Missing(description: result.errors) }
    func number(_ key: String) -> Int64? {
        result.text.split(separator: "\n").first { $0.hasPrefix(key) }
            .flatMap { Int64($0.dropFirst(key.count).trimmingCharacters(in: .whitespaces)) }
    }
    guard let block = number("Block size:") else { throw OutsideTool.Missing(description: "no block size") }
    // A list entry is a cluster, named by its first block.
    let cluster = number("Cluster size:") ?? block
    var free = ByteRanges()
    for line in result.text.split(separator: "\n") where line.hasPrefix("  Free blocks: ") {
        for part in line.dropFirst("  Free blocks: ".count).split(separator: ",") {
            let ends = part.trimmingCharacters(in: .whitespaces).split(separator: "-").compactMap { Int64($0) }
            guard let first = ends.first, let last = ends.last else { continue }
            free.insert(first * block..<last * block + cluster)
        }
    }
    return free
}
