import Diagnostics
import Filesystems
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

/// Which parts of an ext2, ext3 or ext4 volume are in use, checked by dumpe2fs, e2fsck and debugfs.
@Suite struct UsedBlocksExt4Tests {
    typealias Kind = Ext4MatrixTests.Kind

    /// Besides those that can be edited: several groups, backups everywhere or in two places, and what only the map has to
    /// know.
    static let kinds =
        Ext4MatrixTests.kinds
        + [
            ["-t", "ext4", "-g", "1024"], ["-t", "ext4", "-g", "1024", "-O", "^flex_bg"],
            ["-t", "ext4", "-g", "1024", "-O", "uninit_bg,^metadata_csum"],
            ["-t", "ext4", "-g", "512", "-O", "meta_bg,^resize_inode,^sparse_super"],
            ["-t", "ext2", "-g", "1024", "-O", "^sparse_super,^resize_inode"], ["-t", "ext3", "-g", "1024"],
            ["-t", "ext4", "-g", "1024", "-O", "sparse_super2"], ["-t", "ext4", "-g", "1024", "-O", "mmp"],
            ["-t", "ext4", "-O", "quota,project"], ["-t", "ext4", "-O", "ea_inode"],
            ["-t", "ext4", "-O", "bigalloc,^resize_inode", "-C", "65536"],
            ["-t", "ext4", "-g", "1024", "-O", "^64bit"],
            ["-t", "ext4", "-m", "50", "-N", "3000"],
        ].map(Kind.init)

    /// A volume of 24 MB with files, and gaps where others were.
    private func image(_ kind: Kind, _ blockSize: Int) throws -> Ext4Image {
        let source = ScratchDirectory()
        source.writeTree("tree")
        let image = try Ext4Image(
            kilobytes: 24_000, kind.options + ["-b", "\(blockSize)", "-d", source["tree"].string])
        guard try image.volume().problem == nil else { return image }
        try image.apply(
            stride(from: 0, to: 48, by: 3).map { TreeChange(.removal, at: "/dir \($0 % 5)/file \($0)") }
                + Ext4MatrixTests.first)
        return image
    }

    @Test(arguments: kinds, [1024, 4096])
    func `what dumpe2fs calls free is left out, nothing else, and the rest makes the same volume`(
        _ kind: Kind, _ blockSize: Int
    ) throws {
        let image = try image(kind, blockSize)
        let used = usedBlocks(image.store, as: "ext4")
        let area = try #require(used.areas.first)
        #expect(area.reasonForWhole == nil)
        try image.store.contents.write(to: image.scratch["sound.ext4"])
        let free = try freeByDumpe2fs(image.scratch["sound.ext4"])
        #expect(free.count > 5_000_000)
        let all = ByteRanges([0..<image.store.size])
        #expect(area.used == image.store.size - free.count)
        #expect(used.ranges == all.subtracting(free).aligned(to: 4096))

        let card = try image.store.written(used.ranges)
        try card.contents.write(to: image.scratch["card.ext4"])
        let judged = try ["sound", "card"].map {
            try OutsideTool("e2fsck").run(["-f", "-n", image.scratch["\($0).ext4"].string])
        }
        // mke2fs does not count into the quotas what it copies: the only fault that a sound volume here may have.
        #expect(judged[0].succeeded || kind.options.contains("quota,project"), "\(judged[0].text)")
        #expect(judged[1].text.replacingOccurrences(of: "/card.", with: "/sound.") == judged[0].text)
        #expect(judged[1].status == judged[0].status)
        for name in ["sound", "card"] {
            let out = try image.scratch.makeDirectory(name)
            let dump = try OutsideTool("debugfs").run(
                ["-R", "rdump / \(out)", image.scratch["\(name).ext4"].string])
            #expect(dump.succeeded, "\(dump.errors)")
        }
        #expect(try image.scratch.difference("sound", "card") == nil)
        #expect(image.scratch.read("card/dir 1/file 1") == image.scratch.read("sound/dir 1/file 1"))
    }

