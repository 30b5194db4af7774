import Diagnostics
import Filesystems
import Storage
import SystemPackage
import TestSupport
import Testing

/// Whole disks: what is in use around and between file systems.
@Suite struct UsedBlocksTests {
    let scratch = ScratchDirectory()
    private let mebibyte: Int64 = 1 << 20

    /// An ext4 volume that is nearly empty, at `places` of a disk that is all zeros otherwise.
    private func disk(megabytes: Int, ext4At places: [Int64]) throws -> (MemoryStore, Ext4Image) {
        let image = try Ext4Image(kilobytes: 8192, ["-t", "ext4", "-b", "4096"])
        let store = MemoryStore([UInt8](repeating: 0, count: megabytes << 20))
        for place in places { try store.write(image.store.allBytes, at: place) }
        return (store, image)
    }

    @Test func `everything outside the partitions is in use, zeros as well`() throws {
        let (store, _) = try disk(megabytes: 32, ext4At: [4 * mebibyte, 16 * mebibyte])
        let parts = [(4 * mebibyte)..<(12 * mebibyte), (16 * mebibyte)..<(24 * mebibyte)]
        let used = UsedBlocks(of: store, table: table(parts, ["ext4", "ext4"]), fillingGapsBelow: 0)
        let outside = ByteRanges([0..<store.size]).subtracting(ByteRanges(parts))
        #expect(used.ranges.holds(outside))
        #expect(used.areas.map(\.partition) == [1, 2])
        #expect(used.areas.map(\.range) == parts)
        #expect(used.ranges.count == outside.count + used.areas.reduce(0) { $0 + $1.used })
        #expect(used.areas[0].used == used.areas[1].used)
        #expect(used.areas[0].used < 6 * mebibyte)
        #expect(used.areas[0].description.hasPrefix("partition 1: ext4, "))
        #expect(used.areas[0].description.hasSuffix(" of 8 MiB in use"))
    }

    @Test(arguments: ["swap", "exfat", "btrfs", nil])
    func `all of what is neither FAT nor ext counts as used`(_ type: String?) throws {
        let (store, _) = try disk(megabytes: 16, ext4At: [4 * mebibyte])
        let part = (4 * mebibyte)..<(12 * mebibyte)
        let used = UsedBlocks(of: store, table: table([part], [type]))
        #expect(used.ranges.ranges == [0..<store.size])
        #expect(used.areas[0].used == 8 * mebibyte)
        #expect(used.areas[0].filesystem == type)
        #expect(
            used.areas[0].description.hasPrefix("partition 1: \(type ?? "unknown"), all of it counts as used (8 MiB): ")
        )
    }

    @Test func `where partitions overlap, what one of them uses is used`() throws {
        let (store, image) = try disk(megabytes: 16, ext4At: [4 * mebibyte])
        let part = (4 * mebibyte)..<(12 * mebibyte)
        let inside = (9 * mebibyte)..<(10 * mebibyte)
        for order in [[part, inside], [inside, part]] {
            let types = order.map { $0 == part ? "ext4" : nil }
            let used = UsedBlocks(of: store, table: table(order, types), fillingGapsBelow: 0)
            #expect(used.ranges.holds(ByteRanges([inside])))
            #expect(used.ranges.count < store.size)
        }
        #expect(!usedBlocks(image.store, as: "ext4").ranges.holds(ByteRanges([(5 * mebibyte)..<(6 * mebibyte)])))
    }

    @Test func `a partition behind the end of the store and one that cannot be read count as used`() throws {
        let (store, _) = try disk(megabytes: 16, ext4At: [4 * mebibyte])
        let cut = UsedBlocks(of: store, table: table([(10 * mebibyte)..<(20 * mebibyte)], ["ext4"]))
        #expect(cut.ranges.ranges == [0..<store.size])
        #expect(cut.areas[0].range == (10 * mebibyte)..<(16 * mebibyte))
        #expect(cut.areas[0].reasonForWhole != nil)
        for type in ["ext4", "vfat"] {
            let used = UsedBlocks(of: Unreadable(), table: table([0..<mebibyte], [type]))
            #expect(used.ranges.ranges == [0..<mebibyte])
            #expect(used.areas[0].reasonForWhole == "the reader is gone")
        }
    }

    @Test func `small gaps are written through, and ranges are whole pages`() throws {
        scratch.writeTree("tree")
        let image = try Ext4Image(
            kilobytes: 24_001, ["-t", "ext4", "-b", "1024", "-d", scratch["tree"].string])
        try image.apply(stride(from: 0, to: 48, by: 3).map { TreeChange(.removal, at: "/dir \($0 % 5)/file \($0)") })
        let exact = usedBlocks(image.store, as: "ext4")
        let used = usedBlocks(image.store, as: "ext4", fillingGapsBelow: UsedBlocks.smallestGap)
        #expect(used.areas == exact.areas)
        #expect(used.ranges.holds(exact.ranges))
        #expect(used.ranges.ranges.count < exact.ranges.ranges.count)
        for ranges in [exact.ranges.ranges, used.ranges.ranges] {
            for range in ranges {
                #expect(range.lowerBound % 4096 == 0)
                #expect(range.upperBound % 4096 == 0 || range.upperBound == image.store.size)
            }
        }
        for (first, second) in zip(used.ranges.ranges, used.ranges.ranges.dropFirst()) {
            #expect(second.lowerBound - first.upperBound >= UsedBlocks.smallestGap)
        }
    }

    @Test(arguments: [SampleImage.hypriot, .raspbianWheezy, .raspberryPiOS])
    func `a card full of garbage becomes the vendor's image by what is in use`(_ sample: SampleImage) throws {
        let path = scratch["sample.img"]
        try sample.make(at: path)
        let image = try ImageFile(opening: path)
        let table = try PartitionTable.read(path)
        let used = UsedBlocks(of: image, table: table)
        #expect(used.areas.map(\.reasonForWhole) == [nil, nil])
        #expect(used.ranges.count < image.size / 2)
        let card = try ImageFile(creating: scratch["card.img"], size: image.size)
        try card.write([UInt8](repeating: 0xA5, count: Int(image.size)), at: 0)
        for range in used.ranges.ranges {
            try card.write(image.bytes(at: range.lowerBound, count: range.count), at: range.lowerBound)
        }
        #expect(try PartitionTable.read(scratch["card.img"]) == table)
        let wanted = Mtools(image: path)
        let found = Mtools(image: scratch["card.img"])
        let paths = try wanted.paths()
        #expect(try found.paths() == paths && !paths.isEmpty)
        for path in paths { #expect(try found.contents(of: path) == wanted.contents(of: path)) }
        for (index, tool) in [("fsck.fat", ["-n"]), ("e2fsck", ["-f", "-n"])].enumerated() {
            let range = table.partitions[index].range
            scratch.write(try card.bytes(at: range.lowerBound, count: range.count), to: "part")
            let result = try OutsideTool(tool.0).run(tool.1 + [scratch["part"].string])
            #expect(result.succeeded, "\(result.text)\(result.errors)")
        }
        for name in ["sample", "card"] {
            let out = try scratch.makeDirectory(name)
            let device = "\(scratch["\(name).img"])?offset=\(table.partitions[1].range.lowerBound)"
            let dump = try OutsideTool("debugfs").run(["-R", "rdump / \(out)", device])
            #expect(dump.succeeded, "\(dump.errors)")
        }
        #expect(try scratch.difference("sample", "card") == nil)
    }
}

private struct Unreadable: BlockStore {
    let size: Int64 = 1 << 20
    let name = "unreadable"
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        throw Failure(.system, "the reader is gone")
    }
}
