import Systems
import Diagnostics
import Filesystems
import Planning
import Images
import Storage
import SystemPackage
import TestSupport
import Testing

@Suite struct RootVolumeTests {
    let scratch = ScratchDirectory()

    /// Partitions of 10 bytes, one after the other, with these file systems.
    static func table(_ filesystems: String?..., kind: PartitionTable.Kind = .mbr) -> PartitionTable {
        PartitionTable(
            kind: kind,
            partitions: filesystems.enumerated().map { index, type in
                PartitionTable.Partition(
                    number: index + 1, range: Int64(index * 10)..<Int64(index * 10 + 10), type: "0x83",
                    filesystem: type.map {
                        FilesystemSignature(type: $0, version: nil, label: "label\(index + 1)", uuid: "AB-\(index + 1)")
                    })
            })
    }

    @Test(
        arguments: [
            ("root=/dev/mmcblk0p3", 3), ("root=/dev/sda3 rw", 3), ("root=/dev/nvme0n1p2", 2), ("root=LABEL=label3", 3),
            ("quiet root=PARTUUID=7ee80803-03", 3), ("root=UUID=ab-3", 3), ("root=/dev/sda2 root=/dev/sda3", 3),
            // If it names no existing partition, it is the first one behind the boot partition.
            ("root=/dev/mmcblk0p7", 2), ("root=/dev/mmcblk0", 2), ("root=LABEL=x", 2), ("root=", 2), ("", 2),
            ("root=PARTUUID=x", 2),
        ])
    func `the root partition is the one that the kernel would mount`(_ command: String, _ number: Int) {
        let finding = RootVolume.find(in: Self.table("vfat", "ext4", "ext4"), commandLine: command)
        #expect(finding.partition?.number == number)
    }

    @Test func `a root partition with another file system counts as missing, with the reason`() {
        let named = RootVolume.find(in: Self.table("vfat", "btrfs", "ext4"), commandLine: "root=/dev/sda2")
        #expect(named == .missing(reason: "partition 2 holds btrfs, which piflash does not read"))
        let guessed = RootVolume.find(in: Self.table("vfat", "f2fs"), commandLine: nil)
        #expect(guessed == .missing(reason: "partition 2 holds f2fs, which piflash does not read"))
        #expect(RootVolume.find(in: Self.table("vfat", nil), commandLine: nil).partition == nil)
        #expect(RootVolume.find(in: Self.table("vfat"), commandLine: nil).partition == nil)
        #expect(RootVolume.find(in: Self.table("ext4"), commandLine: nil).partition == nil)
        // In a GPT, a PARTUUID does not contain the number.
        let gpt = Self.table("vfat", "ext4", "ext4", kind: .gpt)
        #expect(RootVolume.find(in: gpt, commandLine: "root=PARTUUID=7ee80803-03").partition?.number == 2)
    }

    @Test func `a root partition that was not unmounted is read, a damaged one is not`() throws {
        let path = scratch["sample.img"]
        try SampleImage.raspbianWheezy.make(at: path)
        let image = Overlay(over: try ImageFile(opening: path))
        let table = try PartitionTable.read(path)
        let boot = try BootSnapshot(of: BootVolume.open(image, table: table, at: 0))
        let whole = try InspectedRoot(of: image, table: table, boot: boot)
        #expect(whole.problem == nil)
        #expect(whole.snapshot?.entries["/etc/shadow"]?.mode == 0o640)
        #expect(whole.snapshot?.entries["/etc/shadow"]?.group == 42)
        #expect(whole.snapshot?.packages["sysvinit"] != nil)
        let start = try #require(whole.partition?.range.lowerBound)
        // s_state of the superblock: not unmounted cleanly.
        let dirty = Overlay(over: image)
        try dirty.write([0, 0], at: start + 1024 + 0x3A)
        let used = try InspectedRoot(of: dirty, table: table, boot: boot)
        #expect(used.snapshot?.entries == whole.snapshot?.entries)
        #expect(
            used.problem
                == "the root partition cannot be edited: it was not unmounted cleanly "
                + "(boot the card and shut it down cleanly, or write it again)")
        #expect(used.snapshot?.problem == used.problem)
        // s_inodes_per_group of the superblock.
        try image.write([0xFF, 0xFF, 0xFF, 0xFF], at: start + 1024 + 0x28)
        let damaged = try InspectedRoot(of: image, table: table, boot: boot)
        #expect(damaged.snapshot == nil)
        #expect(damaged.problem?.isEmpty == false)
        #expect(throws: Failure.self) { try OSProfile.detect(boot, root: damaged.snapshot) }
    }
}
