import Filesystems
import Foundation
import SystemPackage
import Testing

@testable import Cards
import TestSupport

@Suite struct BlockDeviceTreeTests {
    @Test func `a card in a USB reader is listed with its facts`() throws {
        let system = FakeSystem()
        system.usbCard()
        system.scratch.write("001\n", to: "sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/busnum")
        system.scratch.write("000000001206\n", to: "sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/serial")
        let facts = try #require(system.tree.facts("sdb"))
        #expect(facts.path == "/dev/sdb")
        #expect(facts.number == "8:16")
        #expect(facts.size == 32 << 30)
        #expect(facts.sectorSize == 512)
        #expect(facts.bus == .usb)
        #expect(facts.isRemovable && !facts.isReadOnly && !facts.isBuiltIn)
        #expect(facts.title == "Generic- SD/MMC")
        #expect(facts.serial == "000000001206")
        #expect(facts.partitions.map(\.kernelName) == ["sdb1"])
    }

    @Test func `a card in a built-in reader has its identification register`() throws {
        let system = FakeSystem()
        system.disk(
            "mmcblk0", "179:0", below: FakeSystem.mmc,
            attributes: [
                "device/type": "SD", "device/name": "SC32G", "device/serial": "0x1234abcd",
                "device/cid": "035344534333324780", "removable": "0",
            ])
        let facts = try #require(system.tree.facts("mmcblk0"))
        #expect(facts.bus == .mmc)
        #expect(!facts.isBuiltIn)
        #expect(facts.cid == "035344534333324780")
        #expect(facts.serial == "0x1234abcd")
        #expect(facts.title == "SC32G")
    }

    @Test func `partitions are children with a number, whatever their names look like`() throws {
        let system = FakeSystem()
        system.disk("mmcblk1", "179:8", below: FakeSystem.mmc + "1")
        system.partition("mmcblk1p1", "179:9", of: "mmcblk1", index: 1)
        system.disk("mmcblk10", "179:80", below: FakeSystem.mmc + "10")
        system.partition("mmcblk10p1", "179:81", of: "mmcblk10", index: 1)
        // A child that is a disk of its own, as the boot areas of an eMMC are.
        system.disk("mmcblk1boot0", "179:16", below: FakeSystem.mmc + "1/block/mmcblk1", parent: "")
        #expect(system.tree.facts("mmcblk1")?.partitions.map(\.kernelName) == ["mmcblk1p1"])
        #expect(system.tree.facts("mmcblk10")?.partitions.map(\.kernelName) == ["mmcblk10p1"])
        #expect(system.tree.disks().map(\.kernelName) == ["mmcblk1", "mmcblk10"])
        #expect(system.tree.facts("mmcblk1p1") == nil)
    }

    @Test func `RAM disks, mappers, arrays and unused loop devices are not listed`() {
        let system = FakeSystem()
        for (index, name) in ["ram0", "zram0", "dm-3", "md127", "sr0", "nbd1", "fd0", "loop0"].enumerated() {
            system.disk(name, "1:\(index)", below: "virtual")
        }
        system.disk("loop1", "7:1", below: "virtual", attributes: ["loop/backing_file": "/tmp/two  blanks.img"])
        system.usbCard()
        #expect(system.tree.disks().map(\.kernelName) == ["loop1", "sdb"])
        #expect(system.tree.facts("loop1")?.backingFile == "/tmp/two  blanks.img")
    }

    @Test func `each slot of a reader with several slots is a separate disk, and the empty one has no size`() {
        let system = FakeSystem()
        system.usbCard("sdb", "8:16")
        let second = FakeSystem.usb.replacing("6:0:0:0", with: "6:0:0:1")
        system.disk("sdc", "8:32", below: second, size: 0)
        #expect(system.tree.disks().map(\.kernelName) == ["sdb", "sdc"])
        #expect(system.tree.disks().map(\.size) == [32 << 30, 0])
        #expect(system.tree.disks().allSatisfy { $0.bus == .usb })
    }

