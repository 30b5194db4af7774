import Filesystems
import Foundation
import Images
import Storage
import SystemPackage
import Systems
import TestSupport
import Testing

@testable import Planning

/// A card that cannot boot is not called done.
@Suite struct BootProblemsTests {
    let scratch = ScratchDirectory()

    private func problems(_ path: FilePath) throws -> [String] {
        let store = Overlay(over: try ImageFile(opening: path))
        let table = try PartitionTable.read(path)
        let boot = try BootSnapshot(of: BootVolume.open(store, table: table, at: 0))
        let root = try InspectedRoot(of: store, table: table, boot: boot)
        return try BootProblems(of: store, table: table, boot: boot, root: root.snapshot).texts
    }

    private func tool(_ words: String...) throws {
        let result = try OutsideTool(words[0]).run(Array(words.dropFirst()), environment: ["MTOOLS_SKIP_CHECK": "1"])
        #expect(result.succeeded, "\(words): \(result.errors)\(result.text)")
    }

    /// Puts `text` into a file of the boot partition.
    private func put(_ text: String, _ name: String, in image: FilePath) throws {
        try tool(
            "mcopy", "-o", "-i", "\(image)@@\(SampleImage.bootStart)", scratch.write(text, to: "new").string,
            "::\(name)")
    }

    @Test(arguments: SampleImage.allCases)
    func `a vendor's image has none of them`(_ sample: SampleImage) throws {
        try sample.make(at: scratch["card.img"])
        #expect(try problems(scratch["card.img"]) == [])
    }

    @Test func `another signature of the disk is found in the command line and in fstab, with both values`() throws {
        let image = scratch["card.img"]
        try SampleImage.bookworm.make(at: image)
        try tool("sfdisk", "--disk-id", image.string, "0x12345678")
        let found = try problems(image)
        #expect(
            found == [
                "cmdline.txt has root=PARTUUID=7ee80803-02, but the PARTUUIDs of its partitions are 12345678-01, 12345678-02",
                "/etc/fstab mounts PARTUUID=7ee80803-01 at /boot/firmware, but the PARTUUIDs of its partitions are 12345678-01, 12345678-02",
                "/etc/fstab mounts PARTUUID=7ee80803-02 at /, but the PARTUUIDs of its partitions are 12345678-01, 12345678-02",
            ])
    }

    @Test(
        arguments: [
            ("root=/dev/mmcblk0p3", "cmdline.txt has root=/dev/mmcblk0p3, but its partitions are 1, 2"),
            ("root=LABEL=writable", "the labels of its partitions are boot, rootfs"), ("root=/dev/sda2", nil),
            ("root=LABEL=rootfs", nil), ("root=UUID=3E3B1D6E-0000-4000-8000-00007ee80803", nil),
            ("root=UUID=3e3b1d6e-0000-4000-8000-000000000000", "but the UUIDs of its partitions are"),
            ("root=PARTUUID=7EE80803-02 rootwait", nil), ("root=/dev/nfs nfsroot=10.0.0.1:/x", nil),
            ("root=/dev/mapper/vg-root", nil), ("root=/dev/sda7 root=/dev/sda2", nil), ("", "cmdline.txt is empty"),
        ] as [(String, String?)])
    func `what root= names is on the image`(_ line: String, _ problem: String?) throws {
        let image = scratch["card.img"]
        try SampleImage.raspbianStretch.make(at: image)
        try put(line + "\n", "cmdline.txt", in: image)
        let found = try problems(image)
        #expect(found.count == (problem == nil ? 0 : 1), "\(found)")
        if let problem { #expect(found.first?.contains(problem) == true, "\(found)") }
    }

    @Test func `an ext4 that is larger than its partition is found, with both sizes`() throws {
        let image = scratch["card.img"]
        try SampleImage.bookworm.make(at: image)
        let store = try ImageFile(opening: image)
        let root = try #require(try PartitionTable.read(image).partitions.last)
        #expect(try Ext4Size.claimed(in: store, at: root.range.lowerBound) == Int64(root.range.count))
        // The partition ends 4 MiB earlier.
        try tool("sh", "-c", "printf ',%d\\n' \(root.range.count / 512 - 8192) | sfdisk -q -N 2 --no-reread \(image)")
        let found = try problems(image)
        #expect(found.count == 1)
        #expect(found.first?.contains("has \(root.range.count) bytes") == true, "\(found)")
        #expect(
            found.first?.contains("the partition only \(root.range.count - 4 << 20)") == true
                || found.first?.contains("the partition only \(root.range.count - (4 << 20))") == true, "\(found)")
    }

    @Test func `a boot partition without the firmware of any Pi, or without a kernel, is found`() throws {
        let image = scratch["card.img"]
        try SampleImage.bookworm.make(at: image)
        let drive = "\(image)@@\(SampleImage.bootStart)"
        try tool("mdel", "-i", drive, "::start.elf")
        #expect(try problems(image).first?.contains("found bootcode.bin; a Pi 1 to 3 needs") == true)
        // A Pi 4 and a Pi 5 need other files.
        try put("x", "start4.elf", in: image)
        #expect(try problems(image) == [])
        try tool("mdel", "-i", drive, "::start4.elf", "::bootcode.bin")
        try put("x", "bcm2712-rpi-5-b.dtb", in: image)
        #expect(try problems(image) == [])
        try put("[all]\nkernel=vmlinuz-6.1 # mine\n", "config.txt", in: image)
        #expect(try problems(image) == ["config.txt names the kernel vmlinuz-6.1, which is not on the boot partition"])
        try put("[all]\n", "config.txt", in: image)
        try tool("mdel", "-i", drive, "::kernel8.img", "::kernel_2712.img")
        #expect(try problems(image).first?.hasPrefix("the boot partition has no kernel") == true)
    }

    @Test func `an init program that is not there is found`() throws {
        let image = scratch["card.img"]
        try SampleImage.bookworm.make(at: image)
        let root = try #require(try PartitionTable.read(image).partitions.last).range.lowerBound
        try tool("debugfs", "-w", "-R", "rm /usr/lib/raspberrypi-sys-mods/firstboot", "\(image)?offset=\(root)")
        #expect(
            try problems(image) == [
                "cmdline.txt has init=/usr/lib/raspberrypi-sys-mods/firstboot, but that program is not in the root partition"
            ])
    }
}
