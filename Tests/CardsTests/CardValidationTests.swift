import Cards
import Diagnostics
import Foundation
import Storage
import SystemPackage
import Testing
import TestSupport

@Suite struct CardValidationTests {
    private func usual() -> FakeSystem {
        let system = FakeSystem()
        system.usualRoot()
        system.usbCard()
        return system
    }

    @Test func `an idle card is accepted`() throws {
        #expect(try usual().codes("sdb") == [])
        let system = usual()
        system.disk("mmcblk0", "179:0", below: FakeSystem.mmc, attributes: ["device/type": "SD", "removable": "0"])
        #expect(try system.codes("mmcblk0") == [])
        system.disk("loop3", "7:3", below: "virtual", attributes: ["loop/backing_file": "/x.img"])
        #expect(try system.codes("loop3") == [])
    }

    @Test func `a card with a mounted partition is refused with its mount points`() throws {
        let system = usual()
        system.mount("8:161", on: "/media/me/boot\\040fs", source: "/dev/sdb1")
        system.mount("8:161", on: "/srv/bound", source: "/dev/sdb1", root: "/sub")
        let found = try system.problems("sdb")
        #expect(found.map(\.code) == [.mounted])
        #expect(found.first?.message == "/dev/sdb is mounted on /media/me/boot fs, /srv/bound")
        #expect(found.first?.hint == "unmount it: `umount '/media/me/boot fs' /srv/bound`")
    }

    @Test func `a card that is mounted without a partition table is refused`() throws {
        let system = usual()
        system.mount("8:16", on: "/mnt", source: "/dev/sdb")
        #expect(try system.codes("sdb") == ["cards.mounted"])
    }

    @Test func `a mount of sdbb says nothing of sdb, nor mmcblk10 of mmcblk1`() throws {
        let system = usual()
        system.usbCard("sdbb", "67:80")
        system.mount("67:801", on: "/mnt", source: "/dev/sdbb1")
        #expect(try system.codes("sdb") == [])
        #expect(try system.codes("sdbb") == ["cards.mounted"])
        for (name, number) in [("mmcblk1", "179:8"), ("mmcblk10", "179:80")] {
            system.disk(name, number, below: FakeSystem.mmc + name)
            system.partition(name + "p1", number + "1", of: name, index: 1)
        }
        system.mount("179:801", on: "/mnt2", source: "/dev/mmcblk10p1")
        #expect(try system.codes("mmcblk1") == [])
        #expect(try system.codes("mmcblk10") == ["cards.mounted"])
    }

    @Test func `a btrfs mount, which has a virtual device number, is found by the mounted device`() throws {
        let system = usual()
        system.mount("0:47", on: "/mnt/pool", source: "/dev/sdb1")
        #expect(try system.codes("sdb") == ["cards.mounted"])
        system.alias("/dev/disk/by-label/pool", to: "/dev/sdb1")
        let other = usual()
        other.alias("/dev/disk/by-label/pool", to: "/dev/sdb1")
        other.mount("0:47", on: "/mnt/pool", source: "/dev/disk/by-label/pool")
        #expect(try other.codes("sdb") == ["cards.mounted"])
    }

    @Test func `an encrypted partition that is open and mounted is refused as mounted and as held`() throws {
        let system = usual()
        system.stacked("dm-5", "253:5", on: ["sdb1"])
        system.mount("253:5", on: "/mnt/secret", source: "/dev/mapper/secret")
        let found = try system.problems("sdb")
        #expect(found.map(\.code) == [.mounted, .heldDevice])
        #expect(found.last?.message.contains("dm-5") == true)
    }

    @Test func `a member of an array or a volume group is refused while that is assembled`() throws {
        let system = usual()
        system.stacked("md127", "9:127", on: ["sdb"])
        #expect(try system.codes("sdb") == ["cards.held"])
    }

