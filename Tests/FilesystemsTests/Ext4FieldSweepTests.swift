import Diagnostics
import Filesystems
import Foundation
import Storage
import TestSupport
import Testing

/// Every field of ext2, ext3 and ext4 with extreme values and right checksums, through everything that reads the volume.
@Suite struct Ext4FieldSweepTests {
    /// With everything, with group checksums only and descriptors of 32 bytes, and with nothing.
    static let kinds = [
        ["-t", "ext4", "-O", "metadata_csum,64bit"], ["-t", "ext4", "-O", "uninit_bg,^metadata_csum,^64bit"],
        ["-t", "ext3", "-O", "^resize_inode"],
    ].map(Ext4MatrixTests.Kind.init)

    private static let changes = [
        TreeChange(.file(contents: pattern(3000), mode: 0o600), at: "/etc/file"),
        TreeChange(.file(contents: [1], mode: 0o600), at: "/etc/new/file"),
    ]

    private func image(_ kind: Ext4MatrixTests.Kind) throws -> Ext4Image {
        let image = try Ext4Image(
            kilobytes: 4400, kind.options + ["-b", "1024", "-g", "1024", "-N", "64", "-J", "size=1"],
            prepare: ["mkdir etc", "symlink etc/link ../etc/file"])
        try image.apply([
            TreeChange(.file(contents: pattern(20_000, 2), mode: 0o644), at: "/etc/file"),
            TreeChange(.file(contents: pattern(70), mode: 0o644), at: "/etc/other"),
        ])
        #expect(try image.complaints() == nil)
        return image
    }

    /// Puts each extreme value into `field`, made valid by `finish`, and reads and edits the volume in every way.
    private func sweep(
        _ sound: MemoryStore.Contents, _ field: DiskField, from base: (Ext4Layout) throws -> Int64,
        finish: (Ext4Layout) throws -> Void
    ) throws {
        let layout = try Ext4Layout(of: MemoryStore(sound))
        let place = try base(layout)
        let old = try layout.store.value(of: field, from: place)
        for value in field.extremes(besides: old) {
            // The places are those of the sound volume: a changed one may say something else.
            let store = MemoryStore(sound)
            try store.set(field, to: value, from: place)
            try finish(Ext4Layout(layout, store: store))
            let note: Comment = "byte \(place + field.offset), \(field.size) bytes: \(old) became \(value)"
            let start = ContinuousClock.now
            try Self.use(store, note)
            #expect(ContinuousClock.now - start < .seconds(20), note)
        }
    }

