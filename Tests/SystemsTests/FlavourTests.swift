import Systems
import Diagnostics
import Testing

/// One row per kind of image that the vendors have published, with and without its root partition.
@Suite struct FlavourTests {
    struct Row: Sendable {
        let boot: BootSnapshot
        var root: RootSnapshot?
        let flavour: OSProfile.Flavour
        let mount: String
        var booted: Bool?
    }

    static let resizing = "quiet init=/usr/lib/raspi-config/init_resize.sh"
    static let firstBoot = "quiet init=/usr/lib/raspberrypi-sys-mods/firstboot"

    static func boot(
        _ label: String?, _ command: String, issue: String? = nil, _ files: [String: String] = [:]
    ) -> BootSnapshot {
        var all = files.merging(["cmdline.txt": command + "\n", "bootcode.bin": ""]) { $1 }
        all["issue.txt"] = issue.map { "Raspberry Pi reference \($0)\nGenerated using pi-gen, x, y, stage2\n" }
        return DetectionTests.boot(label, all)
    }

    static func root(
        _ codename: String, id: String = "raspbian", systemd: String? = nil, _ packages: [String: String] = [:],
        _ entries: [String: RootSnapshot.Entry] = [:]
    ) -> RootSnapshot {
        let release = "ID=\(id)\nVERSION_CODENAME=\(codename)\n"
        var all = entries.merging(["/etc/os-release": file(release)]) { $1 }
        if systemd != nil { all["/sbin/init"] = .init(.symbolicLink(target: "/lib/systemd/systemd")) }
        return RootSnapshot(entries: all, packages: packages.merging(systemd.map { ["systemd": $0] } ?? [:]) { $1 })
    }

    static func file(_ text: String) -> RootSnapshot.Entry { .init(.file(contents: Array(text.utf8))) }

    static let hypriot = "HYPRIOT_OS=\"HypriotOS/armhf\"\nHYPRIOT_IMAGE_VERSION=\"v1.6.0\"\n"
    static let initramfs = ["config.txt": "dtparam=audio=on\r\nauto_initramfs=1\r\n"]
    static let seed = ["user-data": "#cloud-config\n", "meta-data": "instance-id: x\n"]
    static let vendorSeed = ["user-data": "#cloud-config\n", "meta-data": "instance_id: rpios-image\n"]