    @Test func `a card that holds swap is refused, also when the swap is a logical volume on it`() throws {
        let system = usual()
        system.swap("/dev/sdb1")
        #expect(try system.codes("sdb") == ["cards.swap"])
        let other = usual()
        other.stacked("dm-1", "253:1", on: ["sdb1"])
        other.alias("/dev/mapper/vg-swap", to: "/dev/dm-1")
        other.swap("/dev/mapper/vg-swap")
        #expect(try other.codes("sdb") == ["cards.swap", "cards.held"])
    }

    @Test func `swap is found by exact name where the device node is missing`() throws {
        let system = usual()
        system.usbCard("sdbb", "67:80")
        let (tree, files) = (system.tree, system.scratch)
        system.swap("/dev/sdbb1")
        _ = system.validation
        let validation = CardValidation(
            tree: tree, use: SystemUse(procfs: files["proc"]), deviceOf: { _ in nil }, numberOf: { _ in nil })
        func codes(_ name: String) throws -> [Failure.Code] {
            validation.problems(of: try #require(tree.facts(name)), imageSize: nil, protecting: []).map(\.code)
        }
        #expect(try codes("sdb") == [])
        #expect(try codes("sdbb") == [.swapDevice])
    }

    @Test func `the system's disk is refused through encryption and LVM, with no advice to unmount it`() throws {
        let system = FakeSystem()
        system.disk("sdb", "8:16", below: FakeSystem.usb)
        system.partition("sdb3", "8:19", of: "sdb", index: 3)
        system.stacked("dm-0", "253:0", on: ["sdb3"])
        system.stacked("dm-1", "253:1", on: ["dm-0"])
        system.mount("253:1", on: "/", source: "/dev/mapper/vg-root")
        #expect(try system.codes("sdb") == ["cards.system-disk", "cards.mounted", "cards.held"])
        let facts = try #require(system.tree.facts("sdb"))
        let failure = #expect(throws: Failure.self) {
            try system.validation.validate(facts, imageSize: nil, protecting: [])
        }
        #expect(failure?.code == .systemDisk)
        #expect(failure?.severity == .refused)
        #expect(failure?.hint?.contains("umount") == false)
        #expect(failure?.message.split(separator: "\n").count == 3)
    }

    @Test(arguments: ["/boot", "/boot/firmware", "/usr", "/home"])
    func `a disk that holds a part of the system is the system's`(point: String) throws {
        let system = usual()
        system.mount("8:161", on: point, source: "/dev/sdb1")
        #expect(try system.codes("sdb").contains("cards.system-disk"))
    }

    @Test func `the disk with the image, the cache or the recipe is refused by that file's name`() throws {
        let system = usual()
        system.file("/nowhere/pi.img", on: "8:161")
        system.file("/nowhere/recipe.yaml", on: "259:1")
        let found = try system.problems("sdb", protecting: ["/nowhere/pi.img", "/nowhere/recipe.yaml"])
        #expect(found.map(\.code) == [.sourceDisk])
        #expect(found.first?.message == "/dev/sdb holds /nowhere/pi.img")
    }

    @Test func `an image in a btrfs subvolume, whose number is nowhere else, protects its disk`() throws {
        let system = usual()
        system.mount("0:47", on: "/nowhere", source: "/dev/sdb1")
        system.file("/nowhere/sub/pi.img", on: "0:51")
        #expect(try system.codes("sdb", protecting: ["/nowhere/sub/pi.img"]).contains("cards.source-disk"))
        #expect(try !system.codes("sdb", protecting: ["/nowhere2/pi.img"]).contains("cards.source-disk"))
    }

    @Test func `a loop device over the image itself is refused`() throws {
        let system = usual()
        let image = system.scratch.write("x", to: "pi.img")
        try FileManager.default.createSymbolicLink(
            atPath: system.scratch["link.img"].string, withDestinationPath: image.string)
        system.disk("loop3", "7:3", below: "virtual", attributes: ["loop/backing_file": image.string])
        #expect(try system.codes("loop3", protecting: [system.scratch["link.img"]]) == ["cards.source-disk"])
        #expect(try system.codes("loop3", protecting: [system.scratch["other.img"]]) == [])
    }

