import Systems

extension SettingsTable {
    package static let columns: [Column] = [
        Column(
            title: "HypriotOS 2015",
            profile: OSProfile(
                flavour: .hypriotOccidentalis, bootMountPoint: "/boot", architecture: "armv7",
                system: .init(id: "raspbian", versionID: "7", codename: "wheezy"),
                initSystem: .init(.sysvinit, version: "2.88dsf-41+deb7u1"), network: .ifupdown,
                docker: .init(version: "1.6.0", package: "docker-hypriot", service: .script(path: "/etc/init.d/docker"))
            )),
        Column(
            title: "HypriotOS 0.2.5–1.6",
            profile: OSProfile(
                flavour: .hypriotDeviceInit, release: "v1.6.0", bootMountPoint: "/boot", architecture: "armv7",
                system: .init(id: "raspbian", versionID: "8", codename: "jessie"),
                initSystem: .init(.systemd, version: "215-17+deb8u7"), network: .ifupdown,
                docker: .init(version: "17.09.0", package: "docker-ce"))),
        Column(
            title: "HypriotOS 1.7–1.12",
            profile: OSProfile(
                flavour: .hypriotCloudInit, release: "v1.12.3", bootMountPoint: "/boot", architecture: "armv7",
                docker: .init(version: "19.03.12"))),
        Column(
            title: "Raspbian wheezy",
            profile: OSProfile(
                flavour: .raspbian, bootMountPoint: "/boot", architecture: "armv6",
                system: .init(id: "raspbian", versionID: "7", codename: "wheezy"),
                initSystem: .init(.sysvinit, version: "2.88dsf-41+deb7u1"), network: .ifupdown)),
        Column(
            title: "Raspbian jessie, stretch",
            profile: OSProfile(
                flavour: .raspbian, release: "2019-04-08", bootMountPoint: "/boot", architecture: "armv6",
                system: .init(id: "raspbian", versionID: "9", codename: "stretch"),
                initSystem: .init(.systemd, version: "232-25+deb9u11"), network: .dhcpcd)),
        Column(
            title: "Raspberry Pi OS buster, early bullseye",
            profile: OSProfile(
                flavour: .raspberryPiOSFirstRun, release: "2022-04-04", bootMountPoint: "/boot", architecture: "armv6",
                system: .init(id: "raspbian", versionID: "11", codename: "bullseye"),
                initSystem: .init(.systemd, version: "247.3-6+rpi1"), network: .dhcpcd)),
        Column(
            title: "Raspberry Pi OS bullseye from 2022-09",
            profile: OSProfile(
                flavour: .raspberryPiOSCustomTOML, release: "2023-05-03", bootMountPoint: "/boot",
                architecture: "arm64", system: .init(id: "debian", versionID: "11", codename: "bullseye"),
                initSystem: .init(.systemd, version: "247.3-7+deb11u2"), network: .dhcpcd)),
        Column(
            title: "Raspberry Pi OS bookworm",
            profile: OSProfile(
                flavour: .raspberryPiOSCustomTOML, release: "2024-07-04", bootMountPoint: "/boot/firmware",
                architecture: "arm64", system: .init(id: "debian", versionID: "12", codename: "bookworm"),
                initSystem: .init(.systemd, version: "252.26-1~deb12u2"), network: .networkManager)),
        Column(
            title: "Raspberry Pi OS trixie of 2025-10",
            profile: OSProfile(
                flavour: .raspberryPiOSFirstRun, release: "2025-10-01", bootMountPoint: "/boot/firmware",
                architecture: "arm64", system: .init(id: "debian", versionID: "13", codename: "trixie"),
                initSystem: .init(.systemd, version: "257.8-1~deb13u2"), network: .networkManager)),
        Column(
            title: "Raspberry Pi OS trixie",
            profile: OSProfile(
                flavour: .raspberryPiOSCloudInit, release: "2025-11-24", bootMountPoint: "/boot/firmware",
                architecture: "arm64")),
        Column(
            title: "Ubuntu Server",
            profile: OSProfile(
                flavour: .ubuntuCloudInit, bootMountPoint: "/boot/firmware", cmdlinePath: "current/cmdline.txt")),
        Column(
            title: "DietPi",
            profile: OSProfile(
                flavour: .dietPi, bootMountPoint: "/boot/firmware", architecture: "arm64",
                system: .init(id: "debian", versionID: "12", codename: "bookworm"),
                initSystem: .init(.systemd, version: "252.38-1~deb12u1"), network: .ifupdown)),
        Column(
            title: "Debian",
            profile: OSProfile(
                flavour: .debianRaspi, bootMountPoint: "/boot/firmware", architecture: "arm64",
                system: .init(id: "debian", versionID: "12", codename: "bookworm"),
                initSystem: .init(.systemd, version: "252.38-1~deb12u1"), network: .ifupdown)),
        Column(
            title: "Without a first boot of its own",
            profile: OSProfile(
                flavour: .rootPartition, bootMountPoint: "/boot/firmware", architecture: "arm64",
                system: .init(id: "debian", versionID: "13", codename: "trixie"),
                initSystem: .init(.systemd, version: "257.9-1~deb13u1"), network: .networkManager)),
    ]
}
