import Diagnostics
import Images
import Testing

@Suite struct DetectionTests {
    static func boot(_ label: String?, _ files: [String: String]) -> BootSnapshot {
        BootSnapshot(
            label: label, names: Set(files.keys.map { $0.contains("/") ? String($0.prefix { $0 != "/" }) + "/" : $0 }),
            files: files.mapValues { Array($0.utf8) })
    }

    static let seed = ["user-data": "#cloud-config\n", "meta-data": "instance-id: x\n", "cmdline.txt": "rootwait"]
    static let hypriotRelease = "HYPRIOT_OS=\"HypriotOS/armhf\"\nHYPRIOT_IMAGE_VERSION=\"v1.10.0\"\n"

    @Test func `HypriotOS is told with its Docker and its architecture`() throws {
        let profile = try OSProfile.detect(
            Self.boot("HypriotOS", Self.seed.merging(["os-release": Self.hypriotRelease]) { $1 }))
        #expect(
            profile
                == OSProfile(
                    flavour: .hypriotCloudInit, release: "v1.10.0", bootMountPoint: "/boot", dockerVersion: "18.06.3",
                    architecture: "armv7"))
    }

    @Test func `a rebuilt HypriotOS without os-release is told by its label`() throws {
        #expect(try OSProfile.detect(Self.boot("HypriotOS", Self.seed)).flavour == .hypriotCloudInit)
    }

    @Test func `Raspberry Pi OS trixie is told by pi-gen's note or by its meta-data`() throws {
        let issue = "Raspberry Pi reference 2025-11-24\nGenerated using pi-gen, x, y, stage2\n"
        let byIssue = try OSProfile.detect(Self.boot("bootfs", Self.seed.merging(["issue.txt": issue]) { $1 }))
        #expect(byIssue.flavour == .raspberryPiOSCloudInit)
        #expect(byIssue.release == "2025-11-24")
        #expect(byIssue.bootMountPoint == "/boot/firmware")
        let byMeta = Self.seed.merging(["meta-data": "dsmode: local\ninstance_id: rpios-image\n"]) { $1 }
        #expect(try OSProfile.detect(Self.boot("bootfs", byMeta)).flavour == .raspberryPiOSCloudInit)
    }

    @Test func `a card that piflash configured is told by its record`() throws {
        let record = #"{"node":"red01","flavour":"raspberry-pi-os-cloud-init"}"#
        let boot = Self.boot("bootfs", Self.seed.merging(["piflash/card.json": record]) { $1 })
        #expect(try OSProfile.detect(boot).flavour == .raspberryPiOSCloudInit)
    }

    @Test func `Ubuntu's command line is found where its release keeps it`() throws {
        let old = try OSProfile.detect(Self.boot("system-boot", Self.seed))
        #expect(old.flavour == .ubuntuCloudInit)
        #expect(old.cmdlinePath == "cmdline.txt")
        let new = try OSProfile.detect(
            Self.boot("system-boot", ["user-data": "", "meta-data": "", "current/cmdline.txt": "root=LABEL=writable"]))
        #expect(new.cmdlinePath == "current/cmdline.txt")
    }

    static let issue = "Raspberry Pi reference 2024-07-04\nGenerated using pi-gen, x, y, stage2\n"
    static let unsupported: [(BootSnapshot, String)] = [
        (boot("HypriotOS", ["device-init.yaml": "", "os-release": hypriotRelease]), "device-init"),
        (boot(nil, ["occidentalis.txt": "", "cmdline.txt": ""]), "HypriotOS of 2015"),
        (boot(nil, ["dietpi.txt": ""]), "DietPi"), (boot("RASPIFIRM", ["sysconf.txt": ""]), "Debian"),
        (boot(nil, ["apks/x": "", ".alpine-release": ""]), "Alpine"), (boot("EFI-SYSTEM", ["EFI/x": ""]), "Fedora"),
        (boot("bootfs", ["issue.txt": issue, "cmdline.txt": "rootwait resize"]), "trixie of 2024-07-04 without"),
        (
            boot("bootfs", ["issue.txt": issue, "cmdline.txt": "quiet init=/usr/lib/raspberrypi-sys-mods/firstboot"]),
            "bookworm"
        ),
        (boot("boot", ["issue.txt": issue, "cmdline.txt": "init=/usr/lib/raspi-config/init_resize.sh"]), "Raspbian"),
        (boot("boot", ["issue.txt": issue, "cmdline.txt": "rootwait"]), "has booted already"),
        (boot("boot", ["bootcode.bin": ""]), "does not know"), (boot(nil, [:]), "nothing on the boot partition"),
    ]

    @Test(arguments: unsupported.indices)
    func `what cannot be configured is refused by name`(_ index: Int) {
        let (boot, name) = Self.unsupported[index]
        let failure = #expect(throws: Failure.self) { try OSProfile.detect(boot) }
        #expect(failure?.code == .unsupportedFlavour)
        #expect(failure?.severity == .refused)
        #expect(failure?.message.contains(name) == true, "\(failure?.message ?? "")")
    }
}
