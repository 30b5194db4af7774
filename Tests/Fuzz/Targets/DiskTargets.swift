import Diagnostics
import Storage
import Systems
import SystemPackage
import TestSupport
import Text

@testable import Filesystems

/// Partition tables and file systems.
extension FuzzTarget {
    static let disks = [partitionTable, exFAT, fat, fatEdit, ext4, ext4Edit]

    /// An MBR, a GPT, or a first sector of any bytes, on a disk of 1 MiB.
    private static let partitionTable = FuzzTarget("partition-table", mutations: 80, words: ["EFI PART", "U\u{AA}"]) {
        bytes in
        var input = FuzzInput(bytes)
        let kind = input.byte()
        var disk: [UInt8]
        switch kind & 3 {
        case 0: disk = input.bytes(4096)
        case 1: disk = SampleDisks.mbr
        case 2: disk = SampleDisks.logical
        default: disk = SampleDisks.gpt
        }
        for patch in PatchedDisk(disk).patches(&input) { disk.replace(patch.place, patch.bytes) }
        if kind & 3 == 3, kind & 0x80 == 0 { Checksums.repairGPT(&disk) }
        let file = try memoryFile(disk, size: 1 << 20)
        defer { try? file.close() }
        guard let table = try answer({ try PartitionTable.read(file, path: "disk") }) else { return }
        for partition in table.partitions {
            try require(
                partition.range.lowerBound >= 0 && partition.range.upperBound <= 1 << 20 && !partition.range.isEmpty,
                "partition \(partition.number) is \(partition.range)")
        }
        let store = MemoryStore(disk + [UInt8](repeating: 0, count: (1 << 20) - disk.count))
        let used = UsedBlocks(of: store, table: table)
        try require(
            used.ranges.ranges.allSatisfy { (0...store.size).contains($0.upperBound) }, "used blocks past the end")
        _ = used.areas.map(\.description)
    }

    private static let exFAT = FuzzTarget("exfat") { bytes in
        var disk = bytes + [UInt8](repeating: 0, count: max(0, 8192 - bytes.count))
        disk.replace(3, Array("EXFAT   ".utf8))
        _ = try answer { try ExFATRoot.names(in: MemoryStore(disk)) }
    }

    // MARK: FAT

    /// Reads all of a volume.
    private static let fat = FuzzTarget("fat", mutations: 15, words: ["FAT16   ", "FAT32   ", "RRaA", "rrAa"]) {
        bytes in
        var input = FuzzInput(bytes)
        let store = try SampleDisks.patchedFAT(&input)
        _ = try answer { try FATFreeSpace(of: store).ranges }
        guard let volume = try answer({ try FATVolume(store, name: "volume", modified: time) }) else { return }
        _ = volume.label
        try walk(volume)
        _ = try answer { try BootSnapshot(of: volume) }
    }

    /// Changes files through an overlay and carries them to the medium. What was written is there, or nothing has changed.
    private static let fatEdit = FuzzTarget("fat-edit", mutations: 15) { bytes in
        var input = FuzzInput(bytes)
        let path = ["piflash/card.json", "CMDLINE.TXT", "a/b/long file name.txt", "user-data"][input.byte() & 3]
        let contents = [UInt8](repeating: UInt8(input.byte()), count: input.number(bytes: 2))
        let store = try SampleDisks.patchedFAT(&input)
        let before = store.contents
        let overlay = Overlay(over: store)
        let edited: Void? = try answer {
            var volume = try FATVolume(overlay, name: "volume", modified: time)
            try volume.write(contents, to: path)
            try require(try volume.read(path) == contents, "\(path) does not read back from the volume")
            try volume.remove("config.txt")
            try require(try volume.read("config.txt") == nil, "config.txt is there after its removal")
        }
        try require(store.contents == before, "the medium changed before the commit")
        guard edited != nil else { return }
        let committed: Void? = try answer {
            try FATVolume.commit(overlay, volumeAt: 0..<store.size, to: store)
            let volume = try FATVolume(store, name: "volume", modified: time)
            try require(try volume.read(path) == contents, "\(path) does not read back from the medium")
        }
        try require(committed != nil, "a volume that was edited cannot be committed")
    }

    private static let time = FATTimestamp(secondsSince1970: 1_770_000_000)

    private static func walk(_ volume: FATVolume) throws {
        var left = 200
        var directories = [""]
        while let directory = directories.popLast(), left > 0 {
            for entry in try answer({ try volume.list(directory) ?? [] }) ?? [] {
                left -= 1
                guard left > 0 else { break }
                let path = directory.isEmpty ? entry.name : "\(directory)/\(entry.name)"
                if entry.isDirectory { directories.append(path) } else { _ = try answer { try volume.read(path) } }
            }
        }
    }

    // MARK: ext4

    private static let ext4 = FuzzTarget("ext4", mutations: 15) { bytes in
        var input = FuzzInput(bytes)
        let store = try SampleDisks.patchedExt4(&input)
        _ = try answer { try Ext4FreeSpace(of: store).ranges }
        _ = try answer {
            try Ext4Volume.recovery(of: store, volumeAt: 0..<store.size)?.apply(to: Overlay(over: store))
        }
        guard let volume = try answer({ try Ext4Volume(store, name: "volume", time: 1_770_000_000) }) else { return }
        _ = volume.label
        _ = volume.freeBytes
        var left = 100
        var directories = ["/"]
        while let directory = directories.popLast(), left > 0 {
            for name in try answer({ try volume.list(directory) ?? [] }) ?? [] where name != "." && name != ".." {
                left -= 1
                guard left > 0 else { break }
                let path = "\(directory)/\(name)"
                guard let entry = try answer({ try volume.entry(at: path) }) ?? nil else { continue }
                if entry.kind == .directory { directories.append(path) }
                _ = try answer { try volume.read(path) }
            }
        }
        _ = try answer { try RootSnapshot(of: volume) }
    }

    /// What was written is there, or nothing has changed.
    private static let ext4Edit = FuzzTarget("ext4-edit", mutations: 15) { bytes in
        var input = FuzzInput(bytes)
        let contents = [UInt8](repeating: UInt8(input.byte()), count: input.number(bytes: 2))
        let store = try SampleDisks.patchedExt4(&input)
        let before = store.contents
        let overlay = Overlay(over: store)
        let changes = [
            TreeChange(.file(contents: contents, mode: 0o640), at: "/etc/motd"),
            TreeChange(.symbolicLink(target: "/etc/motd"), at: "/etc/rc"),
            TreeChange(.directory(mode: 0o700), at: "/var/lib/piflash"), TreeChange(.removal, at: "/etc/hostname"),
        ]
        let edited = try answer {
            try Ext4Volume.apply(changes, to: overlay, name: "volume", time: 1_770_000_000)
        }
        try require(store.contents == before, "the medium changed before the commit")
        guard edited != nil else { return }
        let committed: Void? = try answer {
            try Ext4Volume.commit(overlay, volumeAt: 0..<store.size, to: store)
        }
        guard committed != nil else {
            return try require(store.contents == before, "a commit that is refused changed the medium")
        }
        let read = try answer { try Ext4Volume(store, name: "volume", time: 1_770_000_000).read("/etc/motd") }
        try require(read == .some(contents), "/etc/motd does not read back")
    }
}

extension [UInt8] {
    /// Puts `bytes` at `place`, as far as there is room.
    mutating func replace(_ place: Int, _ bytes: [UInt8]) {
        guard place < count else { return }
        let part = bytes.prefix(count - place)
        replaceSubrange(place..<place + part.count, with: part)
    }
}
