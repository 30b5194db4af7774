import Diagnostics
import Filesystems
import Foundation
import Storage
import Synchronization
import TestSupport
import Testing

/// Whatever is refused or fails leaves the volume as it was, byte for byte.
@Suite struct Ext4RefusalTests {
    static let ext4 = ["-t", "ext4", "-b", "1024"]
    static let edit = TreeChange(.file(contents: [1, 2, 3], mode: 0o644), at: "/etc/file")

    private static func file(_ contents: [UInt8], _ path: String) -> TreeChange {
        TreeChange(.file(contents: contents, mode: 0o644), at: path)
    }

    // MARK: Problems

    /// Commands for debugfs that make a volume which must not be edited, and a word of the message.
    static let problems: [(commands: [String], word: String)] = [
        (["feature needs_recovery"], "journal"),
        (["ssv state 0"], "unmounted cleanly"),
        (["ssv state 3"], "errors"),
        (["ssv state 5"], "deleted files"),
        (["ssv last_orphan 12"], "deleted files"),
        (["ssv journal_dev 0x801"], "another device"),
        (["ssv journal_inum 0"], "another device"),
        (["ssv feature_ro_compat 0x8000046b"], "0x80000000"),
        (["feature read-only"], "read-only"),
        (["feature shared_blocks"], "shared"),
        (["feature quota"], "quota"),
        (["feature ea_inode"], "ea_inode"),
        (["feature mmp"], "mmp"),
        (["ssv creator_os 1"], "Hurd"),
    ]

    @Test(arguments: problems.indices)
    func `a volume that is not in order is read but not edited, and the reason is named`(_ index: Int) throws {
        let (commands, word) = Self.problems[index]
        let image = try Ext4Image(kilobytes: 4000, Self.ext4, prepare: ["mkdir there"] + commands)
        let before = image.store.contents
        let volume = try image.volume()
        #expect(try volume.list("/") == ["lost+found", "there"])
        #expect(volume.problem?.message.contains(word) == true, "\(volume.problem as Any)")
        #expect(volume.problem?.severity == .refused)
        let failure = refusal { () throws(Failure) in try image.apply([Self.edit]) }
        #expect(failure?.message == volume.problem?.message)
        #expect(image.store.contents == before)
    }

    @Test func `a wrong checksum of the superblock is a problem`() throws {
        let image = try Ext4Image(kilobytes: 4000, Self.ext4 + ["-O", "metadata_csum"])
        var bytes = image.store.allBytes
        bytes[1024 + 0x88] ^= 1  // s_last_mounted
        let volume = try Ext4Volume(MemoryStore(bytes), name: "flipped", time: 1)
        #expect(volume.problem?.message.contains("checksum") == true)
        #expect(try volume.list("/") == ["lost+found"])
    }

    @Test func `a volume that is cut off is not edited`() throws {
        let image = try Ext4Image(kilobytes: 4000, Self.ext4)
        let store = MemoryStore(Array(image.store.allBytes.dropLast(1024)))
        let volume = try Ext4Volume(store, name: "short", time: 1)
        #expect(volume.problem?.message.contains("larger than") == true)
    }

    @Test func `an unknown incompatible feature is not even read`() throws {
        let image = try Ext4Image(kilobytes: 4000, Self.ext4)
        var bytes = image.store.allBytes
        bytes[1024 + 0x63] |= 0x40
        let failure = #expect(throws: Failure.self) { try Ext4Volume(MemoryStore(bytes), name: "odd", time: 1) }
        #expect(failure?.code == .unsupportedFilesystem)
        #expect(failure?.message.contains("0x40000000") == true)
    }

    // MARK: Edits

    static let refused: [(edit: TreeChange, word: String)] = [
        (file([1], "/there"), "directory"),
        (TreeChange(.symbolicLink(target: "x"), at: "/there"), "directory"),
        (TreeChange(.removal, at: "/there"), "not empty"),
        (file([1], "/there/file/below"), "is a file, not a directory"),
        (file([1], "relative"), "start with"),
        (file([1], "/"), "root directory"),
        (file([1], "/a/../b"), "\"..\""),
        (file([1], "/" + String(repeating: "n", count: 256)), "not a file name"),
        (TreeChange(.directory(mode: 0o755), at: "/there/file"), "not a directory"),
        (TreeChange(.symbolicLink(target: ""), at: "/link"), "target"),
        (TreeChange(.symbolicLink(target: String(repeating: "t", count: 1024)), at: "/link"), "1023"),
        (TreeChange(.rename(to: "new"), at: "/missing"), "nothing to rename"),
        (TreeChange(.rename(to: "lost+found"), at: "/there"), "taken"),
        (TreeChange(.rename(to: "a/b"), at: "/there"), "not a file name"),
        (file([1], "/circle/file"), "circle"),
    ]

    @Test(arguments: refused.indices)
    func `an edit that makes no sense is refused, and the ones before it are not kept`(_ index: Int) throws {
        let (edit, word) = Self.refused[index]
        let image = try Ext4Image(kilobytes: 4000, Self.ext4, prepare: ["symlink circle circle"])
        try image.apply([Self.file([1], "/there/file")])
        let before = image.store.contents
        let failure = refusal { () throws(Failure) in try image.apply([Self.file([9], "/first"), edit]) }
        #expect(failure?.message.contains(word) == true, "\(failure as Any)")
        #expect(image.store.contents == before)
    }

