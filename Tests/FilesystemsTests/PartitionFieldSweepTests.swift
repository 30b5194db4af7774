import Diagnostics
@testable import Filesystems
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing
import Text

/// Every field of partition tables and of exFAT's boot sector with extreme values, GPT's checksums made right again.
@Suite struct PartitionFieldSweepTests {
    let scratch = ScratchDirectory()

    private func disk(_ script: String) throws -> MemoryStore {
        let path = scratch["disk.img"]
        let made = try OutsideTool("truncate").run(["-s", "12M", path.string])
        #expect(made.succeeded)
        let parted = try OutsideTool("sfdisk").run(["--quiet", path.string], input: Array(script.utf8))
        #expect(parted.succeeded, "\(parted.errors)")
        return MemoryStore(scratch.read("disk.img"))
    }

    /// Reads the table with each extreme value of `field`, which `finish` makes valid.
    private func sweep(
        _ sound: MemoryStore, _ field: DiskField, from base: Int64, finish: (MemoryStore) throws -> Void = { _ in }
    ) throws {
        let path = scratch["disk.img"]
        let file = try ImageFile(opening: path, writable: true)
        let old = try sound.value(of: field, from: base)
        for value in field.extremes(besides: old) {
            let store = MemoryStore(sound.contents)
            try store.set(field, to: value, from: base)
            try finish(store)
            // Tables are in the first and the last MiB, and logical partitions' between.
            for place in [0, base / 512 * 512, sound.size - (64 << 10)] {
                try file.write(store.bytes(at: place, count: 64 << 10), at: place)
            }
            let note: Comment = "byte \(base + field.offset), \(field.size) bytes: \(old) became \(value)"
            let start = ContinuousClock.now
            do throws(Failure) {
                let table = try PartitionTable.read(path)
                for partition in table.partitions {
                    #expect(ByteRanges([0..<file.size]).holds(ByteRanges([partition.range])), note)
                    #expect(partition.number > 0, note)
                }
                let used = UsedBlocks(of: file, table: table)
                #expect(ByteRanges([0..<file.size]).holds(used.ranges), note)
            } catch {
                #expect(error.message.contains("disk.img"), "\(note): \(error)")
            }
            #expect(ContinuousClock.now - start < .seconds(20), note)
            for place in [0, base / 512 * 512, sound.size - (64 << 10)] {
                try file.write(sound.bytes(at: place, count: 64 << 10), at: place)
            }
        }
    }

    @Test func `no value of a field of an MBR, or of a logical partition's record, makes a trap`() throws {
        let sound = try disk(
            "label: dos\nsize=3M,type=c\nsize=6M,type=5\n5 : size=1M,type=83\n6 : size=1M,type=83\n")
        let extended = Int64(try sound.bytes(at: 446 + 16 + 8, count: 4).u32(0)) * 512
        // The four entries: 8 the first sector, 12 how many, 0 whether it is booted, 4 its type.
        let entries = [454, 458, 470, 474, 486, 490, 502, 506]
        let kinds = [446, 450, 462, 466, 478, 482, 494, 498]
        for field in DiskField.fields([440] + entries, 4) + DiskField.fields(kinds, 1) + DiskField.fields([510], 2) {
            try sweep(sound, field, from: 0)
        }
        for field in DiskField.fields(entries, 4) + DiskField.fields(kinds, 1) + DiskField.fields([510], 2) {
            try sweep(sound, field, from: extended)
        }
    }

    @Test func `no value of a field of a GPT's header or entry makes a trap`() throws {
        let sound = try disk("label: gpt\nsize=3M\nsize=4M\n")
        let finish: (MemoryStore) throws -> Void = { store in
            let header = try store.bytes(at: 512, count: 512)
            let (count, size) = (Int(header.u32(80)), Int(header.u32(84)))
            if count * size <= 64 << 10 {
                let entries = try store.bytes(at: 1024, count: count * size)
                try store.write(littleEndian(UInt64(crc32(entries[...])), 4), at: 512 + 88)
            }
            let length = Int(header.u32(12))
            try store.write([0, 0, 0, 0], at: 512 + 16)
            let bytes = try store.bytes(at: 512, count: (92...512).contains(length) ? length : 92)
            try store.write(littleEndian(UInt64(crc32(bytes[...])), 4), at: 512 + 16)
        }
        for field in DiskField.fields([8, 12, 80, 84], 4) + DiskField.fields([24, 32, 40, 48, 56, 72], 8) {
            try sweep(sound, field, from: 512, finish: finish)
        }
        for field in DiskField.fields([0, 16, 32, 40, 48, 56], 8) {
            for entry in [0, 128] as [Int64] { try sweep(sound, field, from: 1024 + entry, finish: finish) }
        }
    }

    @Test func `no value of a field of exFAT's boot sector makes a trap`() throws {
        let path = scratch["card.exfat"]
        let made = try OutsideTool("sh").run([
            "-c", "truncate -s 8M \"$0\" && mkfs.exfat \"$0\"", path.string,
        ])
        #expect(made.succeeded, "\(made.errors)")
        let sound = MemoryStore(scratch.read("card.exfat"))
        #expect(try ExFATRoot.names(in: sound) == [])
        let fields =
            DiskField.fields([80, 84, 88, 92, 96, 100], 4) + DiskField.fields([64, 72], 8)
            + DiskField.fields([104, 106, 510], 2) + DiskField.fields([108, 109, 110, 111, 112], 1)
        for field in fields {
            for value in field.extremes(besides: try sound.value(of: field)) {
                let store = MemoryStore(sound.contents)
                try store.set(field, to: value)
                _ = try ExFATRoot.names(in: store)
                scratch.write(try store.bytes(at: 0, count: 1 << 16), to: "boot.exfat")
                _ = try? FilesystemSignature.probe(scratch["boot.exfat"], range: nil)
                _ = usedBlocks(store, as: "exfat")
            }
        }
    }
}
