import Diagnostics
import Filesystems
import Storage
import TestSupport
import Testing

/// Power that fails between any two flushes, on a medium that keeps any part of what was written since the last one.
///
/// A step that is not flushed before the next one begins shows here: then its writes and the next step's may arrive in the
/// wrong order.
@Suite struct PowerCutTests {
    private static let bootStart = 1 << 20

    /// mkfs.fat's smallest FAT32, and a FAT16.
    static let geometries = [["-F", "32", "-s", "1"], ["-F", "16", "-s", "1"]]

    static let old: [String: [UInt8]] = [
        "cmdline.txt": pattern(700, 1), "piflash/card.json": pattern(3000, 2), "piflash/join-token": pattern(80, 3),
        "kept.bin": pattern(30_000, 4),
    ]
    static let new: [String: [UInt8]?] = [
        "cmdline.txt": pattern(900, 5), "piflash/card.json": pattern(9000, 6), "piflash/join-token": nil,
        "added/network-config": pattern(5000, 7),
    ]

    private static func start(_ options: [String]) throws -> [UInt8] {
        let image = try FATImage(kilobytes: 3000, options)
        var volume = try image.volume()
        for (path, contents) in old.sorted(by: { $0.key < $1.key }) { try volume.write(contents, to: path) }
        return image.store.allBytes
    }

    private static func edit(_ volume: inout FATVolume) throws {
        for (path, contents) in new.sorted(by: { $0.key < $1.key }) {
            if let contents { try volume.write(contents, to: path) } else { try volume.remove(path) }
        }
    }

    /// Every file has its old contents or its new ones.
    private static func check(_ volume: MemoryStore, _ cut: VolatileStore.Cut) {
        do {
            let seen = try FATVolume(volume, name: "after", modified: FATImage.time)
            for path in Set(old.keys).union(new.keys) {
                let found = try seen.read(path)
                let wanted = new.keys.contains(path) ? new[path] ?? nil : old[path]
                #expect(found == old[path] || found == wanted, "\(cut): \(path) has \(found?.count ?? -1) bytes")
            }
        } catch { Issue.record("\(cut): \(error)") }
    }

    @Test(arguments: geometries)
    func `edits that are committed leave every file old or new`(_ options: [String]) throws {
        let card = VolatileStore(pattern(Self.bootStart, 3) + (try Self.start(options)))
        let range = Int64(Self.bootStart)..<card.size
        let overlay = Overlay(over: card)
        var volume = try FATVolume(
            Window(overlay, range: range, name: "boot partition"), name: "boot", modified: FATImage.time)
        try Self.edit(&volume)
        try FATVolume.commit(overlay, volumeAt: range, to: card)
        // One flush for each of the four steps.
        #expect(card.flushCount == 4)
        for cut in card.cuts(seed: 1, random: 12) {
            Self.check(MemoryStore(Array(cut.bytes[Self.bootStart...])), cut)
        }
    }

    @Test(arguments: geometries)
    func `edits of the medium itself leave every file old or new`(_ options: [String]) throws {
        let card = VolatileStore(try Self.start(options))
        var volume = try FATVolume(card, name: "boot", modified: FATImage.time)
        try Self.edit(&volume)
        for cut in card.cuts(seed: 2, random: 4) { Self.check(MemoryStore(cut.bytes), cut) }
    }

    @Test func `a root partition that is committed is old, new, or says that it needs a check`() throws {
        let image = try Ext4Image(kilobytes: 4000, ["-t", "ext4", "-b", "1024", "-O", "^has_journal"])
        let before = image.store.allBytes
        let card = VolatileStore(pattern(Self.bootStart, 3) + before)
        let range = Int64(Self.bootStart)..<card.size
        let overlay = Overlay(over: card)
        _ = try Ext4Volume.apply(
            [
                TreeChange(.directory(mode: 0o755), at: "/added"),
                TreeChange(.file(contents: pattern(30_000, 7), mode: 0o600), at: "/added/file"),
            ], to: Window(overlay, range: range, name: "root partition"), name: "root", time: Ext4Image.time)
        try Ext4Volume.commit(overlay, volumeAt: range, to: card)
        #expect(card.flushCount == 4)
        let after = Array(card.allBytes[Self.bootStart...])
        #expect(before != after)
        for cut in card.cuts(seed: 3, random: 20) {
            let bytes = Array(cut.bytes[Self.bootStart...])
            if bytes == before || bytes == after { continue }
            let volume = try? Ext4Volume(MemoryStore(bytes), name: "root", time: Ext4Image.time)
            // Until the superblock says that it needs a check, only what was free has changed.
            if cut.flushes < 2, let volume, volume.problem == nil {
                #expect(try volume.list("/") == ["lost+found"], "\(cut)")
                #expect(try Ext4VolumeTests.complaints(MemoryStore(bytes)) == nil, "\(cut)")
                continue
            }
            #expect(volume?.problem != nil || volume == nil, "\(cut)")
        }
    }
}
