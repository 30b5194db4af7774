import SystemPackage
import Diagnostics
import Filesystems
import Storage
import SystemPackage
import TestSupport
import Testing

/// What fsck.fat does not check, and other systems rely on.
@Suite struct FATDetailTests {
    /// FSInfo and the table of a FAT32, read as the specification has them, without the code under test.
    private struct Table {
        let freeCount: UInt32
        let nextFree: UInt32
        /// The clusters that are free.
        let free: [UInt32]

        init(_ bytes: [UInt8]) {
            func u16(_ place: Int) -> Int { Int(bytes[place]) | Int(bytes[place + 1]) << 8 }
            func u32(_ place: Int) -> UInt32 { UInt32(u16(place)) | UInt32(u16(place + 2)) << 16 }
            let sector = u16(11), reserved = u16(14), copies = Int(bytes[16]), length = Int(u32(36))
            let info = u16(48) * sector
            freeCount = u32(info + 488)
            nextFree = u32(info + 492)
            // Of a volume below 65,536 sectors the old, short field counts.
            let all = u16(19) > 0 ? u16(19) : Int(u32(32))
            let data = all - reserved - copies * length
            let clusters = data / Int(bytes[13])
            free = (2..<clusters + 2).filter { u32(reserved * sector + $0 * 4) & 0x0FFF_FFFF == 0 }.map { UInt32($0) }
        }
    }

    private func check(_ store: MemoryStore, _ moment: String) {
        let table = Table(store.allBytes)
        #expect(table.freeCount == UInt32(table.free.count), "\(moment)")
        #expect(table.nextFree == table.free.first ?? 0xFFFF_FFFF, "\(moment)")
    }

    @Test func `FSInfo names the number of free clusters and the first one after every edit`() throws {
        let image = try FATImage(kilobytes: 3000, ["-F", "32", "-s", "1"])
        var volume = try image.volume()
        for index in 0..<6 {
            try volume.write(pattern(index * 700 + 1, UInt64(index)), to: "dir/file \(index)")
            check(image.store, "file \(index)")
        }
        for (index, path) in ["dir/file 1", "dir/file 4", "dir/file 0"].enumerated() {
            try volume.remove(path)
            check(image.store, "removal \(index)")
        }
        try volume.write(pattern(900, 7), to: "dir/file 5")
        check(image.store, "replaced")
        try volume.makeDirectory("another")
        check(image.store, "directory")
    }

    @Test func `FSInfo of a full volume names no cluster`() throws {
        let image = try FATImage(kilobytes: 3000, ["-F", "32", "-s", "1"])
        var volume = try image.volume()
        try volume.write(pattern(Int(volume.freeBytes), 1), to: "ALL.BIN")
        #expect(volume.freeBytes == 0)
        check(image.store, "full")
        try volume.remove("ALL.BIN")
        check(image.store, "empty again")
    }

    @Test func `FSInfo is right after a commit`() throws {
        let image = try FATImage(kilobytes: 3000, ["-F", "32", "-s", "1"])
        var volume = try image.volume()
        for index in 0..<4 { try volume.write(pattern(3000, UInt64(index)), to: "file \(index)") }
        let overlay = Overlay(over: image.store)
        var edited = try FATVolume(overlay, name: "edited", modified: FATImage.time)
        try edited.remove("file 0")
        try edited.write(pattern(5000, 9), to: "file 2")
        try FATVolume.commit(overlay, volumeAt: 0..<image.store.size, to: image.store)
        check(image.store, "committed")
        #expect(try image.complaints() == nil)
    }

    /// `mattrib` prints an "A" for a file that a backup program is to take.
    private func isMarkedForBackup(_ path: String, in image: FATImage) throws -> Bool {
        image.scratch.write(image.store.allBytes, to: "check.fat")
        let result = try OutsideTool("mattrib").run(
            ["-i", image.scratch["check.fat"].string, "::\(path)"], environment: ["MTOOLS_SKIP_CHECK": "1"])
        #expect(result.succeeded, "\(result.errors)")
        return result.text.prefix { $0 != ":" }.contains("A")
    }

    @Test func `a file that is written is marked for backup, new or not, and a directory is not`() throws {
        let image = try FATImage(kilobytes: 4400, ["-F", "16", "-s", "2"])
        var volume = try image.volume()
        try volume.write([1], to: "DIR/FILE.TXT")
        #expect(try isMarkedForBackup("DIR/FILE.TXT", in: image))
        #expect(try !isMarkedForBackup("DIR", in: image))
        // A backup program has taken it.
        image.scratch.write(image.store.allBytes, to: "saved.fat")
        let cleared = try OutsideTool("mattrib").run(
            ["-a", "-i", image.scratch["saved.fat"].string, "::DIR/FILE.TXT"], environment: ["MTOOLS_SKIP_CHECK": "1"])
        #expect(cleared.succeeded, "\(cleared.errors)")
        try image.store.write(image.scratch.read("saved.fat"), at: 0)
        #expect(try !isMarkedForBackup("DIR/FILE.TXT", in: image))
        var again = try image.volume()
        try again.write([1], to: "DIR/FILE.TXT")
        #expect(try !isMarkedForBackup("DIR/FILE.TXT", in: image), "the same contents are no change")
        try again.write([2], to: "DIR/FILE.TXT")
        #expect(try isMarkedForBackup("DIR/FILE.TXT", in: image))
    }
}
