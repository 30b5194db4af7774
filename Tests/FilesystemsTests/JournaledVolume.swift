import Filesystems
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

/// A volume on a medium that can lose power, and an edit of it that touches every kind of block.
struct JournaledVolume {
    struct Kind: Sendable, CustomTestStringConvertible {
        let options: [String]
        var kilobytes = 9000
        /// The kernel gives a journal its features when it first mounts the volume: 64bit and csum_v3, if the volume has
        /// metadata_csum.
        var isMounted = false
        /// So much of the volume is full that the edit must use blocks that it frees.
        var isFull = false
        var testDescription: String {
            options.joined(separator: " ") + (isMounted ? ", mounted once" : "") + (isFull ? ", full" : "")
        }
    }

    static let mounted = Kind(options: ["-t", "ext4", "-b", "4096"], isMounted: true)
    static let kinds = [
        mounted,
        Kind(options: ["-t", "ext4", "-b", "1024"]),
        Kind(options: ["-t", "ext4", "-b", "1024"], isMounted: true),
        Kind(options: ["-t", "ext4", "-b", "1024"], isMounted: true, isFull: true),
        Kind(options: ["-t", "ext4", "-b", "2048", "-O", "^metadata_csum,uninit_bg", "-I", "128"], isMounted: true),
        Kind(options: ["-t", "ext4", "-b", "1024", "-O", "^64bit"], isMounted: true),
        Kind(options: ["-t", "ext3", "-b", "1024"], isMounted: true),
        Kind(options: ["-t", "ext4", "-b", "4096", "-O", "^flex_bg,^64bit"]),
        Kind(options: ["-t", "ext4", "-b", "1024", "-O", "fast_commit"], kilobytes: 16_000, isMounted: true),
        Kind(
            options: ["-t", "ext4", "-b", "4096", "-O", "bigalloc", "-C", "16384"], kilobytes: 48_000, isMounted: true),
    ]

    /// The first bytes of a journal's block: a copy in the log must not begin with them.
    private static let magic: [UInt8] = [0xC0, 0x3B, 0x39, 0x98]
    private static let old: [TreeChange] =
        [
            TreeChange(.file(contents: pattern(20_000, 1), mode: 0o644), at: "/etc/replaced"),
            TreeChange(.file(contents: pattern(300, 2), mode: 0o600), at: "/etc/removed"),
            TreeChange(.file(contents: pattern(9000, 3), mode: 0o644), at: "/etc/kept"),
            TreeChange(.file(contents: pattern(50, 4), mode: 0o644), at: "/etc/named"),
            TreeChange(.directory(mode: 0o700), at: "/var/emptied"),
        ] + (0..<120).map { TreeChange(.file(contents: [UInt8($0)], mode: 0o644), at: "/many/file-with-a-name-\($0)") }
    private static let edit: [TreeChange] =
        [
            TreeChange(.file(contents: magic + pattern(30_000, 5), mode: 0o640), at: "/etc/replaced", user: 7),
            TreeChange(.removal, at: "/etc/removed"),
            TreeChange(.rename(to: "renamed"), at: "/etc/named"),
            TreeChange(.removal, at: "/var/emptied"),
            TreeChange(.directory(mode: 0o755), at: "/added/deeper"),
            TreeChange(.file(contents: pattern(70_000, 6), mode: 0o755), at: "/added/deeper/program"),
            TreeChange(.symbolicLink(target: "deeper/program"), at: "/added/link"),
            TreeChange(.symbolicLink(target: "/" + String(repeating: "long/", count: 60)), at: "/added/long"),
        ] + (0..<40).map { TreeChange(.removal, at: "/many/file-with-a-name-\($0 * 3)") }
        + (0..<30).map { TreeChange(.file(contents: [UInt8($0), 9], mode: 0o600), at: "/many/other-name-\($0)") }

    static let start = 1 << 20
    let kind: Kind
    let medium: VolatileStore
    let range: Range<Int64>
    let scratch: ScratchDirectory