    static let rows: [String: Row] = [
        "HypriotOS 2015": Row(
            boot: boot(nil, "+dwc_otg.lpm_enable=0 root=/dev/mmcblk0p2", ["occidentalis.txt": "hostname=black-pearl"]),
            flavour: .hypriotOccidentalis, mount: "/boot"),
        "HypriotOS 2015, its file deleted": Row(
            boot: boot(nil, "root=/dev/mmcblk0p2"),
            root: root("wheezy", [:], ["/etc/hypriot_release": file("image_build: 20150416-201537\n")]),
            flavour: .hypriotOccidentalis, mount: "/boot", booted: false),
        "HypriotOS 1.6": Row(
            boot: boot("HypriotOS", "rootwait", ["device-init.yaml": "", "os-release": hypriot]),
            flavour: .hypriotDeviceInit, mount: "/boot"),
        "HypriotOS 1.6, its file deleted": Row(
            boot: boot("HypriotOS", "rootwait"),
            root: root("jessie", [:], ["/usr/local/bin/device-init": file("")]),
            flavour: .hypriotDeviceInit, mount: "/boot"),
        "HypriotOS 1.12": Row(
            boot: boot("HypriotOS", resizing, seed), flavour: .hypriotCloudInit, mount: "/boot", booted: false),
        "HypriotOS 1.12 with an older one's file": Row(
            boot: boot("HypriotOS", "rootwait", seed.merging(["device-init.yaml": ""]) { $1 }),
            root: root(
                "buster", ["cloud-init": "20.2-2"], ["/var/lib/cloud/instance": .init(.symbolicLink(target: "x"))]),
            flavour: .hypriotCloudInit, mount: "/boot", booted: true),
        "Raspbian wheezy": Row(
            boot: boot("boot", "root=/dev/mmcblk0p2"), root: root("wheezy", ["sysvinit": "2.88dsf-41"]),
            flavour: .raspbian, mount: "/boot"),
        "Raspbian jessie": Row(
            boot: boot("boot", resizing, issue: "2017-07-05"), flavour: .raspbian, mount: "/boot", booted: false),
        "Raspbian stretch": Row(
            boot: boot("boot", resizing, issue: "2018-11-13"), flavour: .raspbian, mount: "/boot", booted: false),
        "Raspbian stretch, booted": Row(
            boot: boot("boot", "rootwait", issue: "2018-11-13"), root: root("stretch", systemd: "232-25+deb9u14"),
            flavour: .raspbian, mount: "/boot", booted: true),
        "buster": Row(
            boot: boot("boot", resizing, issue: "2020-02-13"), flavour: .raspberryPiOSFirstRun, mount: "/boot",
            booted: false),
        "buster, late": Row(
            boot: boot("boot", resizing, issue: "2023-05-03"), root: root("buster", systemd: "241-7~deb10u9+rpi1"),
            flavour: .raspberryPiOSFirstRun, mount: "/boot", booted: false),
        "bullseye of 2022-01": Row(
            boot: boot("boot", resizing, issue: "2022-01-28"), flavour: .raspberryPiOSFirstRun, mount: "/boot",
            booted: false),
        "bullseye of 2022-09": Row(
            boot: boot("boot", firstBoot, issue: "2022-09-22"), flavour: .raspberryPiOSCustomTOML, mount: "/boot",
            booted: false),
        "bullseye, booted": Row(
            boot: boot("bootfs", "rootwait", issue: "2023-05-03"), flavour: .raspberryPiOSFirstRun, mount: "/boot",
            booted: true),
        "bookworm": Row(
            boot: boot("bootfs", firstBoot, issue: "2024-07-04", initramfs), flavour: .raspberryPiOSCustomTOML,
            mount: "/boot/firmware", booted: false),
        "bookworm with somebody's seed": Row(
            boot: boot("bootfs", firstBoot, issue: "2025-11-24", initramfs.merging(seed) { $1 }),
            flavour: .raspberryPiOSCustomTOML, mount: "/boot/firmware", booted: false),
        "bookworm, booted": Row(
            boot: boot("bootfs", "rootwait", issue: "2024-07-04", initramfs), flavour: .raspberryPiOSFirstRun,
            mount: "/boot/firmware", booted: true),
        "bookworm, booted, by its root": Row(
            boot: boot("bootfs", "rootwait", issue: "2025-11-24", seed),
            root: root("bookworm", id: "debian", systemd: "252.38-1"),
            flavour: .raspberryPiOSFirstRun, mount: "/boot/firmware", booted: true),
        "trixie of 2025-10-01": Row(
            boot: boot("bootfs", "rootwait resize", issue: "2025-10-01", initramfs), flavour: .raspberryPiOSFirstRun,
            mount: "/boot/firmware", booted: false),
        // Cloud-init is in these, but the first images did not bring its files: nobody knows whether it reads them.
        "trixie of 2025-10-01 with somebody's seed": Row(
            boot: boot("bootfs", "rootwait resize", issue: "2025-10-01", initramfs.merging(seed) { $1 }),
            flavour: .raspberryPiOSFirstRun, mount: "/boot/firmware", booted: false),
        "trixie": Row(
            boot: boot("bootfs", "rootwait resize", issue: "2025-11-24", initramfs.merging(vendorSeed) { $1 }),
            flavour: .raspberryPiOSCloudInit, mount: "/boot/firmware", booted: false),
        "trixie, booted": Row(
            boot: boot("bootfs", "rootwait", issue: "2025-12-04", initramfs.merging(seed) { $1 }),
            flavour: .raspberryPiOSCloudInit, mount: "/boot/firmware", booted: true),
        "a release with too old a systemd": Row(
            boot: boot("boot", resizing, issue: "2020-02-13"), root: root("buster", systemd: "232-25+deb9u14"),
            flavour: .raspbian, mount: "/boot", booted: false),
        "Ubuntu": Row(
            boot: boot("system-boot", "root=LABEL=writable", seed), flavour: .ubuntuCloudInit, mount: "/boot/firmware"),
        "Ubuntu by its root": Row(
            boot: boot("renamed", "rootwait", seed), root: root("noble", id: "ubuntu"), flavour: .ubuntuCloudInit,
            mount: "/boot/firmware", booted: false),
        "DietPi": Row(boot: boot(nil, "rootwait", ["dietpi.txt": ""]), flavour: .dietPi, mount: "/boot/firmware"),
        "DietPi, older": Row(
            boot: boot(nil, "rootwait", ["dietpi.txt": "", "dietpi/x": ""]), flavour: .dietPi, mount: "/boot"),
        "DietPi, by its fstab": Row(
            boot: boot(nil, "rootwait", ["dietpi.txt": ""]),
            root: root(
                "buster", id: "debian", [:], ["/etc/fstab": file("# x\nPARTUUID=1-01 /boot vfat defaults 0 2\n")]),
            flavour: .dietPi, mount: "/boot"),
        "Debian": Row(
            boot: boot("RASPIFIRM", "root=LABEL=RASPIROOT", ["sysconf.txt": ""]), flavour: .debianRaspi,
            mount: "/boot/firmware"),
    ]