    @Test func `the disks below a volume are found through mapper, array and partition`() {
        let system = FakeSystem()
        for (disk, number) in [("sda", "8:0"), ("sdc", "8:32")] {
            system.disk(disk, number, below: FakeSystem.ata + disk)
            system.partition(disk + "2", number + "2", of: disk, index: 2)
        }
        system.stacked("md0", "9:0", on: ["sda2", "sdc2"])
        system.stacked("dm-0", "253:0", on: ["md0"])
        system.stacked("dm-1", "253:1", on: ["dm-0"])
        #expect(system.tree.disks(under: "253:1") == ["sda", "sdc"])
        #expect(system.tree.disks(under: "0:22") == [])
        #expect(system.tree.disks(under: "99:99") == [])
    }

    @Test func `what a device says of itself cannot move the cursor or turn the line`() throws {
        let system = FakeSystem()
        system.disk("sdb", "8:16", below: FakeSystem.usb, attributes: ["device/model": "a\u{1B}[2J\u{202E}b"])
        #expect(system.tree.facts("sdb")?.model == "a[2Jb")
    }

    @Test func `the real system's mounts are all read`() throws {
        // Other tests mount things meanwhile: some time nothing changes between three looks.
        for _ in 0..<200 {
            let before = try OutsideTool("cat").run(["/proc/self/mountinfo"]).text
            let use = SystemUse()
            guard try OutsideTool("cat").run(["/proc/self/mountinfo"]).text == before else { continue }
            #expect(use.isKnown)
            #expect(use.mounts == SystemUse.parse(mountinfo: before))
            return
        }
        Issue.record("the mounts change all the time")
    }

    @Test func `octal escapes in mount points are undone`() throws {
        let system = FakeSystem()
        system.scratch.write(
            "36 35 8:17 / /media/me/My\\040Card\\134 rw,noatime master:1 propagate_from:2 - vfat /dev/sdb1 rw\nshort line\n",
            to: "proc/self/mountinfo")
        let mounts = SystemUse(procfs: system.scratch["proc"]).mounts
        #expect(mounts.map(\.point) == ["/media/me/My Card\\"])
        #expect(mounts.map(\.source) == ["/dev/sdb1"])
    }

    @Test func `the summary of a card names what is on it`() throws {
        let system = FakeSystem()
        system.usbCard()
        let facts = try #require(system.tree.facts("sdb"))
        let signature = FilesystemSignature(type: "vfat", version: "FAT32", label: "boot\u{1B}fs", uuid: nil)
        let table = PartitionTable(
            kind: .mbr,
            partitions: [
                .init(number: 1, range: 4096..<(1 << 20), type: "0xc", filesystem: signature),
                .init(number: 2, range: (1 << 20)..<(3 << 20), type: "0x83", filesystem: nil),
            ])
        let summary = CardContentsSummary(facts, table: { $0 == "/dev/sdb" ? table : nil })
        #expect(
            summary.entries == [
                .init(number: 1, size: (1 << 20) - 4096, filesystem: "vfat", label: "bootfs"),
                .init(number: 2, size: 2 << 20, filesystem: nil, label: nil),
            ])
        #expect(!summary.looksLikeHardDisk)
        #expect(CardContentsSummary(facts, table: { _ in nil }).entries.isEmpty)
        let whole = CardContentsSummary(facts, table: { _ in nil }, filesystem: { _ in signature })
        #expect(whole.entries.map(\.number) == [nil])
        #expect(whole.entries.map(\.size) == [32 << 30])
    }

    @Test func `the request queue is read if the kernel reports it`() {
        let system = FakeSystem()
        system.disk(
            "sdb", "8:16", below: FakeSystem.usb,
            attributes: ["queue/max_sectors_kb": "120", "queue/nr_requests": "2", "queue/optimal_io_size": "0"])
        system.disk("sdc", "8:32", below: FakeSystem.usb)
        #expect(system.tree.queue(of: "sdb") == DeviceQueue(largestRequest: 120 << 10, requests: 2, preferredLength: 0))
        #expect(system.tree.queue(of: "sdc") == nil)
    }
}
