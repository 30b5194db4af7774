/// What an image is, as far as it decides how its first boot is configured.
public struct OSProfile: Hashable, Sendable {
    /// The way an operating system takes its first-boot configuration.
    public enum Flavour: String, Sendable, Codable, CaseIterable {
        /// HypriotOS 1.7 to 1.12: cloud-init, seeded by links from /var/lib/cloud/seed to /boot.
        case hypriotCloudInit = "hypriot-cloud-init"
        /// Raspberry Pi OS trixie from 2025-11-24 on: cloud-init with seedfrom /boot/firmware.
        case raspberryPiOSCloudInit = "raspberry-pi-os-cloud-init"
        /// Ubuntu Server for Raspberry Pi: cloud-init, found by the label system-boot.
        case ubuntuCloudInit = "ubuntu-cloud-init"

        /// The name that users know.
        public var title: String {
            switch self {
            case .hypriotCloudInit: "HypriotOS 1.7 or later (cloud-init)"
            case .raspberryPiOSCloudInit: "Raspberry Pi OS trixie (cloud-init)"
            case .ubuntuCloudInit: "Ubuntu Server for Raspberry Pi (cloud-init)"
            }
        }
    }

    public var flavour: Flavour
    /// The release as the image names it ("v1.12.3", "2025-11-24"), when it does.
    public var release: String?
    /// Where the running system mounts the boot partition: "/boot" or "/boot/firmware".
    public var bootMountPoint: String
    /// The kernel command line's file on the boot partition: "cmdline.txt", or "current/cmdline.txt" from Ubuntu 25.10.
    public var cmdlinePath: String
    /// The Docker version on the image, when it is known: "19.03.12".
    public var dockerVersion: String?
    /// The machine's architecture in Docker's labels, when the boot partition tells: "armv7" or "arm64".
    public var architecture: String?

    public init(
        flavour: Flavour, release: String? = nil, bootMountPoint: String, cmdlinePath: String = "cmdline.txt",
        dockerVersion: String? = nil, architecture: String? = nil
    ) {
        self.flavour = flavour
        self.release = release
        self.bootMountPoint = bootMountPoint
        self.cmdlinePath = cmdlinePath
        self.dockerVersion = dockerVersion
        self.architecture = architecture
    }
}
