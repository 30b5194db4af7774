import Diagnostics
import Filesystems
import Storage
import SystemPackage
import TestSupport
import Testing

/// Which parts of a FAT volume are in use, checked by fsck.fat and mtools.
@Suite struct UsedBlocksFATTests {
    struct Kind: Sendable, CustomTestStringConvertible {
        let name: String
        let kilobytes: Int
        let options: [String]
        var testDescription: String { "\(kilobytes) KiB \(options.joined(separator: " "))" }
    }

    static let kinds = [
        Kind(name: "FAT12", kilobytes: 6000, options: ["-F", "12"]),
        Kind(name: "FAT12", kilobytes: 8001, options: ["-F", "12", "-s", "16", "-f", "1"]),
        Kind(name: "FAT16", kilobytes: 8800, options: ["-F", "16", "-s", "4"]),
        Kind(name: "FAT16", kilobytes: 33_000, options: ["-F", "16", "-s", "8", "-r", "1024", "-R", "32"]),
        Kind(name: "FAT32", kilobytes: 36_000, options: ["-F", "32", "-s", "1"]),
        Kind(name: "FAT32", kilobytes: 34_000, options: ["-F", "32", "-s", "1", "-f", "1"]),
        Kind(name: "FAT32", kilobytes: 68_003, options: ["-F", "32", "-s", "2", "-R", "100", "-a"]),
    ]

    /// A volume with files, and gaps where others were.
    private func image(_ kind: Kind) throws -> FATImage {
        let image = try FATImage(kilobytes: kind.kilobytes, kind.options)
        image.scratch.writeTree("in")
        let path = image.scratch["volume.fat"].string
        let script = """
            mcopy -s -i "$0" "$1"/* :: && for n in 0 3 6 9 12 15 18 21 24 27 30 33 36 39 42 45; do
            mdel -i "$0" "::dir $((n % 5))/file $n" || exit; done
            """
        let copied = try OutsideTool("sh").run(
            ["-c", script, path, image.scratch["in"].string],
            environment: ["MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C.UTF-8"])
        #expect(copied.succeeded, "\(copied.errors)")
        try image.store.write(image.scratch.read("volume.fat"), at: 0)
        return image
    }

