import Diagnostics
import Filesystems
import Foundation
import Storage
import TestSupport
import Testing

/// One fixed list of edits on every kind of volume that mke2fs makes.
@Suite struct Ext4MatrixTests {
    struct Kind: Sendable, CustomTestStringConvertible {
        let options: [String]
        var testDescription: String { options.joined(separator: " ") }
    }

    static let kinds = [
        ["-t", "ext2"], ["-t", "ext3"], ["-t", "ext4"], ["-t", "ext2", "-r", "0"],
        ["-t", "ext4", "-O", "metadata_csum,64bit,orphan_file"], ["-t", "ext4", "-O", "^metadata_csum"],
        ["-t", "ext4", "-O", "^64bit"], ["-t", "ext4", "-O", "^has_journal"], ["-t", "ext4", "-O", "^flex_bg"],
        ["-t", "ext4", "-O", "inline_data"], ["-t", "ext4", "-O", "inline_data,^extents,^64bit"],
        ["-t", "ext4", "-O", "none,inline_data"], ["-t", "ext4", "-O", "inline_data,^ext_attr"],
        ["-t", "ext4", "-O", "^extents,^64bit"], ["-t", "ext4", "-O", "bigalloc"],
        ["-t", "ext4", "-I", "128"], ["-t", "ext4", "-O", "^dir_index"],
        ["-t", "ext4", "-O", "uninit_bg,^metadata_csum"],
        ["-t", "ext4", "-O", "meta_bg,^resize_inode"], ["-t", "ext4", "-O", "^filetype"],
        ["-t", "ext4", "-O", "metadata_csum,metadata_csum_seed,large_dir,inline_data"],
        ["-t", "ext4", "-O", "sparse_super2"], ["-t", "ext4", "-O", "encrypt,casefold,verity"],
    ].map(Kind.init)

    static let first: [TreeChange] = [
        TreeChange(
            .file(contents: Array("hello\n".utf8), mode: 0o640), at: "/etc/piflash/card.json", user: 70_000, group: 1000
        ),
        TreeChange(.file(contents: pattern(300_000), mode: 0o755), at: "/usr/lib/piflash/first-boot"),
        TreeChange(.file(contents: [], mode: 0o4711), at: "/usr/bin/empty", user: 1_900_000_000, group: 70_001),
        TreeChange(.directory(mode: 0o1777), at: "/var/tmp", user: 12, group: 13),
        TreeChange(.symbolicLink(target: "usr/lib"), at: "/lib"),
        TreeChange(
            .symbolicLink(target: "/" + String(repeating: "long/", count: 60)), at: "/etc/long", user: 5, group: 6),
        TreeChange(.file(contents: [1, 2, 3], mode: 0o600), at: "/lib/through/link"),
        TreeChange(.file(contents: pattern(70), mode: 0o600), at: "/etc/old"),
        TreeChange(.file(contents: pattern(5000), mode: 0o600), at: "/etc/gone"),
        TreeChange(.directory(mode: 0o700), at: "/etc/emptied"),
        TreeChange(.file(contents: [7], mode: 0o644), at: "/d/" + String(repeating: "n", count: 255)),
    ]
    static let second: [TreeChange] = [
        TreeChange(.rename(to: "new"), at: "/etc/old"),
        TreeChange(.removal, at: "/etc/gone"),
        TreeChange(.removal, at: "/etc/emptied"),
        TreeChange(.removal, at: "/etc/never-there"),
        TreeChange(.rename(to: "renamed"), at: "/lib/through"),
        TreeChange(.file(contents: pattern(100_000, 2), mode: 0o700), at: "/usr/lib/piflash/first-boot", user: 1),
        TreeChange(.file(contents: [9], mode: 0o644), at: "/etc/long"),
        TreeChange(.symbolicLink(target: "../empty"), at: "/usr/bin/empty"),
    ]

    @Test(arguments: kinds, [1024, 4096])
    func `files, directories and links arrive as asked, and e2fsck has nothing to say`(
        _ kind: Kind, _ blockSize: Int
    ) throws {
        let image = try Ext4Image(kilobytes: 24_000, kind.options + ["-b", "\(blockSize)"])
        #expect(try image.complaints() == nil)
        let changed = try image.apply(Self.first)
        #expect(changed == Self.first.map(\.path))
        #expect(try image.complaints() == nil)
        #expect(try image.debugfs("cat /etc/piflash/card.json").output == Array("hello\n".utf8))
        #expect(
            try image.status("/etc/piflash/card.json")
                == .init(type: "regular", mode: 0o640, user: 70_000, group: 1000, size: 6, links: 1))
        #expect(try image.debugfs("cat /usr/lib/piflash/first-boot").output == pattern(300_000))
        #expect(
            try image.status("/usr/bin/empty")
                == .init(type: "regular", mode: 0o4711, user: 1_900_000_000, group: 70_001, size: 0, links: 1))
        let tmp = try image.status("/var/tmp")
        #expect([tmp.mode, tmp.user, tmp.group, tmp.links] == [0o1777, 12, 13, 2])
        #expect(try image.status("/etc").mode == 0o755)
        #expect(try image.status("/lib").target == "usr/lib")
        #expect(try image.status("/etc/long").size == 301)
        #expect(try image.debugfs("cat /usr/lib/through/link").output == [1, 2, 3])

        try image.apply(Self.second)
        #expect(try image.complaints() == nil)
        let volume = try image.volume()
        #expect(volume.blockSize == blockSize)
        #expect(volume.label == "rootfs")
        #expect(volume.problem == nil)
        #expect(try volume.read("/etc/new") == pattern(70))
        #expect(try volume.entry(at: "/etc/old") == nil)
        #expect(try volume.list("/etc") == ["long", "new", "piflash"])
        #expect(try volume.read("lib/renamed/link") == [1, 2, 3])
        #expect(try volume.read("/usr/lib/piflash/first-boot") == pattern(100_000, 2))
        #expect(try image.debugfs("cat /usr/lib/piflash/first-boot").output == pattern(100_000, 2))
        #expect(try volume.entry(at: "/usr/bin/empty")?.kind == .symbolicLink(target: "../empty"))
        #expect(try volume.entry(at: "/etc/new")?.modified == Ext4Image.time)
        #expect(try volume.list("/d") == [String(repeating: "n", count: 255)])

        let before = image.store.contents
        #expect(try image.apply(Self.second.dropFirst(4).dropFirst() + [Self.second[0]]) == [])
        #expect(image.store.contents == before)
    }
}
