import Filesystems
import Storage
import SystemPackage
import TestSupport
import Testing

/// Carrying edits of a FAT volume to a medium that may lose power at any moment.
@Suite struct FATCommittingTests {
    private static let old: [String: [UInt8]] = [
        "cmdline.txt": pattern(700, 1), "piflash/card.json": pattern(9000, 2), "piflash/join-token": pattern(80, 3),
        "kept.bin": pattern(30000, 4),
    ]
    private static let new: [String: [UInt8]] = [
        "cmdline.txt": pattern(900, 5), "piflash/card.json": pattern(21000, 6),
        "added/network-config": pattern(5000, 7),
    ]
    private static let removed = "piflash/join-token"

    private struct Case {
        let card: MemoryStore
        let overlay: Overlay
        let range: Range<Int64>

        init(_ start: [UInt8]) throws {
            card = MemoryStore(pattern(1 << 20, 3) + start)
            range = (1 << 20)..<card.size
            overlay = Overlay(over: card)
            let window = try Window(overlay, range: range, name: "boot partition")
            var volume = try FATVolume(window, name: "boot", modified: FATImage.time)
            try volume.remove(FATCommittingTests.removed)
            for (path, contents) in FATCommittingTests.new.sorted(by: { $0.key < $1.key }) {
                try volume.write(contents, to: path)
            }
        }
        func commit() throws { try FATVolume.commit(overlay, volumeAt: range, to: card) }
        var bytes: [UInt8] { Array(card.allBytes[(1 << 20)...]) }
    }

    @Test(arguments: FATVolumePropertyTests.geometries.prefix(4))
    func `stopped at any write, each file has its old contents or its new ones`(
        _ geometry: FATVolumePropertyTests.Geometry
    ) throws {
        let image = try FATImage(kilobytes: geometry.kilobytes, geometry.options)
        var volume = try image.volume()
        for (path, contents) in Self.old.sorted(by: { $0.key < $1.key }) { try volume.write(contents, to: path) }
        let start = image.store.allBytes
        let whole = try Case(start)
        try whole.commit()
        let writes = whole.card.log.count { $0 != nil }
        #expect(writes >= 4)
        for number in 0...writes {
            let card = try Case(start)
            card.card.fail(atWrite: number)
            if number < writes { #expect(throws: (any Error).self) { try card.commit() } } else { try card.commit() }
            let after = MemoryStore(card.bytes)
            let seen = try FATVolume(after, name: "after", modified: FATImage.time)
            for (path, contents) in Self.old {
                let found = try seen.read(path)
                let wanted: [UInt8]? = path == Self.removed ? nil : Self.new[path] ?? contents
                #expect(found == contents || found == wanted, "write \(number), \(path): \(found?.count ?? -1) bytes")
            }
            let added = try seen.read("added/network-config")
            #expect(added == nil || added == Self.new["added/network-config"], "write \(number)")
            let scratch = ScratchDirectory()
            scratch.write(after.allBytes, to: "v")
            let check = try OutsideTool("fsck.fat").run(["-n", scratch["v"].string])
            let bad = check.text.split(separator: "\n").filter {
                $0.contains("Bad") || $0.contains("cross") || $0.contains("shares") || $0.contains("truncat")
                    || $0.contains("past")
            }
            #expect(bad.isEmpty, "write \(number): \(bad)")
            if number == writes { #expect(check.succeeded, "\(check.text)") }
        }
    }
}