    @Test(arguments: rows.keys.sorted())
    func `every flavour is detected`(_ name: String) throws {
        let row = try #require(Self.rows[name])
        let profile = try OSProfile.detect(row.boot, root: row.root)
        #expect(profile.flavour == row.flavour)
        #expect(profile.bootMountPoint == row.mount)
        #expect(profile.hasBooted == row.booted)
    }

    @Test(arguments: OSProfile.Flavour.allCases)
    func `a card that piflash configured keeps its flavour`(_ flavour: OSProfile.Flavour) throws {
        var boot = Self.boot("x", Self.firstBoot)
        boot.files["piflash/card.json"] = Array("{\"flavour\": \"\(flavour.rawValue)\"}".utf8)
        #expect(try OSProfile.detect(boot).flavour == flavour)
        boot.files["cmdline.txt"] = Array("rootwait".utf8)
        let later = try OSProfile.detect(boot).flavour
        #expect(later == (flavour == .raspberryPiOSCustomTOML ? .raspberryPiOSFirstRun : flavour))
    }

    @Test func `a systemd before 240 runs no script of the kernel command line, whatever the record says`() throws {
        var boot = Self.boot("boot", "rootwait", issue: "2018-11-13")
        boot.files["piflash/card.json"] = Array(#"{"flavour": "raspberry-pi-os-firstrun"}"#.utf8)
        #expect(try OSProfile.detect(boot, root: Self.root("stretch", systemd: "232-25")).flavour == .raspbian)
    }

    @Test func `an image of an unknown kind is named by its root partition`() {
        var root = Self.root("n", id: "libreelec")
        root.entries["/etc/os-release"] = Self.file("ID=libreelec\nPRETTY_NAME=\"LibreELEC 12\"\n")
        let boot = Self.boot("LIBREELEC", "quiet")
        let failure = #expect(throws: Failure.self) { try OSProfile.detect(boot, root: root) }
        #expect(failure?.message.contains("LibreELEC 12") == true)
        let blind = #expect(throws: Failure.self) { try OSProfile.detect(boot) }
        #expect(blind?.hint?.contains("root partition") == true)
    }
}