    @Test func `a card that is too small is refused with both sizes, to the byte`() throws {
        let system = usual()
        #expect(try system.codes("sdb", imageSize: 32 << 30) == [])
        let found = try system.problems("sdb", imageSize: (32 << 30) + 1)
        #expect(found.map(\.code) == [.tooSmall])
        #expect(found.first?.message.contains("34359738368 bytes") == true)
        #expect(found.first?.message.contains("34359738369 bytes") == true)
    }

    @Test(arguments: [
        (["ro": "1"], "storage.write-protected"), (["size": "0"], "storage.no-medium"),
        (["queue/logical_block_size": "4096"], "cards.sector-size"), (["size": "4294967304"], "cards.not-a-card"),
    ])
    func `what the medium is decides`(attributes: [String: String], code: String) throws {
        let system = FakeSystem()
        system.usualRoot()
        system.disk("sdb", "8:16", below: FakeSystem.usb, attributes: attributes)
        #expect(try system.codes("sdb") == [code])
    }

    @Test func `internal disks and soldered memory are never cards`() throws {
        let system = usual()
        system.disk("sda", "8:0", below: FakeSystem.ata)
        system.disk("vdb", "254:16", below: "pci0000:00/0000:00:05.0/virtio2")
        system.disk("sdd", "8:48", below: "pci0000:00/0000:01:00.0/host2/target2:0:0/2:0:0:0")
        system.disk("nvme1n1", "259:7", below: FakeSystem.nvme + "x", parent: "")
        system.disk("mmcblk0", "179:0", below: FakeSystem.mmc, attributes: ["device/type": "MMC"])
        system.disk("mmcblk0boot0", "179:8", below: FakeSystem.mmc + "/block/mmcblk0", parent: "")
        system.disk("dm-9", "253:9", below: "virtual")
        for name in ["sda", "vdb", "sdd", "nvme1n1", "mmcblk0", "mmcblk0boot0", "dm-9"] {
            #expect(try system.codes(name) == ["cards.not-a-card"], "\(name)")
        }
    }

    @Test func `all that speaks against a card is said at once`() throws {
        let system = FakeSystem()
        system.usualRoot()
        system.disk("sdb", "8:16", below: FakeSystem.usb, attributes: ["ro": "1", "queue/logical_block_size": "4096"])
        system.mount("8:16", on: "/mnt", source: "/dev/sdb")
        let facts = try #require(system.tree.facts("sdb"))
        let failure = #expect(throws: Failure.self) {
            try system.validation.validate(facts, imageSize: 64 << 30, protecting: [])
        }
        #expect(failure?.message.split(separator: "\n").count == 4)
        #expect(failure?.hint?.contains("umount /mnt") == true)
        #expect(failure?.hint?.contains("larger card") == true)
    }

    @Test func `when the mounts cannot be read, everything is refused`() throws {
        let system = usual()
        system.loseMounts()
        #expect(try system.codes("sdb") == ["cards.use-unknown"])
    }

    @Test func `a partition is refused and its disk is named`() throws {
        let system = usual()
        let failure = #expect(throws: Failure.self) { try system.validation.disk(at: "/dev/sdb1") }
        #expect(failure?.code == .notAWholeDisk)
        #expect(failure?.hint == "name the whole card: /dev/sdb")
        let missing = #expect(throws: Failure.self) { try system.validation.disk(at: "/dev/sdq") }
        #expect(missing?.code == .noSuchDevice)
    }

    @Test func `a link by identity is followed, and the device it means is shown`() throws {
        let system = usual()
        system.alias("/dev/disk/by-id/usb-Generic", to: "/dev/sdb")
        #expect(try system.validation.disk(at: "/dev/disk/by-id/usb-Generic").path == "/dev/sdb")
    }
}