    @Test func `changes of an overlay are in the map before they are anywhere else`() throws {
        let image = try image(Kind(options: ["-t", "ext4"]), 4096)
        let overlay = Overlay(over: image.store)
        let before = usedBlocks(overlay, as: "ext4")
        #expect(before == usedBlocks(image.store, as: "ext4"))
        let contents = pattern(3_000_000, 5)
        _ = try Ext4Volume.apply(
            [TreeChange(.file(contents: contents, mode: 0o600), at: "/new")], to: overlay, name: "v",
            time: Ext4Image.time)
        let after = usedBlocks(overlay, as: "ext4")
        #expect(after.ranges.holds(overlay.changes))
        #expect(after.areas[0].used - before.areas[0].used >= 3_000_000)
        try overlay.written(after.ranges).contents.write(to: image.scratch["card.ext4"])
        let fsck = try OutsideTool("e2fsck").run(["-f", "-n", image.scratch["card.ext4"].string])
        #expect(fsck.succeeded, "\(fsck.text)\(fsck.errors)")
        let new = try OutsideTool("debugfs").run(["-R", "cat /new", image.scratch["card.ext4"].string])
        #expect(new.output == contents)
    }

    // MARK: Taken whole

    private func reason(_ store: some BlockStore) throws -> String? {
        let used = usedBlocks(store, as: "ext4")
        let area = try #require(used.areas.first)
        #expect((used.ranges == ByteRanges([0..<store.size])) == (area.reasonForWhole != nil))
        return area.reasonForWhole
    }

    @Test(arguments: [
        ("feature needs_recovery", "journal holds changes"), ("set_super_value state 2", "found errors"),
        ("set_super_value state 0", "not unmounted cleanly"), ("set_super_value last_orphan 15", "deleted files"),
        ("set_super_value journal_dev 0x801", "another device"), ("set_super_value blocks_count 7000", "larger than"),
        ("feature FEATURE_R7", "snapshots"), ("feature FEATURE_R27", "unknown"), ("feature FEATURE_I27", "unknown"),
        ("set_block_group 0 free_blocks_count 4711", "descriptor says otherwise"),
        ("set_block_group 0 block_bitmap 9000000", "block bitmap"), ("freeb 2", "uses itself"),
    ])
    func `all of a volume with a problem counts as used, and the reason is named`(_ command: String, _ word: String)
        throws
    {
        let image = try Ext4Image(
            kilobytes: 24_000, ["-t", "ext4", "-b", "4096", "-O", "^metadata_csum"], prepare: [command])
        let reason = try #require(try reason(image.store))
        #expect(reason.contains(word), "\(reason)")
    }

    @Test func `checksums that are wrong are seen`() throws {
        let image = try Ext4Image(kilobytes: 24_000, ["-t", "ext4", "-b", "1024", "-O", "metadata_csum"])
        try image.store.contents.write(to: image.scratch["sound.ext4"])
        let groups = try OutsideTool("dumpe2fs").run([image.scratch["sound.ext4"].string]).text
        let place = try #require(groups.range(of: "Block bitmap at "))
        let bitmap = try #require(Int(groups[place.upperBound...].prefix(while: \.isNumber)))
        #expect(try reason(image.store) == nil)
        // The superblock's own fields, the second group descriptor, the end of the bitmap.
        for (place, word) in [(1024 + 0x78, "superblock"), (2048 + 64, "group 1"), (bitmap * 1024 + 900, "bitmap")] {
            var bytes = image.store.allBytes
            bytes[place] ^= 1
            let reason = try #require(try reason(MemoryStore(bytes)))
            #expect(reason.contains("checksum") && reason.contains(word), "\(reason)")
        }
    }

    @Test func `all of a volume with its journal elsewhere counts as used`() throws {
        let scratch = ScratchDirectory()
        let device = try LoopDevice(over: scratch.write([UInt8](repeating: 0, count: 8 << 20), to: "journal"))
        let journal = try OutsideTool("mke2fs").run(["-q", "-O", "journal_dev", "-b", "4096", device.path.string])
        #expect(journal.succeeded, "\(journal.errors)")
        let made = try OutsideTool("mke2fs").run([
            "-q", "-b", "4096", "-J", "device=\(device.path)", scratch["volume.ext4"].string, "24000k",
        ])
        #expect(made.succeeded, "\(made.errors)")
        let reason = try #require(try reason(MemoryStore(scratch.read("volume.ext4"))))
        #expect(reason.contains("another device"), "\(reason)")
    }

