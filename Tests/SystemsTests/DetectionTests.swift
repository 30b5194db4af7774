import Systems
import Diagnostics
import Testing

@Suite struct DetectionTests {
    static func boot(_ label: String?, _ files: [String: String]) -> BootSnapshot {
        BootSnapshot(
            label: label, names: Set(files.keys.map { $0.contains("/") ? String($0.prefix { $0 != "/" }) + "/" : $0 }),
            files: files.mapValues { Array($0.utf8) })
    }

    static let seed = ["user-data": "#cloud-config\n", "meta-data": "instance-id: x\n", "cmdline.txt": "rootwait"]
    static let hypriotRelease = "HYPRIOT_OS=\"HypriotOS/armhf\"\nHYPRIOT_IMAGE_VERSION=\"v1.10.0\"\n"

    @Test func `HypriotOS is detected with its Docker and its architecture`() throws {
        let profile = try OSProfile.detect(
            Self.boot("HypriotOS", Self.seed.merging(["os-release": Self.hypriotRelease]) { $1 }))
        #expect(
            profile
                == OSProfile(
                    flavour: .hypriotCloudInit, release: "v1.10.0", bootMountPoint: "/boot", architecture: "armv7",
                    docker: .init(version: "18.06.3")))
    }

    @Test func `a rebuilt HypriotOS without os-release is detected by its label`() throws {
        #expect(try OSProfile.detect(Self.boot("HypriotOS", Self.seed)).flavour == .hypriotCloudInit)
    }

    @Test func `Raspberry Pi OS trixie is detected by pi-gen's note or by its meta-data`() throws {
        let issue = "Raspberry Pi reference 2025-11-24\nGenerated using pi-gen, x, y, stage2\n"
        let byIssue = try OSProfile.detect(Self.boot("bootfs", Self.seed.merging(["issue.txt": issue]) { $1 }))
        #expect(byIssue.flavour == .raspberryPiOSCloudInit)
        #expect(byIssue.release == "2025-11-24")
        #expect(byIssue.bootMountPoint == "/boot/firmware")
        let byMeta = Self.seed.merging(["meta-data": "dsmode: local\ninstance_id: rpios-image\n"]) { $1 }
        #expect(try OSProfile.detect(Self.boot("bootfs", byMeta)).flavour == .raspberryPiOSCloudInit)
    }

    @Test func `a card that piflash configured is detected by its record`() throws {
        let record = #"{"node":"red01","flavour":"raspberry-pi-os-cloud-init"}"#
        let boot = Self.boot("bootfs", Self.seed.merging(["piflash/card.json": record]) { $1 })
        #expect(try OSProfile.detect(boot).flavour == .raspberryPiOSCloudInit)
    }

    @Test func `Ubuntu's command line is found where its release has it`() throws {
        let old = try OSProfile.detect(Self.boot("system-boot", Self.seed))
        #expect(old.flavour == .ubuntuCloudInit)
        #expect(old.cmdlinePath == "cmdline.txt")
        let new = try OSProfile.detect(
            Self.boot("system-boot", ["user-data": "", "meta-data": "", "current/cmdline.txt": "root=LABEL=writable"]))
        #expect(new.cmdlinePath == "current/cmdline.txt")
    }

    @Test(
        arguments: [
            ("v1.7.1", "17.10.0"), ("v1.8.0", "18.03.0"), ("v1.9.0", "18.04.0"), ("v1.10.1", "18.06.3"),
            ("v1.11.0", "19.03.0"), ("v1.11.5", "19.03.5"), ("v1.12.0", "19.03.5"), ("v1.12.1", "19.03.8"),
            ("v1.12.2", "19.03.11"), ("v1.12.3", "19.03.12"), ("1.12.3", "19.03.12"), ("v1.12.3-rc1", nil),
            ("v1.13.0", nil),
            ("v1.1.0", nil), ("dirty", nil),
        ] as [(String, String?)]) func `HypriotOS's Docker version is known, or reported as unknown`(
            _ release: String, _ docker: String?
        )
        throws
    {
        let file = "HYPRIOT_OS=\"HypriotOS/arm64\"\r\nHYPRIOT_IMAGE_VERSION=\"\(release)\"\r\n"
        let profile = try OSProfile.detect(Self.boot("HypriotOS", Self.seed.merging(["os-release": file]) { $1 }))
        #expect(profile.docker?.version == docker)
        #expect(profile.release == release)
        #expect(profile.architecture == "arm64")
    }

    @Test(arguments: [OSProfile.Flavour.hypriotCloudInit, .raspberryPiOSCloudInit, .ubuntuCloudInit])
    func `the record of a configured card replaces the vendor's files`(_ flavour: OSProfile.Flavour) throws {
        let record = "{\"flavour\": \"\(flavour.rawValue)\"}"
        let boot = Self.boot("renamed", Self.seed.merging(["piflash/card.json": record]) { $1 })
        #expect(try OSProfile.detect(boot).flavour == flavour)
    }

    @Test(arguments: ["{}", "", "[1", "{\"flavour\": \"plan-9\"}", "{\"flavour\": 3}"])
    func `a record that names no flavour is ignored`(_ record: String) {
        let boot = Self.boot("bootfs", Self.seed.merging(["piflash/card.json": record]) { $1 })
        #expect(#expect(throws: Failure.self) { try OSProfile.detect(boot) }?.code == .unsupportedFlavour)
    }

    @Test(
        arguments: [
            (["kernel8.img"], "arm_64bit=1\n", true),
            (["kernel8.img", "kernel_2712.img"], "[all]\narm_64bit = 1\n", true),
            (["kernel8.img", "kernel7l.img"], "arm_64bit=1\n", false),
            (["kernel8.img", "KERNEL.IMG"], "arm_64bit=1\n", false),
            (["kernel8.img"], "[pi4]\narm_64bit=1\n", false), (["kernel8.img"], "#arm_64bit=1\n", false),
            (["kernel8.img"], "arm_64bit=1\narm_64bit=0\n", false), ([], "arm_64bit=1\n", false),
            (["vmlinuz"], "[pi3]\nx=1\n[all]\narm_64bit=1\n", true),
        ] as [([String], String, Bool)])
    func `arm64 is reported only if nothing else can start`(_ kernels: [String], _ config: String, _ certain: Bool)
        throws
    {
        let files = Self.seed.merging(["config.txt": config]) { $1 }
        var boot = Self.boot("system-boot", files)
        boot.names.formUnion(kernels)
        #expect(try OSProfile.detect(boot).architecture == (certain ? "arm64" : nil))
        boot.label = "bootfs"
        boot.files["meta-data"] = Array("instance_id: rpios-image".utf8)
        #expect(try OSProfile.detect(boot).architecture == (certain ? "arm64" : nil))
    }

    static let unsupported: [(BootSnapshot, String)] = [
        (boot("RECOVERY", ["recovery.img": "", "os/x": "", "bootcode.bin": ""]), "NOOBS or PINN"),
        (boot(nil, ["recovery7.img": "", "recovery.cmdline": ""]), "NOOBS or PINN"),
        (boot("hassos-boot", ["config.txt": "", "start4.elf": ""]), "Home Assistant OS"),
        (boot("LIBREELEC", ["KERNEL": "", "SYSTEM": ""]), "LibreELEC"),
        (boot("RECALBOX", ["config.txt": ""]), "Recalbox"),
        (boot(nil, ["KERNEL": "", "SYSTEM": "", "start.elf": ""]), "LibreELEC or"),
        (boot(nil, ["apks/x": "", ".alpine-release": ""]), "Alpine"), (boot("EFI-SYSTEM", ["EFI/x": ""]), "Fedora"),
        // The label alone is not enough: without both of cloud-init's files it would not read either.
        (boot("HypriotOS", ["user-data": ""]), "label \"HypriotOS\"; user-data"),
        (boot(nil, ["apks/x": ""]), "nothing on the boot partition"),
        (boot(nil, ["START4.ELF": ""]), "does not know"), (boot("boot", ["bootcode.bin": ""]), "does not know"),
        (boot(nil, [:]), "nothing on the boot partition"),
        (
            boot(nil, ["issue.txt": "x\npi-gen", "cmdline.txt": "init=/usr/lib/raspi-config/init_resize.sh"]),
            "but its boot partition does not say which release"
        ),
    ]

    @Test(arguments: unsupported.indices)
    func `an image that cannot be configured is refused, and named`(_ index: Int) {
        let (boot, name) = Self.unsupported[index]
        let failure = #expect(throws: Failure.self) { try OSProfile.detect(boot) }
        #expect(failure?.code == .unsupportedFlavour)
        #expect(failure?.severity == .refused)
        #expect(failure?.message.contains(name) == true, "\(failure?.message ?? "")")
    }
}
