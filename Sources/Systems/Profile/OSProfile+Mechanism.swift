extension OSProfile.Flavour {
    /// How the system gets its first-boot configuration, in words.
    package var mechanism: String {
        switch self {
        case .hypriotOccidentalis: "occidentalis.txt on the boot partition, read at every boot"
        case .hypriotDeviceInit: "device-init.yaml on the boot partition, read at every boot"
        case .hypriotCloudInit: "cloud-init: user-data and meta-data on the boot partition"
        case .raspbian: "files on the root partition; few or none on the boot partition"
        case .raspberryPiOSFirstRun: "a script that the kernel command line starts (systemd.run=)"
        case .raspberryPiOSCustomTOML: "custom.toml on the boot partition, read before the first boot of the system"
        case .raspberryPiOSCloudInit: "cloud-init: user-data, meta-data and network-config on the boot partition"
        case .ubuntuCloudInit: "cloud-init: user-data, meta-data and network-config on the boot partition"
        case .dietPi: "dietpi.txt and dietpi-wifi.txt on the boot partition"
        case .debianRaspi: "sysconf.txt on the boot partition, read at every boot"
        case .rootPartition: "files on the root partition; nothing on the boot partition"
        }
    }
}