    private static func use(_ store: MemoryStore, _ note: Comment) throws {
        let before = store.contents
        if let volume = try named(note, { () throws(Failure) in try Ext4Volume(store, name: "the volume", time: 1) }) {
            #expect(volume.freeBytes >= 0 && volume.freeBytes <= store.size || volume.problem != nil, note)
            _ = volume.label
            for path in ["/", "/etc", "/lost+found"] {
                _ = try named(note) { () throws(Failure) in try volume.list(path) }
            }
            for path in ["/etc/file", "/etc/link", "/etc/other"] {
                _ = try named(note) { () throws(Failure) in try volume.entry(at: path) }
                _ = try named(note) { () throws(Failure) in try volume.read(path) }
            }
        }
        #expect(try Ext4Size.claimed(in: store, at: 0) ?? 0 >= 0, note)
        _ = try? Ext4Volume.recovery(of: store, volumeAt: 0..<store.size)
        let used = usedBlocks(store, as: "ext4")
        #expect(ByteRanges([0..<store.size]).holds(used.ranges), note)
        #expect(store.contents == before, note)
        let edited = try named(note) { () throws(Failure) in
            try Ext4Volume.apply(changes, to: store, name: "the volume", time: 1)
        }
        if edited == nil { #expect(store.contents == before, note) }
    }

    /// Nil after a failure, which must say which file system it is about.
    private static func named<Value>(
        _ note: Comment, _ body: () throws(Failure) -> Value
    ) throws -> Value? {
        do throws(Failure) { return try body() } catch {
            #expect(error.message.contains("the volume"), "\(note): \(error)")
            return nil
        }
    }

    /// All of them: those that are not numbers here become numbers of other kernels.
    @Test(arguments: kinds) func `no value of a field of the superblock makes a trap`(_ kind: Ext4MatrixTests.Kind)
        throws
    {
        let sound = try image(kind).store.contents
        let short = [0x34, 0x36, 0x38, 0x3A, 0x3C, 0x3E, 0x50, 0x52, 0x58, 0x5A, 0xCE, 0xFE, 0x15C, 0x15E, 0x166]
        let bytes = [0xCC, 0xCD, 0xFC, 0xFD, 0x174, 0x175, 0x176, 0x274, 0x275, 0x276, 0x277]
        let long =
            [
                0x48, 0x4C, 0x54, 0x5C, 0x60, 0x64, 0xC8, 0xE0, 0xE4, 0xE8, 0x100, 0x104, 0x10C, 0x150, 0x154, 0x158,
                0x160,
                0x170, 0x184, 0x188, 0x194, 0x240, 0x244, 0x248, 0x24C, 0x250, 0x26C, 0x270, 0x280,
            ] + stride(from: 0, to: 0x38, by: 4)
        for field in DiskField.fields(long, 4) + DiskField.fields(short, 2) + DiskField.fields(bytes, 1) {
            try sweep(sound, field, from: { _ in 1024 }, finish: { try $0.finishSuperblock() })
        }
    }

    @Test(arguments: kinds) func `no value of a field of a group descriptor makes a trap`(_ kind: Ext4MatrixTests.Kind)
        throws
    {
        let sound = try image(kind).store.contents
        let is64Bit = kind.options.joined().contains(",64bit")
        let fields =
            DiskField.fields([0, 4, 8, 20] + (is64Bit ? [32, 36, 40, 52] : []), 4)
            + DiskField.fields([12, 14, 16, 18, 24, 26, 28] + (is64Bit ? [44, 46, 48, 50, 56, 58] : []), 2)
        for field in fields {
            for group in 0..<2 {
                try sweep(sound, field, from: { $0.descriptor(group) }, finish: { try $0.finishDescriptor(group) })
            }
        }
    }

    @Test(arguments: [kinds[0], kinds[2]]) func `no value of a field of an inode makes a trap`(
        _ kind: Ext4MatrixTests.Kind
    ) throws {
        let image = try image(kind)
        let sound = image.store.contents
        // i_block is swept as an extent tree, which is at the same place as block numbers.
        let long =
            [0x4, 0x14, 0x1C, 0x20, 0x64, 0x68, 0x6C, 0x70, 0x84, 0x88, 0x94, 0x98]
            + [0x34, 0x3C, 0x40, 0x48, 0x58, 0x5C, 0x60]
        let fields =
            DiskField.fields(long, 4)
            + DiskField.fields([0, 2, 0x18, 0x1A, 0x74, 0x76, 0x80, 0x28, 0x2A, 0x2C, 0x2E, 0x38, 0x3A, 0x44, 0x46], 2)
        let etc = try image.inode("/etc")
        // Bad blocks, root, group descriptors, journal, a directory, a file, a link.
        for number in [1, 2, 7, 8, etc, try image.inode("/etc/file"), try image.inode("/etc/link")] {
            for field in fields {
                try sweep(sound, field, from: { try $0.inode(number) }, finish: { try $0.finishInode(number) })
            }
        }
    }

    @Test(arguments: [kinds[0], kinds[2]]) func `no value of a field of a directory entry or a journal makes a trap`(
        _ kind: Ext4MatrixTests.Kind
    ) throws {
        let image = try image(kind)
        let sound = image.store.contents
        let layout = try Ext4Layout(of: MemoryStore(sound))
        for number in [2, try image.inode("/etc")] {
            let block = try layout.firstBlock(of: number)
            // ".", ".." and the entry behind them.
            for entry in [0, 12, 24] {
                for field in DiskField.fields([0], 4) + DiskField.fields([4], 2) + DiskField.fields([6, 7, 8, 9], 1) {
                    try sweep(
                        sound, field, from: { _ in layout.block(block) + Int64(entry) },
                        finish: { try $0.finishDirectoryBlock(number, block: block) })
                }
            }
        }
        guard try layout.store.bytes(at: 1024 + 0x5C, count: 1)[0] & 4 != 0 else { return }
        let journal = layout.block(try layout.firstBlock(of: 8))
        for field in DiskField.fields(Array(stride(from: 0, to: 0x60, by: 4)), 4) {
            try sweep(sound, field, from: { _ in journal }, finish: { _ in })
        }
    }
}

extension Ext4Image {
    /// The number of the inode at `path`.
    func inode(_ path: String) throws -> Int {
        let text = try debugfs("stat \(path)").text
        guard let found = text.range(of: "Inode: ") else { throw OutsideTool.Missing(description: text) }
        return Int(text[found.upperBound...].prefix { $0.isNumber }) ?? 0
    }
}
