import Diagnostics
import Filesystems
import Recipes
import Systems
import Testing
import Text

@testable package import Provisioning

extension SettingsTable.Column: CustomTestStringConvertible {
    package var testDescription: String { title }

    /// As a part of a file's name.
    var slug: String {
        title.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") ? String($0) : "-" }.joined()
            .split(separator: "-").joined(separator: "-")
    }
}

/// What is on the card that an image of each of the table's columns makes.
extension Sample {
    static let columns = SettingsTable.columns

    static func column(_ title: String) -> SettingsTable.Column { columns.first { $0.title == title }! }

    static let hypriot2015 = column("HypriotOS 2015")
    static let wheezy = column("Raspbian wheezy")
    static let stretch = column("Raspbian jessie, stretch")
    static let bullseye = column("Raspberry Pi OS buster, early bullseye")
    static let bullseyeTOML = column("Raspberry Pi OS bullseye from 2022-09")
    static let bookworm = column("Raspberry Pi OS bookworm")
    static let trixieFirstRun = column("Raspberry Pi OS trixie of 2025-10")
    static let dietPi = column("DietPi")
    static let debian = column("Debian")
    static let withoutFirstBoot = column("Without a first boot of its own")

    /// Those that take more or less by edits of the root partition, and by firstrun.sh.
    static let others = columns.filter { !flavours.contains($0.profile.flavour) }

    static func provision(
        _ node: Node, _ column: SettingsTable.Column, boot: BootSnapshot? = nil, root: RootSnapshot?? = nil,
        flashTime: Int64 = flashTime, secrets: any SecretReading = UnreadSecrets()
    ) async throws -> Provision {
        try await provisioner(flashTime: flashTime).provision(
            node, profile: column.profile, boot: boot ?? self.boot(column),
            root: root ?? RootTree(column).asRead, supplies: supplies(of: node), secrets: secrets)
    }

    static func errors(
        _ node: Node, _ column: SettingsTable.Column, boot: BootSnapshot? = nil, root: RootSnapshot?? = nil
    ) async throws -> [Diagnostic] {
        do {
            _ = try await provision(node, column, boot: boot, root: root)
            return []
        } catch let report as DiagnosticReport {
            return report.errors
        }
    }

    /// A node that uses everything that a system of the column takes.
    static func full(for column: SettingsTable.Column) -> Node {
        var node = full()
        node.rack = [.init(name: "red00", address: "192.168.50.10"), .init(name: "red01", address: "192.168.50.11")]
        if !RootFlavour.readsDaemonFile(column.profile) {
            node.docker.daemon.removeAll { ["log-opts", "storage-driver"].contains($0.name.value) }
            node.docker.daemon.insert(.init(name: at("storage-driver"), value: at(.string("overlay"))), at: 0)
            node.docker.daemon.append(.init(name: at("debug"), value: at(.bool(true))))
        }
        if case .impossible = SettingsTable.support(column.profile)[.swarm] { node.swarm = nil }
        return node
    }

    // MARK: Boot partitions

    static func boot(_ column: SettingsTable.Column) -> BootSnapshot {
        let profile = column.profile
        switch profile.flavour {
        case .hypriotCloudInit, .raspberryPiOSCloudInit, .ubuntuCloudInit: return boot(profile.flavour)
        case .hypriotOccidentalis:
            return snapshot([
                "cmdline.txt":
                    "+dwc_otg.lpm_enable=0 console=tty1 root=/dev/mmcblk0p2 rootfstype=ext4 cgroup-enable=memory swapaccount=1 elevator=deadline rootwait console=ttyAMA0,115200 kgdboc=ttyAMA0,115200\n",
                "occidentalis.txt": "hostname=black-pearl\nwifi_ssid=\n", "config.txt": "gpu_mem=16\n",
            ])
        case .hypriotDeviceInit:
            return snapshot(
                label: "HypriotOS",
                [
                    "cmdline.txt":
                        "dwc_otg.lpm_enable=0 console=tty1 root=/dev/mmcblk0p2 rootfstype=ext4 cgroup_enable=cpuset cgroup_enable=memory swapaccount=1 elevator=deadline fsck.repair=yes rootwait\n",
                    "device-init.yaml": "hostname: \"black-pearl\"\n",
                    "os-release": "HYPRIOT_OS=\"HypriotOS/armhf\"\nHYPRIOT_IMAGE_VERSION=\"v1.6.0\"\n",
                ])
        case .raspbian where profile.system?.codename == "wheezy":
            return snapshot(
                label: "boot",
                [
                    "cmdline.txt":
                        "dwc_otg.lpm_enable=0 console=ttyAMA0,115200 console=tty1 root=/dev/mmcblk0p2 rootfstype=ext4 elevator=deadline rootwait\n",
                    "config.txt": "",
                ])
        case .raspbian, .raspberryPiOSFirstRun, .raspberryPiOSCustomTOML, .rootPartition:
            let start =
                switch profile.flavour {
                case .raspberryPiOSCustomTOML: "quiet init=/usr/lib/raspberrypi-sys-mods/firstboot"
                case .raspberryPiOSFirstRun where profile.bootMountPoint == "/boot/firmware": "resize"
                case .rootPartition: "resize"
                default: "quiet init=/usr/lib/raspi-config/init_resize.sh"
                }
            return snapshot(
                label: "bootfs",
                [
                    "cmdline.txt":
                        "console=serial0,115200 console=tty1 root=PARTUUID=11223344-02 rootfstype=ext4 fsck.repair=yes rootwait \(start)\n",
                    "config.txt": "",
                    "issue.txt":
                        "Raspberry Pi reference \(profile.release ?? "")\nGenerated using pi-gen, https://github.com/RPi-Distro/pi-gen, 0123, stage2\n",
                ])
        case .dietPi:
            return snapshot([
                "cmdline.txt":
                    "root=PARTUUID=11223344-02 rootfstype=ext4 rootwait net.ifnames=0 logo.nologo console=tty1\n",
                "dietpi.txt": dietPiText, "dietpi-wifi.txt": "aWIFI_SSID[0]=''\naWIFI_KEY[0]=''\n",
            ])
        case .debianRaspi:
            return snapshot(
                label: "RASPIFIRM",
                [
                    "cmdline.txt":
                        "console=tty0 console=ttyS1,115200 root=LABEL=RASPIROOT rw fsck.repair=yes net.ifnames=0 rootwait\n",
                    "sysconf.txt":
                        "# This file will be automatically evaluated and installed at next boot\n#root_pw=\n",
                ])
        }
    }

