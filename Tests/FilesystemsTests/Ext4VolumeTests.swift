import Diagnostics
import Filesystems
import Foundation
import Storage
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct Ext4VolumeTests {
    static let ext4 = ["-t", "ext4", "-b", "1024"]

    static func file(_ contents: [UInt8], _ path: String) -> TreeChange {
        TreeChange(.file(contents: contents, mode: 0o644), at: path)
    }

    // MARK: Reading

    @Test func `links are followed inside the volume, absolute ones from its root`() throws {
        let image = try Ext4Image(
            kilobytes: 4000, Self.ext4 + ["-O", "inline_data"],
            prepare: [
                "mkdir usr", "mkdir usr/lib", "symlink lib usr/lib", "symlink usr/up /usr/../lib/", "symlink a b",
                "symlink b a", "symlink gone nowhere/at-all", "mknod null c 1 3",
            ])
        try image.apply([Self.file(Array("x".utf8), "/usr/lib/file")])
        let volume = try image.volume()
        #expect(try volume.read("/lib/file") == [120])
        #expect(try volume.read("usr/up/../lib/file") == [120])
        #expect(try volume.list("/lib") == ["file"])
        #expect(try volume.entry(at: "/lib")?.kind == .symbolicLink(target: "usr/lib"))
        #expect(try volume.entry(at: "/null")?.kind == .other)
        #expect(try volume.entry(at: "/")?.kind == .directory)
        #expect(try volume.read("/gone") == nil)
        #expect(try volume.read("/null") == nil)
        #expect(try volume.read("/usr") == nil)
        #expect(try volume.read("/lib/file/below") == nil)
        #expect(try volume.list("/lib/file") == nil)
        let circle = #expect(throws: Failure.self) { try volume.read("/a") }
        #expect(circle?.message.contains("circle") == true)
    }

    @Test func `files that lie in their inodes are read with their own size`() throws {
        let image = try Ext4Image(kilobytes: 4000, Self.ext4 + ["-O", "inline_data"])
        image.scratch.write("inside the inode", to: "in")
        try image.store.contents.write(to: image.scratch["inline.ext4"])
        let file = image.scratch["inline.ext4"].string
        let written = try OutsideTool("debugfs").run(["-w", "-R", "write \(image.scratch["in"]) small", file])
        #expect(written.succeeded)
        let volume = try Ext4Volume(
            MemoryStore(image.scratch.read("inline.ext4")), name: "inline", time: Ext4Image.time)
        #expect(try volume.read("/small") == Array("inside the inode".utf8))
        #expect(try volume.entry(at: "/small")?.size == 16)
    }

    @Test func `what is not ext4 is named`() throws {
        let fat = try FATImage(kilobytes: 4400, ["-F", "16", "-s", "2"])
        let failure = #expect(throws: Failure.self) {
            try Ext4Volume(fat.store, name: "the card", time: Ext4Image.time)
        }
        #expect(failure?.code == .unsupportedFilesystem)
        let ntfs = MemoryStore(Array("...NTFS    ".utf8) + [UInt8](repeating: 0, count: 4096))
        let other = #expect(throws: Failure.self) { try Ext4Volume(ntfs, name: "the card", time: Ext4Image.time) }
        #expect(other?.message.contains("NTFS") == true)
        #expect(throws: Failure.self) { try Ext4Volume(MemoryStore([1, 2]), name: "tiny", time: 1) }
    }

    // MARK: Editing

    @Test(arguments: [1024, 4096], ["dir_index", "^dir_index", "inline_data", "^metadata_csum", "^extents,^64bit"])
    func `a directory grows to hundreds of names and shrinks again`(_ blockSize: Int, _ feature: String) throws {
        let image = try Ext4Image(
            kilobytes: 24_000, ["-t", "ext4", "-b", "\(blockSize)", "-O", feature, "-N", "2000"],
            prepare: ["mkdir big"])
        let names = (0..<450).map { "/big/a file with a rather long name, number \($0)" }
        try image.apply(names.map { Self.file(Array($0.utf8), $0) })
        #expect(try image.complaints() == nil)
        #expect(try image.volume().list("/big")?.count == 450)
        try image.apply(names.filter { !$0.hasSuffix("7") }.map { TreeChange(.removal, at: $0) })
        #expect(try image.complaints() == nil)
        #expect(try image.debugfs("cat \"\(names[117])\"").output == Array(names[117].utf8))
        #expect(try image.volume().list("/big")?.count == 45)
    }

    @Test func `a directory that e2fsck has indexed stays sound as it grows`() throws {
        for (blockSize, feature) in [(1024, "metadata_csum"), (4096, "metadata_csum"), (1024, "^metadata_csum")] {
            let image = try Ext4Image(
                kilobytes: 40_000, ["-t", "ext4", "-b", "\(blockSize)", "-O", feature, "-N", "6000"])
            let names = (0..<1500).map { "/big/some name that needs a bit of room in its block \($0)" }
            try image.apply(names.prefix(300).map { Self.file([], $0) })
            // e2fsck -D indexes.
            try image.store.contents.write(to: image.scratch["indexed.ext4"])
            _ = try OutsideTool("e2fsck").run(["-f", "-y", "-D", image.scratch["indexed.ext4"].string])
            let store = MemoryStore(image.scratch.read("indexed.ext4"))
            #expect(try Self.stat(store, "/big").contains("Flags: 0x81000"))
            for part in stride(from: 300, to: 1500, by: 400) {
                _ = try Ext4Volume.apply(
                    names[part..<part + 400].map { Self.file([1], $0) }, to: store, name: "big", time: Ext4Image.time)
                #expect(try Self.complaints(store) == nil)
            }
            #expect(try Self.stat(store, "/big").contains("Flags: 0x81000"))
            _ = try Ext4Volume.apply(
                names.filter { $0.hasSuffix("3") }.map { TreeChange(.removal, at: $0) }
                    + [TreeChange(.rename(to: "renamed"), at: names[0])],
                to: store, name: "big", time: Ext4Image.time)
            #expect(try Self.complaints(store) == nil)
            #expect(try Ext4Volume(store, name: "big", time: 1).list("/big")?.count == 1350)
        }
    }

    @Test(arguments: ["extents", "^extents,^64bit"])
    func `a file of 9 MiB is written, replaced and removed without losing a block`(_ feature: String) throws {
        let image = try Ext4Image(kilobytes: 24_000, Self.ext4 + ["-O", feature])
        let free = try image.volume().freeBytes
        let large = pattern(9 << 20)
        try image.apply([Self.file(large, "/large")])
        #expect(try image.complaints() == nil)
        #expect(try image.debugfs("cat /large").output == large)
        try image.apply([Self.file([1], "/large")])
        try image.apply([Self.file(large, "/large")])
        #expect(try image.complaints() == nil)
        try image.apply([TreeChange(.removal, at: "/large")])
        #expect(try image.complaints() == nil)
        #expect(try image.volume().freeBytes == free)
    }

    @Test func `a file with a second name is replaced, never written through`() throws {
        let image = try Ext4Image(kilobytes: 4000, Self.ext4)
        try image.apply([Self.file([1, 2, 3], "/one"), Self.file([5], "/attributes")])
        try image.store.contents.write(to: image.scratch["linked.ext4"])
        image.scratch.write(
            "ln /one /two\nsif /one links_count 2\nln /attributes /more\nsif /attributes links_count 2\n",
            to: "commands")
        _ = try OutsideTool("debugfs").run([
            "-w", "-f", image.scratch["commands"].string, image.scratch["linked.ext4"].string,
        ])
        let store = MemoryStore(image.scratch.read("linked.ext4"))
        #expect(try Self.complaints(store) == nil)
        _ = try Ext4Volume.apply(
            [Self.file([4], "/one"), TreeChange(.file(contents: [5], mode: 0o600), at: "/attributes")], to: store,
            name: "linked", time: Ext4Image.time)
        #expect(try Self.complaints(store) == nil)
        let volume = try Ext4Volume(store, name: "linked", time: 1)
        #expect(try volume.read("/one") == [4])
        #expect(try volume.read("/two") == [1, 2, 3])
        #expect(try volume.entry(at: "/attributes")?.mode == 0o600)
        #expect(try volume.entry(at: "/more")?.mode == 0o644)
    }

    @Test func `a file with extended attributes is replaced completely, inside and outside its inode`() throws {
        let image = try Ext4Image(kilobytes: 4000, Self.ext4)
        try image.apply([Self.file([1], "/plain"), Self.file([2], "/kept")])
        image.scratch.write(pattern(700), to: "value")
        try image.store.contents.write(to: image.scratch["attributes.ext4"])
        let value = image.scratch["value"]
        image.scratch.write(
            "ea_set /plain user.small x\nea_set -f \(value) /plain user.large\nea_set /kept user.small x\n",
            to: "commands")
        _ = try OutsideTool("debugfs").run([
            "-w", "-f", image.scratch["commands"].string, image.scratch["attributes.ext4"].string,
        ])
        let store = MemoryStore(image.scratch.read("attributes.ext4"))
        #expect(try Self.complaints(store) == nil)
        _ = try Ext4Volume.apply(
            [Self.file([3], "/plain"), TreeChange(.file(contents: [2], mode: 0o600), at: "/kept")], to: store,
            name: "attributes", time: Ext4Image.time)
        #expect(try Self.complaints(store) == nil)
        #expect(try Self.debugfs(store, "ea_list /plain").contains("user.") == false)
        #expect(try Self.debugfs(store, "ea_list /kept").contains("user.small"))
    }

    @Test func `a directory that is renamed keeps what is in it`() throws {
        let image = try Ext4Image(kilobytes: 4000, Self.ext4)
        try image.apply([Self.file([1], "/a/b/c"), TreeChange(.rename(to: "z"), at: "/a")])
        #expect(try image.complaints() == nil)
        #expect(try image.volume().read("/z/b/c") == [1])
        #expect(try image.apply([TreeChange(.rename(to: "z"), at: "/a")]) == [])
    }

    @Test func `times before and after 2038 are kept, as far as the inodes are large enough`() throws {
        for (size, time, seen) in [(256, 5_000_000_000, 5_000_000_000), (128, 5_000_000_000, 2_147_483_647)]
            as [(Int, Int64, Int64)]
        {
            let image = try Ext4Image(kilobytes: 4000, Self.ext4 + ["-I", "\(size)"])
            _ = try Ext4Volume.apply([Self.file([1], "/file")], to: image.store, name: "future", time: time)
            #expect(try image.volume().entry(at: "/file")?.modified == seen)
        }
    }

    // MARK: Twice is once

    @Test func `the same changes give the same bytes, and change nothing the second time`() throws {
        let edits = Ext4MatrixTests.first
        let one = try Ext4Image(kilobytes: 8000, Self.ext4)
        let two = try Ext4Image(kilobytes: 8000, Self.ext4)
        #expect(one.store.allBytes == two.store.allBytes)
        try one.apply(edits)
        try two.apply(edits)
        #expect(one.store.allBytes == two.store.allBytes)
        let overlay = Overlay(over: one.store)
        let writes = one.store.log.count
        #expect(try Ext4Volume.apply(edits, to: overlay, name: "again", time: Ext4Image.time + 5) == [])
        #expect(overlay.changes.isEmpty)
        #expect(try one.apply(edits) == [])
        #expect(one.store.log.count == writes)
    }

    @Test func `a wrong mode or owner alone is corrected in place`() throws {
        let image = try Ext4Image(kilobytes: 4000, Self.ext4)
        try image.apply([Self.file([1], "/file"), TreeChange(.directory(mode: 0o755), at: "/dir")])
        let edits = [
            TreeChange(.file(contents: [1], mode: 0o600), at: "/file", user: 1000),
            TreeChange(.directory(mode: 0o700), at: "/dir", group: 1000),
        ]
        #expect(try image.apply(edits) == ["/file", "/dir"])
        #expect(try image.complaints() == nil)
        #expect(try image.volume().entry(at: "/file")?.user == 1000)
        #expect(try image.volume().entry(at: "/dir")?.mode == 0o700)
        #expect(try image.apply(edits) == [])
    }

    // MARK: Inside a card image

    @Test func `a partition of a card image is edited through a window, and nothing around it`() throws {
        let image = try Ext4Image(kilobytes: 4000, Self.ext4)
        let before = pattern(1 << 20, 3)
        let after = pattern(1 << 19, 4)
        let card = MemoryStore(before + image.store.allBytes + after)
        let overlay = Overlay(over: card)
        let start = Int64(before.count)
        let window = try Window(overlay, range: start..<(start + image.store.size), name: "root partition")
        _ = try Ext4Volume.apply(Ext4MatrixTests.first, to: window, name: "root", time: Ext4Image.time)
        #expect(card.log.isEmpty)
        try overlay.commit(to: card)
        let bytes = card.allBytes
        #expect(Array(bytes.prefix(before.count)) == before)
        #expect(Array(bytes.suffix(after.count)) == after)
        try image.apply(Ext4MatrixTests.first)
        #expect(bytes == before + image.store.allBytes + after)
    }

    static func complaints(_ store: MemoryStore) throws -> String? {
        let scratch = ScratchDirectory()
        scratch.write(store.allBytes, to: "check")
        let result = try OutsideTool("e2fsck").run(["-f", "-n", scratch["check"].string])
        return result.succeeded ? nil : result.text + result.errors
    }

    static func debugfs(_ store: MemoryStore, _ command: String) throws -> String {
        let scratch = ScratchDirectory()
        scratch.write(store.allBytes, to: "check")
        return try OutsideTool("debugfs").run(["-R", command, scratch["check"].string]).text
    }

    static func stat(_ store: MemoryStore, _ path: String) throws -> String { try debugfs(store, "stat \(path)") }
}
