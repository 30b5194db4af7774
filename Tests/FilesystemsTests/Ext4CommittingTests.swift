import Filesystems
import Storage
import SystemPackage
import TestSupport
import Testing

/// Carrying edits to a medium that may lose power at any moment.
@Suite struct Ext4CommittingTests {
    private static let edits = [
        TreeChange(.directory(mode: 0o755), at: "/added"),
        TreeChange(.file(contents: pattern(300_000, 7), mode: 0o644), at: "/added/file"),
        TreeChange(.symbolicLink(target: "file"), at: "/added/link"),
    ]

    /// A card with a volume at 1 MiB, and an overlay that holds the edits.
    private struct Case {
        let card: MemoryStore
        let overlay: Overlay
        let range: Range<Int64>

        init(_ features: [String]) throws {
            let image = try Ext4Image(kilobytes: 4000, features)
            card = MemoryStore(pattern(1 << 20, 3) + image.store.allBytes)
            range = (1 << 20)..<card.size
            overlay = Overlay(over: card)
            let window = try Window(overlay, range: range, name: "root partition")
            _ = try Ext4Volume.apply(Ext4CommittingTests.edits, to: window, name: "root", time: Ext4Image.time)
        }

        func volume() -> MemoryStore { MemoryStore(Array(card.allBytes[(1 << 20)...])) }
        func commit() throws { try Ext4Volume.commit(overlay, volumeAt: range, to: card) }
    }

    @Test(arguments: [Ext4VolumeTests.ext4, ["-t", "ext4", "-O", "^metadata_csum", "-b", "1024"]])
    func `what is carried to the end is sound and has the changes`(_ features: [String]) throws {
        let card = try Case(features)
        try card.commit()
        #expect(try Ext4VolumeTests.complaints(card.volume()) == nil)
        let volume = try Ext4Volume(card.volume(), name: "root", time: Ext4Image.time)
        #expect(volume.problem == nil)
        #expect(try volume.read("/added/file") == pattern(300_000, 7))
        #expect(Array(card.card.allBytes.prefix(1 << 20)) == pattern(1 << 20, 3))
    }

    /// What has a journal is in ``Ext4JournalTests``.
    @Test(arguments: [
        ["-t", "ext4", "-b", "1024", "-O", "^has_journal"],
        ["-t", "ext4", "-O", "^has_journal,^metadata_csum", "-b", "1024"],
    ])
    func `stopped at any write, the volume is as it was or says that it needs a check`(_ features: [String]) throws {
        let whole = try Case(features)
        try whole.commit()
        let writes = whole.card.log.count { $0 != nil }
        #expect(writes >= 3)
        for number in 0..<writes {
            let card = try Case(features)
            let before = card.volume().allBytes
            card.card.fail(atWrite: number)
            #expect(throws: (any Error).self) { try card.commit() }
            let volume = card.volume()
            if number == 0 {
                #expect(volume.allBytes == before)
                continue
            }
            let scratch = ScratchDirectory()
            scratch.write(volume.allBytes, to: "volume")
            if try Ext4Volume(volume, name: "root", time: Ext4Image.time).problem == nil {
                // Only what was free has changed.
                #expect(try OutsideTool("e2fsck").run(["-fn", scratch["volume"].string]).succeeded, "\(number)")
                #expect(try Ext4Volume(volume, name: "root", time: 1).list("/") == ["lost+found"], "\(number)")
                continue
            }
            // Half-written descriptors do not stop it, as they do debugfs.
            let dump = try OutsideTool("dumpe2fs").run(["-f", "-h", scratch["volume"].string])
            #expect(dump.text.contains("not clean"), "\(number): \(dump.errors)")
            #expect(try Ext4Volume(volume, name: "root", time: Ext4Image.time).problem != nil)
        }
    }

    /// The same time, and as many free blocks as before: the superblock has nothing new.
    @Test func `a volume is clean again, even if its superblock does not change`() throws {
        let card = try Case(Ext4VolumeTests.ext4)
        try card.commit()
        let overlay = Overlay(over: card.card)
        let window = try Window(overlay, range: card.range, name: "root partition")
        let edit = TreeChange(.file(contents: pattern(300_000, 8), mode: 0o644), at: "/added/file")
        _ = try Ext4Volume.apply([edit], to: window, name: "root", time: Ext4Image.time)
        try Ext4Volume.commit(overlay, volumeAt: card.range, to: card.card)
        let volume = try Ext4Volume(card.volume(), name: "root", time: Ext4Image.time)
        #expect(volume.problem == nil)
        #expect(try volume.read("/added/file") == pattern(300_000, 8))
        #expect(try Ext4VolumeTests.complaints(card.volume()) == nil)
    }

    @Test func `nothing changed, nothing written`() throws {
        let image = try Ext4Image(kilobytes: 4000, Ext4VolumeTests.ext4)
        try Ext4Volume.commit(Overlay(over: image.store), volumeAt: 0..<image.store.size, to: image.store)
        #expect(image.store.log.isEmpty)
    }
}
