import Diagnostics
import Filesystems
import Foundation
import Host
import Planning
import Recipes
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Racks

/// A written card that gets new settings, and loses power meanwhile.
@Suite struct EditCutTests {
    private let scratch = ScratchDirectory()
    private static let now: Int64 = 1_790_000_000

    private func change(_ hostname: String, _ more: String, on card: FilePath) async throws -> Reconfiguration {
        let user = InvokingUser(userID: getuid(), groupID: getgid(), home: scratch.path)
        scratch.write("hostname: \(hostname)\n\(more)", to: "\(hostname).yaml")
        let node = try #require(
            try RecipeLoader(user: user, workingDirectory: scratch.path).loadRack(["\(hostname).yaml"]).nodes.first)
        return try await Reconfiguration(
            of: node, on: InspectedCard(at: card), in: .placeholders(for: node), secrets: UnreadSecrets(),
            version: "test", now: Self.now, isCancelled: { false })
    }

    private func apply(_ change: Reconfiguration, to card: FilePath) throws {
        try change.apply(
            to: ImageFile(opening: card, writable: true), table: PartitionTable.read(card), time: Self.now,
            dropCache: {})
    }

    private struct Entry: Equatable {
        let kind: TreeEntry.Kind
        let numbers: [Int64]

        init(_ entry: TreeEntry) {
            kind = entry.kind
            numbers = [Int64(entry.mode), Int64(entry.user), Int64(entry.group)]
        }
    }

    /// The files of both partitions, with the root's journal replayed.
    private struct State: Equatable {
        var boot: [String: [UInt8]] = [:]
        var root: [String: Entry] = [:]
        var rootFiles: [String: [UInt8]] = [:]
        var note: Bool { boot[Self.note] != nil }
        static let note = "piflash/card-unfinished.json"
        static let record = "piflash/card.json"

        func differences(from other: State) -> [String] {
            let paths = Set(boot.keys).union(other.boot.keys).filter { boot[$0] != other.boot[$0] }
            return paths.sorted()
                + Set(root.keys).union(other.root.keys).filter {
                    root[$0] != other.root[$0] || rootFiles[$0] != other.rootFiles[$0]
                }
        }

        init(_ card: FilePath) throws {
            let table = try PartitionTable.read(card)
            let overlay = Overlay(over: try ImageFile(opening: card))
            let range = try #require(table.partitions.last?.range)
            try Ext4Volume.recovery(of: overlay, volumeAt: range)?.apply(to: overlay)
            let volume = try Ext4Volume(Window(overlay, range: range, name: "root"), name: "root", time: 1)
            #expect(volume.problem == nil)
            func walkRoot(_ path: String) throws {
                for name in try volume.list(path.isEmpty ? "/" : path) ?? [] {
                    let below = "\(path)/\(name)"
                    let entry = try volume.entry(at: below)
                    root[below] = entry.map(Entry.init)
                    if entry?.kind == .file { rootFiles[below] = try volume.read(below) }
                    if entry?.kind == .directory { try walkRoot(below) }
                }
            }
            try walkRoot("")
            let files = try BootVolume.open(overlay, table: table, at: 1)
            func walkBoot(_ path: String) throws {
                for entry in try files.list(path) ?? [] {
                    let below = path.isEmpty ? entry.name : "\(path)/\(entry.name)"
                    if entry.isDirectory { try walkBoot(below) } else { boot[below] = try files.read(below) }
                }
            }
            try walkBoot("")
        }
    }

    @Test(arguments: [SampleImage.raspbianJessie, .hypriot])
    func `cut anywhere, the root is old or new, the record is true, and the next edit ends as if nothing had happened`(
        _ image: SampleImage
    ) async throws {
        let card = scratch["card.img"]
        try image.make(at: card)
        try apply(
            try await change("red01", "first_boot: { files: [{ path: /etc/red, content: red }] }\n", on: card), to: card
        )
        let start = scratch.read("card.img")
        let old = try State(card)
        #expect(!old.note)

        let wanted = "first_boot: { run: ['echo navy'], files: [{ path: /etc/navy, content: navy }] }\n"
        let edit = try await change("navy01", wanted, on: card)
        #expect(!edit.changedFiles.isEmpty && !edit.changedRootFiles.isEmpty)
        let medium = VolatileStore(start)
        try edit.apply(to: medium, table: PartitionTable.read(card), time: Self.now, dropCache: {})
        let after = scratch["after.img"]
        try medium.contents.write(to: after)
        let new = try State(after)
        #expect(!new.note && new.root != old.root && new.boot != old.boot)

        let another = "first_boot: { files: [{ path: /etc/green, content: green }] }\n"
        let other = scratch["other.img"]
        scratch.write(start, to: "other.img")
        try apply(try await change("green01", another, on: other), to: other)
        let third = try State(other)
        // Files of the recipe itself stay when it no longer names them, so it matters which edit came before.
        let later = scratch["later.img"]
        try medium.contents.write(to: later)
        try apply(try await change("green01", another, on: later), to: later)
        let fourth = try State(later)

        var moments = 0
        let cut = scratch["cut.img"]
        for (number, moment) in medium.cuts(seed: 4, random: 1).enumerated() {
            try moment.contents.write(to: cut)
            let seen = try State(cut)
            #expect(seen.root == old.root || seen.root == new.root, "\(moment)")
            #expect(seen.rootFiles == old.rootFiles || seen.rootFiles == new.rootFiles, "\(moment)")
            for path in Set(old.boot.keys).union(new.boot.keys) {
                #expect(seen.boot[path] == old.boot[path] || seen.boot[path] == new.boot[path], "\(moment): \(path)")
            }
            var files = seen.boot
            files[State.note] = nil
            if seen.boot[State.record] == new.boot[State.record] {
                #expect(files == new.boot && seen.root == new.root, "\(moment): a record of what is not there")
            } else if files != old.boot || seen.root != old.root {
                #expect(try InspectedCard(at: cut).unfinishedNode == "navy01", "\(moment)")
            }
            guard moment.description.hasSuffix("follows") || number % 9 == 0 else { continue }
            moments += 1
            // The same recipe again, or another one.
            let isSame = moments % 2 == 0
            let next = try await isSame ? change("navy01", wanted, on: cut) : change("green01", another, on: cut)
            try apply(next, to: cut)
            let end = try State(cut)
            let isAsWanted = isSame ? end == new : end == (seen.root == old.root ? third : fourth)
            #expect(
                isAsWanted,
                "\(moment), \(isSame ? "again" : "with another recipe"): \(end.differences(from: isSame ? new : fourth))"
            )
        }
        #expect(moments > 20)
    }
}
