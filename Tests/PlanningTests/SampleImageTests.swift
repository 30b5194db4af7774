import Systems
import Filesystems
import Planning
import Images
import Storage
import SystemPackage
import TestSupport
import Testing

/// The sample images as card makers see them: through partition table, FAT and ext4.
@Suite struct SampleImageTests {
    let scratch = ScratchDirectory()

    static let oldUnit = "/lib/systemd/system/docker.service"
    static let expected: [SampleImage: OSProfile] = [
        .hypriot2015: OSProfile(
            flavour: .hypriotOccidentalis, release: "20150416-201537", bootMountPoint: "/boot", architecture: "armv7",
            hasBooted: false, system: raspbian("7", "wheezy"),
            initSystem: .init(.sysvinit, version: "2.88dsf-41+deb7u1"),
            network: .ifupdown,
            docker: .init(version: "1.6.0", package: "docker-hypriot", service: .script(path: "/etc/init.d/docker"))),
        .hypriotDeviceInit: OSProfile(
            flavour: .hypriotDeviceInit, release: "v1.4.0", bootMountPoint: "/boot", architecture: "armv7",
            system: raspbian("8", "jessie", name: "HypriotOS"), initSystem: systemd("215-17+deb8u7"),
            network: .ifupdown,
            docker: .init(
                version: "17.05.0", package: "docker-engine",
                service: .unit(path: oldUnit, command: "/usr/bin/dockerd -H fd://", takesOptions: false))),
        .hypriot: OSProfile(
            flavour: .hypriotCloudInit, release: "v1.12.3", bootMountPoint: "/boot", architecture: "armv7",
            hasBooted: false, system: raspbian("10", "buster", name: "HypriotOS"),
            initSystem: systemd("241-7~deb10u4+rpi1"), network: .ifupdown,
            docker: .init(
                version: "19.03.12", package: "docker-ce",
                service: .unit(
                    path: oldUnit,
                    command: "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock",
                    takesOptions: false)), cloudInitVersion: "20.2"),
        .raspbianWheezy: OSProfile(
            flavour: .raspbian, bootMountPoint: "/boot", architecture: "armv6", system: raspbian("7", "wheezy"),
            initSystem: .init(.sysvinit, version: "2.88dsf-41+deb7u1"), network: .ifupdown),
        .raspbianJessie: OSProfile(
            flavour: .raspbian, release: "2017-07-05", bootMountPoint: "/boot", architecture: "armv6", hasBooted: false,
            system: raspbian("8", "jessie"), initSystem: systemd("215-17+deb8u7"), network: .dhcpcd),
        .raspbianStretch: OSProfile(
            flavour: .raspbian, release: "2018-11-13", bootMountPoint: "/boot", architecture: "armv6", hasBooted: false,
            system: raspbian("9", "stretch"), initSystem: systemd("232-25+deb9u6"), network: .dhcpcd),
        .raspbianBuster: OSProfile(
            flavour: .raspberryPiOSFirstRun, release: "2020-02-13", bootMountPoint: "/boot", architecture: "armv6",
            hasBooted: false, system: raspbian("10", "buster"), initSystem: systemd("241-7~deb10u2+rpi1"),
            network: .dhcpcd),
        .bullseyeEarly: OSProfile(
            flavour: .raspberryPiOSFirstRun, release: "2022-01-28", bootMountPoint: "/boot", architecture: "armv6",
            hasBooted: false, system: raspbian("11", "bullseye"), initSystem: systemd("247.3-6+rpi1"), network: .dhcpcd),
        .bullseye: OSProfile(
            flavour: .raspberryPiOSCustomTOML, release: "2022-09-22", bootMountPoint: "/boot", architecture: "armv6",
            hasBooted: false, system: raspbian("11", "bullseye"), initSystem: systemd("247.3-7+rpi1"), network: .dhcpcd),
        .bookworm: OSProfile(
            flavour: .raspberryPiOSCustomTOML, release: "2024-07-04", bootMountPoint: "/boot/firmware",
            architecture: "arm64", hasBooted: false, system: debian("12", "bookworm"),
            initSystem: systemd("252.26-1~deb12u2"), network: .networkManager),
        .trixieEarly: OSProfile(
            flavour: .raspberryPiOSFirstRun, release: "2025-10-01", bootMountPoint: "/boot/firmware",
            architecture: "armv6", hasBooted: false, system: raspbian("13", "trixie"),
            initSystem: systemd("257.8-1~deb13u2+rpi1"), network: .networkManager, cloudInitVersion: "25.2"),
        .raspberryPiOS: OSProfile(
            flavour: .raspberryPiOSCloudInit, release: "2025-11-24", bootMountPoint: "/boot/firmware",
            architecture: "arm64", hasBooted: false, system: debian("13", "trixie"),
            initSystem: systemd("257.9-1~deb13u1"), network: .networkManager, cloudInitVersion: "25.2"),
        .ubuntu: OSProfile(
            flavour: .ubuntuCloudInit, bootMountPoint: "/boot/firmware", architecture: "arm64", hasBooted: false,
            system: .init(id: "ubuntu", versionID: "24.04", codename: "noble", prettyName: "Ubuntu 24.04.1 LTS"),
            initSystem: systemd("255.4-1ubuntu8.4"), network: .networkd, cloudInitVersion: "24.1.3"),
        .dietPi: OSProfile(
            flavour: .dietPi, release: "v9.7.1", bootMountPoint: "/boot/firmware", architecture: "armv7",
            system: debian("12", "bookworm"), initSystem: systemd("252.26-1~deb12u2"), network: .ifupdown),
        .debianRaspi: OSProfile(
            flavour: .debianRaspi, bootMountPoint: "/boot/firmware", architecture: "arm64",
            system: debian("12", "bookworm"), initSystem: systemd("252.22-1~deb12u1"), network: .ifupdown),
    ]