    /// What of DietPi's own file matters here (MichaIng/DietPi, dietpi.txt).
    static let dietPiText = """
        # IMPORTANT:
        # - This is for advanced users.
        ##### Language/Regional Options #####
        AUTO_SETUP_LOCALE=C.UTF-8
        AUTO_SETUP_KEYBOARD_LAYOUT=gb
        AUTO_SETUP_TIMEZONE=Europe/London

        AUTO_SETUP_NET_ETHERNET_ENABLED=1
        AUTO_SETUP_NET_WIFI_ENABLED=0
        AUTO_SETUP_NET_WIFI_COUNTRY_CODE=GB
        AUTO_SETUP_NET_USESTATIC=0
        AUTO_SETUP_NET_STATIC_IP=192.168.0.100
        AUTO_SETUP_NET_STATIC_MASK=255.255.255.0
        AUTO_SETUP_NET_STATIC_GATEWAY=192.168.0.1
        AUTO_SETUP_NET_STATIC_DNS=9.9.9.9 149.112.112.112
        AUTO_SETUP_NET_HOSTNAME=DietPi
        AUTO_SETUP_SSH_SERVER_INDEX=-1
        #AUTO_SETUP_APT_INSTALLS=vim git
        AUTO_SETUP_AUTOMATED=0
        AUTO_SETUP_GLOBAL_PASSWORD=dietpi
        SOFTWARE_DISABLE_SSH_PASSWORD_LOGINS=0
        CONFIG_SERIAL_CONSOLE_ENABLE=1

        """
}

// MARK: Root partitions

extension RootTree {
    static let vendorHash = "$6$vendors$" + String(repeating: "v", count: 86)

    /// The root partition of an image of the column: what matters of it.
    init(_ column: SettingsTable.Column) {
        let profile = column.profile
        let isSystemd = profile.initSystem?.kind != .sysvinit
        self.init()
        accounts(profile)
        for path in ["/etc/skel/.bashrc", "/etc/skel/.profile", "/etc/skel/.bash_logout"] { file("# \(path)\n", path) }
        file("raspberrypi\n", "/etc/hostname")
        file(
            "127.0.0.1\tlocalhost\n::1\t\tlocalhost ip6-localhost ip6-loopback\nff02::1\t\tip6-allnodes\n\n127.0.1.1\traspberrypi\n",
            "/etc/hosts")
        file("Etc/UTC\n", "/etc/timezone")
        link("/usr/share/zoneinfo/Etc/UTC", "/etc/localtime")
        file("LANG=en_GB.UTF-8\n", "/etc/default/locale")
        file("# a comment\n# de_DE.UTF-8 UTF-8\n# en_GB.UTF-8 UTF-8\n", "/etc/locale.gen")
        file("XKBLAYOUT=\"gb\"\n", "/etc/default/keyboard")
        file(
            "# what Debian ships\nInclude /etc/ssh/sshd_config.d/*.conf\n#PasswordAuthentication yes\nUsePAM yes\nPasswordAuthentication yes\n",
            "/etc/ssh/sshd_config")
        if profile.flavour != .debianRaspi { directory("/etc/sudoers.d", mode: 0o750) }
        if isSystemd {
            file("", "/lib/systemd/system/ssh.service", contents: nil)
            file("", "/lib/systemd/systemd-timesyncd", contents: nil)
            directory("/etc/systemd/system/multi-user.target.wants")
        } else {
            for level in 2...5 { directory("/etc/rc\(level).d") }
            file("TARGETS = rsyslog ssh\nINTERACTIVE = \nssh: rsyslog\n", StartOrder.path)
        }
        file("", "/etc/init.d/ssh", contents: nil)
        if ![.ubuntuCloudInit, .debianRaspi, .dietPi].contains(profile.flavour) {
            file("2019-04-08 10:00:00\n", "/etc/fake-hwclock.data")
        }
        network(profile)
        if profile.flavour == .hypriotOccidentalis {
            file(
                "# Docker Upstart and SysVinit configuration file\n#DOCKER_OPTS=\"--dns 8.8.8.8\"\nDOCKER_OPTS=\"--storage-driver=overlay -D\"\n",
                "/etc/default/docker")
            file("#!/bin/sh\n", "/etc/init.d/docker")
        }
    }