    init(_ kind: Kind) throws {
        self.kind = kind
        let image = try Ext4Image(kilobytes: kind.kilobytes, kind.options)
        scratch = image.scratch
        var bytes = image.store.allBytes
        if kind.isMounted { bytes = try Self.mountedOnce(bytes, in: scratch) }
        let store = MemoryStore(bytes)
        try Self.change(store, Self.old)
        if kind.isFull { try Self.fill(store) }
        medium = VolatileStore(pattern(Self.start, 3) + store.allBytes)
        range = Int64(Self.start)..<medium.size
    }

    private static func change(_ store: MemoryStore, _ changes: [TreeChange]) throws {
        _ = try Ext4Volume.apply(changes, to: store, name: "root", time: Ext4Image.time)
    }

    /// Leaves less than 96 KiB free: the edit needs the blocks of what it replaces.
    private static func fill(_ store: MemoryStore) throws {
        var number = 0
        for size in [4 << 20, 1 << 20, 256 << 10, 64 << 10, 16 << 10] {
            while try Ext4Volume(store, name: "root", time: 1).freeBytes > Int64(size) + (96 << 10) {
                try change(
                    store, [TreeChange(.file(contents: pattern(size), mode: 0o600), at: "/full/\(number)")])
                number += 1
            }
        }
    }

    private static func mountedOnce(_ bytes: [UInt8], in scratch: ScratchDirectory) throws -> [UInt8] {
        scratch.write(bytes, to: "once.ext4")
        try withMount(scratch["once.ext4"], at: scratch["once"]) { () -> Void in scratch.write([1], to: "once/first") }
        return scratch.read("once.ext4")
    }

    /// The kernel's opinion.
    @discardableResult
    static func withMount<Value>(
        _ file: FilePath, at place: FilePath, _ body: () throws -> Value
    ) throws -> Value {
        try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
        let mounted = try OutsideTool("mount").run(["-o", "loop", file.string, place.string])
        guard mounted.succeeded else { throw OutsideTool.Missing(description: mounted.errors) }
        let result = Result { try body() }
        let left = try OutsideTool("umount").run([place.string])
        guard left.succeeded else { throw OutsideTool.Missing(description: left.errors) }
        return try result.get()
    }

    var current: MemoryStore { Self.volume(medium.contents) }

    func file(_ store: MemoryStore) throws -> FilePath {
        let path = scratch["volume.cut"]
        try store.contents.write(to: path)
        return path
    }

    /// The edit over an overlay. A full volume cannot hold the new program.
    func edited() throws -> Overlay {
        let overlay = Overlay(over: medium)
        let edit = kind.isFull ? Self.edit.filter { $0.path != "/added/deeper/program" } : Self.edit
        _ = try Ext4Volume.apply(
            edit, to: Window(overlay, range: range, name: "root"), name: "root", time: Ext4Image.time)
        return overlay
    }

    /// The volume alone: e2fsck cannot reopen one at an offset after it has replayed its journal.
    static func volume(_ contents: MemoryStore.Contents) -> MemoryStore { MemoryStore(Array(contents.bytes[start...])) }

    /// Every path with what is there.
    static func tree(_ store: some BlockStore) throws -> [String: Entry] {
        let volume = try Ext4Volume(store, name: "after", time: 1)
        var found: [String: Entry] = [:]
        func walk(_ path: String) throws {
            for name in try volume.list(path.isEmpty ? "/" : path) ?? [] {
                let below = "\(path)/\(name)"
                guard let entry = try volume.entry(at: below) else { continue }
                found[below] = Entry(
                    kind: entry.kind, mode: entry.mode, user: entry.user,
                    contents: entry.kind == .file ? try volume.read(below) : nil)
                if entry.kind == .directory { try walk(below) }
            }
        }
        try walk("")
        return found
    }

    struct Entry: Equatable {
        let kind: TreeEntry.Kind
        let mode: UInt16
        let user: UInt32
        let contents: [UInt8]?
    }
}