    static func systemd(_ version: String) -> OSProfile.InitSystem { .init(.systemd, version: version) }
    static func raspbian(_ id: String, _ codename: String, name: String = "Raspbian GNU/Linux") -> OSProfile.System {
        .init(id: "raspbian", versionID: id, codename: codename, prettyName: "\(name) \(id) (\(codename))")
    }
    static func debian(_ id: String, _ codename: String) -> OSProfile.System {
        .init(id: "debian", versionID: id, codename: codename, prettyName: "Debian GNU/Linux \(id) (\(codename))")
    }

    @Test(arguments: SampleImage.allCases)
    func `a sample image is what it is made after`(_ sample: SampleImage) throws {
        let path = scratch["sample.img"]
        try sample.make(at: path)
        let image = Overlay(over: try ImageFile(opening: path))
        let table = try PartitionTable.read(path)
        let boot = try BootSnapshot(of: BootVolume.open(image, table: table, at: 0))
        let root = try InspectedRoot(of: image, table: table, boot: boot)
        #expect(root.partition?.number == 2)
        #expect(boot.label == table.bootPartition?.filesystem?.label)
        #expect(root.problem == nil)
        let profile = try OSProfile.detect(boot, root: root.snapshot)
        #expect(profile == Self.expected[sample])
        // The boot partition alone shows the flavour of all but wheezy.
        guard sample != .raspbianWheezy else { return }
        let blind = try OSProfile.detect(boot)
        #expect(blind.flavour == profile.flavour)
        #expect(blind.bootMountPoint == profile.bootMountPoint)
    }

    @Test(arguments: [SampleImage.hypriot2015, .bookworm])
    func `a sample image is sound, and made the same again`(_ sample: SampleImage) throws {
        try sample.runScript(at: scratch["first.img"])
        try sample.runScript(at: scratch["second.img"])
        #expect(try OutsideTool("cmp").run([scratch["first.img"].string, scratch["second.img"].string]).succeeded)
        let root = try #require(try PartitionTable.read(scratch["first.img"]).partitions.last).range
        let cut = try OutsideTool("dd").run([
            "if=\(scratch["first.img"])", "of=\(scratch["root.ext4"])", "bs=1M", "skip=\(root.lowerBound >> 20)",
        ])
        #expect(cut.succeeded)
        let fsck = try OutsideTool("e2fsck").run(["-fn", scratch["root.ext4"].string])
        #expect(fsck.succeeded, "\(fsck.text)")
    }
}