    // MARK: Full volumes

    @Test(arguments: ["extents", "^extents,^64bit", "inline_data", "bigalloc"])
    func `a full volume is said to be full and stays as it was`(_ feature: String) throws {
        let image = try Ext4Image(kilobytes: 8000, Self.ext4 + ["-O", feature])
        let before = image.store.contents
        let count = Int(try image.volume().freeBytes)
        let failure = refusal { () throws(Failure) in try image.apply([Self.file(pattern(count + 1), "/large")]) }
        #expect(failure?.code == .filesystemFull)
        #expect(failure?.message.contains("/large") == true)
        #expect(image.store.contents == before)
        // Small ones, until it is: what is made before that is sound.
        let files = (0..<400).map { Self.file(pattern(30_000, UInt64($0)), "/dir \($0 % 7)/\($0)") }
        var done = 0
        while done < files.count, refusal({ () throws(Failure) in try image.apply([files[done]]) }) == nil { done += 1 }
        #expect((1..<files.count).contains(done))
        #expect(try image.complaints() == nil)
        // The old contents make room for the new ones.
        try image.apply([Self.file(pattern(30_000, 999), "/dir 0/0")])
        try image.apply((0..<done).map { TreeChange(.removal, at: files[$0].path) })
        #expect(try image.complaints() == nil)
    }

    @Test func `a volume without a free inode is said so and stays as it was`() throws {
        let image = try Ext4Image(kilobytes: 4000, Self.ext4 + ["-N", "32"])
        let before = image.store.contents
        let failure = refusal { () throws(Failure) in try image.apply((0..<40).map { Self.file([], "/\($0)") }) }
        #expect(failure?.code == .filesystemFull)
        #expect(failure?.message.contains("inode") == true)
        #expect(image.store.contents == before)
    }

    // MARK: Failing stores

    @Test func `whichever read or write of the store fails, its own failure is thrown and nothing changes`() throws {
        let image = try Ext4Image(kilobytes: 4000, Self.ext4)
        try image.apply(Ext4MatrixTests.first.filter { $0.path.hasPrefix("/etc") })
        let before = image.store.contents
        var number = 0
        while true {
            let store = FailingOnce(MemoryStore(before), at: number)
            let failure = refusal { () throws(Failure) in
                _ = try Ext4Volume.apply(
                    Ext4MatrixTests.second.filter { $0.path.hasPrefix("/etc") }, to: store, name: "v", time: 5)
            }
            guard let failure else { break }
            #expect(failure.message == "operation \(number) failed")
            #expect(store.bytes.contents == before, "operation \(number)")
            number += 1
        }
        // Opened twice, edited, committed.
        #expect(number > 30)
    }

    @Test func `damage anywhere is refused or survived, never a crash or an endless loop`() throws {
        for feature in [
            "metadata_csum", "^metadata_csum,^64bit", "^extents,^64bit,^metadata_csum", "inline_data,^metadata_csum",
        ] {
            let image = try Ext4Image(kilobytes: 2000, Self.ext4 + ["-O", feature, "-N", "64"])
            try image.apply(Ext4MatrixTests.first.filter { $0.path != "/usr/lib/piflash/first-boot" })
            let sound = image.store.allBytes
            let used = sound.indices.filter { sound[$0] != 0 }
            var random = SplitMix64(seed: 7)
            for _ in 0..<150 {
                var bytes = sound
                for _ in 0..<Int.random(in: 1...12, using: &random) {
                    let place = used.randomElement(using: &random) ?? 1024
                    bytes[place] = UInt8.random(in: 0...255, using: &random)
                }
                let store = MemoryStore(bytes)
                guard let volume = try? Ext4Volume(store, name: "damaged", time: 1) else { continue }
                _ = volume.label
                _ = try? volume.list("/etc")
                for edit in Ext4MatrixTests.first { _ = try? volume.read(edit.path) }
                _ = try? volume.entry(at: "/etc/long")
                _ = try? Ext4Volume.apply(Ext4MatrixTests.second, to: store, name: "damaged", time: 1)
            }
        }
    }
}

/// A store whose read, write or synchronize with one number fails.
private final class FailingOnce: WritableBlockStore {
    let bytes: MemoryStore
    private let failing: Int
    private let count = Mutex(0)

    init(_ bytes: MemoryStore, at failing: Int) {
        self.bytes = bytes
        self.failing = failing
    }

    var size: Int64 { bytes.size }
    var name: String { bytes.name }

    private func step() throws(Failure) {
        let number = count.withLock { count in
            defer { count += 1 }
            return count
        }
        if number == failing { throw Failure(.system, "operation \(number) failed") }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try step()
        try bytes.read(into: buffer, at: offset)
    }

    func write(_ data: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        try step()
        try bytes.write(data, at: offset)
    }

    func synchronize() throws(Failure) {
        try step()
        try bytes.synchronize()
    }
}