    private mutating func accounts(_ profile: OSProfile) {
        var user: String?
        var hash = "*"
        var rootHash = "*"
        switch profile.flavour {
        case .hypriotOccidentalis: (user, hash, rootHash) = ("pi", Self.vendorHash, Self.vendorHash)
        case .hypriotDeviceInit: (user, hash) = ("pirate", Self.vendorHash)
        case .raspbian: (user, hash) = ("pi", Self.vendorHash)
        case .raspberryPiOSFirstRun, .raspberryPiOSCustomTOML, .rootPartition: user = "pi"
        case .dietPi: (user, hash, rootHash) = ("dietpi", Self.vendorHash, Self.vendorHash)
        case .hypriotCloudInit, .raspberryPiOSCloudInit, .ubuntuCloudInit, .debianRaspi: user = nil
        }
        var passwd = """
            root:x:0:0:root:/root:/bin/bash
            daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
            nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
            systemd-timesync:x:100:103:systemd Time Synchronization,,,:/run/systemd:/bin/false

            """
        var shadow =
            "root:\(rootHash):17000:0:99999:7:::\ndaemon:*:17000:0:99999:7:::\nnobody:*:17000:0:99999:7:::\nsystemd-timesync:*:17000:0:99999:7:::\n"
        let member = user ?? ""
        var group =
            "root:x:0:\ndaemon:x:1:\nadm:x:4:\(member)\ndialout:x:20:\(member)\nsudo:x:27:\(member)\naudio:x:29:\(member)\nvideo:x:44:\(member)\nusers:x:100:\(member)\nnogroup:x:65534:\nsystemd-timesync:x:103:\nnetdev:x:108:\(member)\ngpio:x:997:\(member)\n"
        var gshadow =
            "root:*::\ndaemon:*::\nadm:*::\(member)\ndialout:*::\(member)\nsudo:*::\(member)\naudio:*::\(member)\nvideo:*::\(member)\nusers:*::\(member)\nnogroup:*::\nsystemd-timesync:*::\nnetdev:!::\(member)\ngpio:!::\(member)\n"
        if let user {
            passwd += "\(user):x:1000:1000:,,,:/home/\(user):/bin/bash\n"
            shadow += "\(user):\(hash):17000:0:99999:7:::\n"
            group += "\(user):x:1000:\n"
            gshadow += "\(user):!::\n"
            directory("/home/\(user)", user: 1000, group: 1000)
            file("alias ll='ls -l'\n", "/home/\(user)/.bashrc", user: 1000, group: 1000)
            file("\(user):100000:65536\n", "/etc/subuid")
            file("\(user):100000:65536\n", "/etc/subgid")
        }
        directory("/home")
        file(passwd, "/etc/passwd")
        file(shadow, "/etc/shadow", mode: 0o640, group: 42)
        file(group, "/etc/group")
        file(gshadow, "/etc/gshadow", mode: 0o640, group: 42)
    }

    private mutating func network(_ profile: OSProfile) {
        switch profile.network {
        case .networkManager:
            directory("/etc/NetworkManager/system-connections", mode: 0o700)
            file(
                "[main]\nNetworkingEnabled=true\nWirelessEnabled=false\nWWANEnabled=true\n",
                "/var/lib/NetworkManager/NetworkManager.state")
        case .dhcpcd:
            file(
                "# A sample configuration for dhcpcd.\nhostname\nclientid\npersistent\n#interface eth0\n#static ip_address=192.168.0.10/24\n\n",
                "/etc/dhcpcd.conf", mode: 0o664, group: 109)
            directory("/etc/wpa_supplicant")
        case .ifupdown where profile.initSystem?.kind == .sysvinit:
            file(
                "auto lo\niface lo inet loopback\niface eth0 inet dhcp\n\nallow-hotplug wlan0\niface wlan0 inet manual\nwpa-roam /etc/wpa_supplicant/wpa_supplicant.conf\niface default inet dhcp\n",
                "/etc/network/interfaces")
        case .ifupdown:
            file("source-directory /etc/network/interfaces.d\n", "/etc/network/interfaces")
            directory("/etc/network/interfaces.d")
        case .networkd, nil: break
        }
    }
}
