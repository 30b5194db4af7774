package import Systems

/// The settings that each system takes, and how: docs/settings.md, made of what the renderers declare.
package enum SettingsTable {
    /// A system as the table names it, and an image of it.
    package struct Column: Sendable {
        package let title: String
        package let profile: OSProfile
    }

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
    ]

    /// How an image of this profile takes each setting.
    package static func support(_ profile: OSProfile) -> [Setting: Support] { profile.support }

    /// The document, in Markdown.
    package static var document: String {
        var lines = [
            "# What each system takes",
            "",
            "Made from what the renderers declare; a test keeps it true, and checks each mark by rendering a card.",
            "",
            "**●** by the system's own first boot, from files of the boot partition; **○** laid down in the root partition",
            "when the card is written, since the system has no way of its own; **–** not possible: the recipe is refused with",
            "its line. Where only the boot partition is at hand (`piflash configure … /media/me/boot`), ○ is refused, too.",
            "",
            "| | " + columns.indices.map { "\($0 + 1)" }.joined(separator: " | ") + " |",
            "|---|" + columns.map { _ in ":-:|" }.joined(),
        ]
        for setting in Setting.allCases {
            let marks = columns.map { mark(support($0.profile)[setting]) }
            lines.append("| \(setting.title) | " + marks.joined(separator: " | ") + " |")
        }
        for (index, column) in columns.enumerated() {
            lines += ["", "## \(index + 1). \(column.title)", ""]
            lines += ["| setting | by |", "|---|---|"]
            for (text, settings) in grouped(support(column.profile)) {
                lines.append("| \(settings.map(\.title).joined(separator: "; ")) | \(text) |")
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The settings that are taken the same way, in the order of the first of each.
    private static func grouped(_ support: [Setting: Support]) -> [(String, [Setting])] {
        var groups: [(String, [Setting])] = []
        for setting in Setting.allCases {
            let text = description(support[setting])
            if let index = groups.firstIndex(where: { $0.0 == text }) {
                groups[index].1.append(setting)
            } else {
                groups.append((text, [setting]))
            }
        }
        return groups
    }

    private static func mark(_ support: Support?) -> String {
        switch support {
        case .native: "●"
        case .rootEdit: "○"
        case .impossible, nil: "–"
        }
    }

    private static func description(_ support: Support?) -> String {
        switch support {
        case .native(let text): "● \(text)"
        case .rootEdit(let text): "○ \(text)"
        case .impossible(let text): "– \(text)"
        case nil: "–"
        }
    }
}