    /// "…, 120/4000 clusters" of fsck.fat, and the size of a cluster in bytes.
    private func clusters(_ image: FATImage) throws -> (used: Int64, all: Int64, size: Int64) {
        try image.store.contents.write(to: image.scratch["check.fat"])
        let text = try OutsideTool("fsck.fat").run(["-n", "-v", image.scratch["check.fat"].string]).text
        let line = try #require(text.split(separator: "\n").last { $0.hasSuffix(" clusters") })
        let numbers = try #require(line.split(separator: " ").dropLast().last).split(separator: "/")
        let size = try #require(text.split(separator: "\n").first { $0.hasSuffix(" bytes per cluster") })
            .split(separator: " ").first.flatMap { Int64($0) }
        return (Int64(numbers[0]) ?? -1, Int64(numbers[1]) ?? -1, try #require(size))
    }

    @Test(arguments: kinds)
    func `what fsck.fat counts as free is left out, and the rest makes the same volume`(_ kind: Kind) throws {
        let image = try image(kind)
        #expect(try image.complaints() == nil)
        let used = usedBlocks(image.store, as: "vfat")
        let area = try #require(used.areas.first)
        #expect(area.reasonForWhole == nil)
        #expect(area.filesystem == kind.name)
        let count = try clusters(image)
        #expect(area.used == image.store.size - (count.all - count.used) * count.size)
        #expect(area.used < image.store.size / 2)

        let card = FATImage(image, store: try image.store.written(used.ranges))
        #expect(try card.complaints() == nil)
        let files = try image.filesOfMtools()
        #expect(files.count == 32)
        #expect(try card.filesOfMtools() == files)
    }

    @Test func `bad clusters are not written`() throws {
        let image = try FATImage(kilobytes: 36_000, ["-F", "32", "-s", "1"])
        let before = usedBlocks(image.store, as: "vfat")
        // Cluster 20000 of both tables, which start behind 32 reserved sectors.
        let size = Int64(image.store.allBytes[36]) | Int64(image.store.allBytes[37]) << 8
        for copy in [0, 1] as [Int64] {
            try image.store.write([0xF7, 0xFF, 0xFF, 0x0F], at: (32 + copy * size) * 512 + 80_000)
        }
        #expect(usedBlocks(image.store, as: "vfat") == before)
    }

    // MARK: Taken whole

    private func reason(_ store: some BlockStore) throws -> String? {
        let used = usedBlocks(store, as: "vfat")
        #expect((used.ranges == ByteRanges([0..<store.size])) == (used.areas[0].reasonForWhole != nil))
        return used.areas[0].reasonForWhole
    }

    @Test func `all of a volume with a problem counts as used, and the reason is named`() throws {
        let image = try image(Self.kinds[4])
        let sound = image.store.allBytes
        func reason(_ change: (inout [UInt8]) -> Void) throws -> String? {
            var bytes = sound
            change(&bytes)
            return try self.reason(MemoryStore(bytes))
        }
        let fat = 32 * 512
        let second = fat + (Int(sound[36]) | Int(sound[37]) << 8) * 512
        #expect(try reason { _ in } == nil)
        #expect(try reason { $0[65] = 1 }?.contains("not unmounted") == true)
        #expect(
            try reason {
                $0[fat + 7] &= 0xF7
                $0[second + 7] &= 0xF7
            }?.contains("not unmounted") == true)
        #expect(
            try reason {
                $0[fat + 7] &= 0xFB
                $0[second + 7] &= 0xFB
            }?.contains("faults") == true)
        #expect(try reason { $0[second + 400] ^= 1 }?.contains("differ") == true)
        #expect(
            try reason {
                // The root directory's chain runs into a free cluster.
                $0.replaceSubrange((fat + 8)..<(fat + 12), with: [0, 0x01, 0x01, 0])
                $0.replaceSubrange((second + 8)..<(second + 12), with: [0, 0x01, 0x01, 0])
            }?.contains("chain") == true)
        #expect(try reason { $0[510] = 0 }?.contains("signature") == true)
        // Twice as large clusters: directories are not where they should be.
        #expect(try reason { $0[13] = 2 } != nil)
        #expect(try self.reason(MemoryStore(Array(sound.dropLast(512))))?.contains("only") == true)
    }

    @Test func `what lies behind a volume is in use`() throws {
        let image = try image(Self.kinds[2])
        let longer = MemoryStore(image.store.allBytes + [UInt8](repeating: 0, count: 1 << 20))
        let used = usedBlocks(longer, as: "vfat")
        #expect(used.areas[0].used == usedBlocks(image.store, as: "vfat").areas[0].used + 1 << 20)
        #expect(used.ranges.holds(ByteRanges([image.store.size..<longer.size])))
    }

    // MARK: Damage

    @Test(arguments: [kinds[0], kinds[2], kinds[4], kinds[5]])
    func `one flipped bit of the structures never makes a used cluster free`(_ kind: Kind) throws {
        let image = try image(kind)
        let sound = image.store.allBytes
        let truth = usedBlocks(image.store, as: "vfat")
        let places = Array(sound.indices.lazy.filter { sound[$0] != 0 }.prefix(4000)) + Array(0..<512)
        var random = SplitMix64(seed: 17)
        var whole = 0
        for _ in 0..<60 {
            var bytes = sound
            let place = places.randomElement(using: &random) ?? 0
            bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            let used = usedBlocks(MemoryStore(bytes), as: "vfat")
            #expect(used.ranges.holds(truth.ranges), "byte \(place): \(bytes[place]), was \(sound[place])")
            #expect(ByteRanges([0..<Int64(sound.count)]).holds(used.ranges))
            whole += used.areas[0].reasonForWhole == nil ? 0 : 1
        }
        #expect(whole > 3)
    }

    @Test func `damage anywhere gives ranges inside the volume, never a crash or an endless loop`() throws {
        let image = try FATImage(kilobytes: 1440, ["-F", "12"])
        let larger = try FATImage(kilobytes: 4400, ["-F", "16", "-s", "2"])
        for sound in [image.store.allBytes, larger.store.allBytes] {
            var random = SplitMix64(seed: 19)
            for _ in 0..<150 {
                var bytes = sound
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    bytes[Int.random(in: 0..<(Bool.random(using: &random) ? 64 : 20_000), using: &random)] =
                        UInt8.random(in: 0...255, using: &random)
                }
                bytes[510...511] = [0x55, 0xAA]
                let used = usedBlocks(MemoryStore(bytes), as: "vfat")
                #expect(used.ranges.holds(ByteRanges([0..<512])))
                #expect(ByteRanges([0..<Int64(sound.count)]).holds(used.ranges))
            }
        }
    }
}

extension FATImage {
    fileprivate init(_ other: FATImage, store: MemoryStore) {
        self.store = store
    }
}
