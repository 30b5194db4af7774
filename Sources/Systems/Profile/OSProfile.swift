/// What is known of an image's operating system, as far as it decides how its first boot is configured.
package struct OSProfile: Hashable, Sendable {
    /// The way an operating system takes its first-boot configuration.
    package enum Flavour: String, Sendable, Codable, CaseIterable {
        /// HypriotOS of 2015 and early 2016: occidentalis.txt, sysvinit on wheezy, systemd on jessie.
        case hypriotOccidentalis = "hypriot-occidentalis"
        /// HypriotOS 0.2.5 to 1.6: device-init.yaml, read at every boot.
        case hypriotDeviceInit = "hypriot-device-init"
        /// HypriotOS 1.7 to 1.12: cloud-init, seeded by links from /var/lib/cloud/seed to /boot.
        case hypriotCloudInit = "hypriot-cloud-init"
        /// Raspbian wheezy, jessie and stretch: at most flag files on the boot partition.
        case raspbian = "raspbian"
        /// Raspbian buster, Raspberry Pi OS bullseye, and other releases of theirs with systemd 240 or later whose own
        /// mechanism is missing or used up: a script that `systemd.run=` in the kernel command line starts.
        case raspberryPiOSFirstRun = "raspberry-pi-os-firstrun"
        /// Raspberry Pi OS bullseye from 2022-09 on and bookworm, before their first boot: custom.toml.
        case raspberryPiOSCustomTOML = "raspberry-pi-os-custom-toml"
        /// Raspberry Pi OS trixie from 2025-11-24 on: cloud-init with seedfrom /boot/firmware.
        case raspberryPiOSCloudInit = "raspberry-pi-os-cloud-init"
        /// Ubuntu Server for Raspberry Pi: cloud-init, found by the label system-boot.
        case ubuntuCloudInit = "ubuntu-cloud-init"
        /// DietPi: dietpi.txt and dietpi-wifi.txt.
        case dietPi = "dietpi"
        /// Debian's own images for the Raspberry Pi: sysconf.txt.
        case debianRaspi = "debian-raspi"
        /// One of the others, whose own mechanism is missing, disabled or used up: all is written to the root partition.
        case rootPartition = "root-partition"

        /// The name that users know.
        package var title: String {
            switch self {
            case .hypriotOccidentalis: "HypriotOS of 2015 (occidentalis.txt)"
            case .hypriotDeviceInit: "HypriotOS 0.2.5 to 1.6 (device-init)"
            case .hypriotCloudInit: "HypriotOS 1.7 or later (cloud-init)"
            case .raspbian: "Raspbian wheezy to stretch"
            case .raspberryPiOSFirstRun: "Raspberry Pi OS buster to bullseye (firstrun.sh)"
            case .raspberryPiOSCustomTOML: "Raspberry Pi OS bullseye or bookworm (custom.toml)"
            case .raspberryPiOSCloudInit: "Raspberry Pi OS trixie (cloud-init)"
            case .ubuntuCloudInit: "Ubuntu Server for Raspberry Pi (cloud-init)"
            case .dietPi: "DietPi"
            case .debianRaspi: "Debian for the Raspberry Pi (sysconf.txt)"
            case .rootPartition: "a system without a first boot of its own (root partition)"
            }
        }
    }

    /// The fields of os-release(5).
    package struct System: Hashable, Sendable {
        /// ID: "raspbian", "debian", "ubuntu".
        package var id: String
        /// VERSION_ID: "7", "12", "24.04".
        package var versionID: String?
        /// VERSION_CODENAME, or its equivalent in older releases: "wheezy", "bookworm", "noble".
        package var codename: String?
        /// PRETTY_NAME.
        package var prettyName: String?

        package init(id: String, versionID: String? = nil, codename: String? = nil, prettyName: String? = nil) {
            self.id = id
            self.versionID = versionID
            self.codename = codename
            self.prettyName = prettyName
        }
    }

    /// The program that starts all others (PID 1).
    package struct InitSystem: Hashable, Sendable {
        package enum Kind: String, Sendable, Codable { case systemd, sysvinit, other }
        package var kind: Kind
        /// The package's version as Debian spells it: "252.38-1~deb12u1".
        package var version: String?

        package init(_ kind: Kind, version: String? = nil) {
            self.kind = kind
            self.version = version
        }

        /// The number at its beginning: 252.
        package var major: Int? { version.flatMap { Int($0.prefix { $0.isASCII && $0.isNumber }) } }
    }

    /// The program that sets up the network interfaces.
    package enum NetworkStack: String, Sendable, Codable, CaseIterable {
        case ifupdown, dhcpcd
        case networkManager = "network-manager"
        case networkd
    }

    /// The Docker engine on the image.
    package struct Docker: Hashable, Sendable {
        /// How the engine is started.
        package enum Service: Hashable, Sendable {
            /// A systemd unit: its path, its ExecStart, and whether DOCKER_OPTS of /etc/default/docker reaches it.
            case unit(path: String, command: String?, takesOptions: Bool)
            /// A sysvinit script, which reads DOCKER_OPTS from /etc/default/docker.
            case script(path: String)
        }

        /// The upstream version, without epoch and Debian revision: "19.03.12".
        package var version: String
        /// The package: "docker-ce", "docker.io", "docker-hypriot"; nil if it is only known from the release.
        package var package: String?
        package var service: Service?

        package init(version: String, package: String? = nil, service: Service? = nil) {
            self.version = version
            self.package = package
            self.service = service
        }
    }

    package var flavour: Flavour
    /// The release as the image names it ("v1.12.3", "2025-11-24"); nil if it does not.
    package var release: String?
    /// Where the running system mounts the boot partition: "/boot" or "/boot/firmware".
    package var bootMountPoint: String
    /// The kernel command line's file on the boot partition: "cmdline.txt", or "current/cmdline.txt" from Ubuntu 25.10.
    package var cmdlinePath: String
    /// The userland's architecture in Docker's spelling; nil if it is not known: "armv6", "armv7", "arm64", "amd64".
    package var architecture: String?
    /// Whether a card with this content has been booted; nil if it is not known.
    package var hasBooted: Bool?
    /// Why the vendor's own mechanism is not used, for people: "cloud-init is not installed"; nil if it is used.
    package var mechanismProblem: String?
    /// The vendor's small files on the boot partition that nothing reads on this system: "ssh", "wpa_supplicant.conf".
    package var unreadBootFiles: Set<String> = []
    // The following are known only from the root partition; nil if it was not read, or does not say.
    package var system: System?
    package var initSystem: InitSystem?
    package var network: NetworkStack?
    package var docker: Docker?
    /// The package's upstream version: "20.2", "25.2".
    package var cloudInitVersion: String?

    package init(
        flavour: Flavour, release: String? = nil, bootMountPoint: String, cmdlinePath: String = "cmdline.txt",
        architecture: String? = nil, hasBooted: Bool? = nil, mechanismProblem: String? = nil,
        unreadBootFiles: Set<String> = [], system: System? = nil, initSystem: InitSystem? = nil,
        network: NetworkStack? = nil, docker: Docker? = nil, cloudInitVersion: String? = nil
    ) {
        self.flavour = flavour
        self.release = release
        self.bootMountPoint = bootMountPoint
        self.cmdlinePath = cmdlinePath
        self.architecture = architecture
        self.hasBooted = hasBooted
        self.mechanismProblem = mechanismProblem
        self.unreadBootFiles = unreadBootFiles
        self.system = system
        self.initSystem = initSystem
        self.network = network
        self.docker = docker
        self.cloudInitVersion = cloudInitVersion
    }
}
