/// What detection and rendering need to know of a root partition: a value, as ``BootSnapshot`` is of the boot partition.
package struct RootSnapshot: Hashable, Sendable {
    /// What is at a path.
    package enum Kind: Hashable, Sendable {
        /// A file; its contents are kept for the files of ``kept`` only.
        case file(contents: [UInt8]?)
        case directory
        case symbolicLink(target: String)
    }

    package struct Entry: Hashable, Sendable {
        package var kind: Kind
        /// Permission bits.
        package var mode: UInt16
        package var user: UInt32
        package var group: UInt32
        /// The time of last modification, in seconds since 1970.
        package var modified: Int64

        package init(_ kind: Kind, mode: UInt16 = 0o644, user: UInt32 = 0, group: UInt32 = 0, modified: Int64 = 0) {
            self.kind = kind
            self.mode = mode
            self.user = user
            self.group = group
            self.modified = modified
        }
    }

    /// By absolute path as the running system names it: links among the directories above are followed, the last
    /// component is not. Every path of ``kept`` and ``noted`` that exists is here.
    package var entries: [String: Entry]
    /// The Debian packages that are installed, of those that piflash looks for, with their full versions.
    package var packages: [String: String]
    /// The userland's architecture as its programs' ELF headers tell: "armv6", "armv7", "arm64", "amd64".
    package var architecture: String?
    /// Why the partition can be read but not edited (a journal that was not replayed, an unknown feature), for people.
    package var obstacle: String?

    package init(
        entries: [String: Entry] = [:], packages: [String: String] = [:], architecture: String? = nil,
        obstacle: String? = nil
    ) {
        self.entries = entries
        self.packages = packages
        self.architecture = architecture
        self.obstacle = obstacle
    }

    /// The files whose contents are kept when they exist.
    package static let kept = [
        "/etc/os-release", "/usr/lib/os-release", "/etc/hypriot_release", "/etc/rpi-issue", "/etc/debian_version",
        "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/subuid", "/etc/subgid", "/etc/hostname",
        "/etc/hosts", "/etc/init.d/.depend.start", "/etc/default/docker", "/etc/default/locale",
        "/etc/default/keyboard", "/etc/locale.gen",
        "/etc/timezone", "/etc/fake-hwclock.data", "/etc/dhcpcd.conf", "/etc/network/interfaces",
        "/etc/ssh/sshd_config", "/etc/skel/.bashrc", "/etc/skel/.profile", "/etc/skel/.bash_logout", "/etc/inittab",
        "/etc/init.d/docker", "/lib/systemd/system/docker.service", "/usr/lib/systemd/system/docker.service",
        "/etc/systemd/system/docker.service", "/etc/fstab", "/etc/raspi-image-id", "/boot/dietpi/.version",
        "/var/lib/NetworkManager/NetworkManager.state", "/var/lib/piflash/taken",
    ]

    /// Paths of which only the kind, mode and owner are noted.
    package static let noted = [
        "/sbin/init", "/lib/systemd/systemd", "/usr/lib/systemd/systemd", "/lib/systemd/systemd-timesyncd",
        "/usr/lib/systemd/systemd-timesyncd", "/var/lib/systemd/timesync", "/var/lib/systemd/timesync/clock",
        "/var/lib/systemd/clock", "/sbin/fake-hwclock", "/usr/sbin/fake-hwclock", "/etc/localtime",
        "/etc/sudoers.d", "/etc/rc2.d", "/etc/ssh/sshd_config.d", "/lib/systemd/system/ssh.service",
        "/usr/lib/systemd/system/ssh.service", "/etc/init.d/ssh", "/usr/lib/raspberrypi-sys-mods/imager_custom",
        "/usr/lib/raspberrypi-sys-mods/firstboot", "/usr/lib/raspberrypi-sys-mods/init_config",
        "/usr/lib/userconf-pi/userconf", "/etc/NetworkManager/system-connections", "/etc/network/interfaces.d",
        "/etc/wpa_supplicant", "/etc/systemd/system/multi-user.target.wants", "/usr/bin/raspi-config",
        "/usr/local/bin/device-init", "/etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg", "/var/lib/systemd/rfkill",
        "/boot/dietpi", "/boot/firmware", "/root/firstboot_done",
        "/etc/piflash/swarm/worker_key", "/etc/piflash/swarm/manager_key",
        "/var/lib/cloud/instance",
    ]

    /// The packages that ``packages`` tells of.
    package static let lookedFor: Set<String> = [
        "docker-ce", "docker-engine", "docker.io", "docker-hypriot", "lxc-docker", "systemd", "systemd-sysv",
        "sysvinit", "sysvinit-core", "cloud-init", "dhcpcd", "dhcpcd5", "dhcpcd-base", "ifupdown", "network-manager",
        "netplan.io",
        "raspberrypi-sys-mods", "raspberrypi-net-mods", "userconf-pi", "fake-hwclock", "locales", "sudo",
        "openssh-server", "resolvconf", "openresolv",
    ]

    /// The text of a kept file; bytes that are no UTF-8 are replaced.
    package func text(_ path: String) -> String? {
        guard case .file(let contents?) = entries[path]?.kind else { return nil }
        return String(decoding: contents, as: UTF8.self)
    }

    package func has(_ path: String) -> Bool { entries[path] != nil }
}