    @Test func `what lies behind a volume is in use, and so is all of a volume that is cut off`() throws {
        let image = try Ext4Image(kilobytes: 24_000, ["-t", "ext4"])
        let tail: Int64 = 3 << 20
        let longer = MemoryStore(image.store.allBytes + [UInt8](repeating: 0, count: Int(tail)))
        let used = usedBlocks(longer, as: "ext4")
        #expect(used.areas[0].reasonForWhole == nil)
        #expect(used.areas[0].used == usedBlocks(image.store, as: "ext4").areas[0].used + tail)
        #expect(used.ranges.ranges.last?.upperBound == longer.size)
        #expect(used.ranges.ranges.last.map { $0.lowerBound <= image.store.size } == true)
        #expect(try reason(MemoryStore(image.store.allBytes.dropLast(4096)))?.contains("larger than") == true)
    }

    // MARK: Damage

    @Test(arguments: [
        "metadata_csum", "^metadata_csum,^64bit", "uninit_bg,^metadata_csum", "bigalloc,^resize_inode",
        "meta_bg,^resize_inode,^metadata_csum", "^flex_bg,^metadata_csum,^extents,^64bit,^sparse_super,^resize_inode",
    ])
    func `one flipped bit of the structures never makes a used block free`(_ feature: String) throws {
        let groups = feature.hasPrefix("bigalloc") ? [] : ["-g", "1024"]
        let image = try Ext4Image(
            kilobytes: 4000, ["-t", "ext4", "-b", "1024", "-N", "64", "-O", feature] + groups)
        try image.apply(Ext4MatrixTests.first)
        let sound = image.store.allBytes
        let truth = usedBlocks(image.store, as: "ext4")
        #expect(truth.areas[0].reasonForWhole == nil)
        // Superblock, group descriptors and bitmaps are what of the first blocks is not zero; inodes and files come later.
        let places = (1024..<sound.count).lazy.filter { sound[$0] != 0 }.prefix(3000) + Array(1024..<2048)
        var random = SplitMix64(seed: 11)
        var whole = 0
        for _ in 0..<250 {
            var bytes = sound
            let place = places.randomElement(using: &random) ?? 1024
            bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            let used = usedBlocks(MemoryStore(bytes), as: "ext4")
            #expect(used.ranges.holds(truth.ranges), "byte \(place): \(bytes[place]), was \(sound[place])")
            #expect(used.ranges.ranges.last.map { $0.upperBound <= Int64(sound.count) } == true)
            whole += used.areas[0].reasonForWhole == nil ? 0 : 1
        }
        #expect(whole > 5)
    }

    @Test func `damage anywhere gives ranges inside the volume, never a crash or an endless loop`() throws {
        for feature in ["metadata_csum", "^metadata_csum,^64bit", "bigalloc,^metadata_csum,^resize_inode"] {
            let image = try Ext4Image(kilobytes: 2000, ["-t", "ext4", "-b", "1024", "-N", "64", "-O", feature])
            let sound = image.store.allBytes
            let places = sound.indices.filter { sound[$0] != 0 } + Array(1024..<3072)
            var random = SplitMix64(seed: 13)
            for _ in 0..<200 {
                var bytes = sound
                for _ in 0..<Int.random(in: 1...12, using: &random) {
                    bytes[places.randomElement(using: &random) ?? 1024] = UInt8.random(in: 0...255, using: &random)
                }
                let used = usedBlocks(MemoryStore(bytes), as: "ext4")
                #expect(used.ranges.holds(ByteRanges([0..<2048])))
                #expect(ByteRanges([0..<Int64(sound.count)]).holds(used.ranges))
            }
        }
    }
}
