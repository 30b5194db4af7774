import Text

/// The facts about an image that both partitions give once the flavour is known.
extension OSProfile {
    static func release(_ flavour: Flavour, _ boot: BootSnapshot, _ root: RootSnapshot?) -> String? {
        switch flavour {
        case .hypriotDeviceInit, .hypriotCloudInit: HypriotRelease.version(boot, root)
        case .hypriotOccidentalis: HypriotRelease.build(root)
        case .raspbian, .raspberryPiOSFirstRun, .raspberryPiOSCustomTOML, .raspberryPiOSCloudInit:
            PiGenImage(boot, root: root)?.date
        case .ubuntuCloudInit, .debianRaspi: nil
        case .dietPi: dietPiVersion(root)
        case .rootPartition:
            HypriotRelease.version(boot, root) ?? dietPiVersion(root) ?? PiGenImage(boot, root: root)?.date
        }
    }

    /// Three assignments in /boot/dietpi/.version (DietPi, dietpi/dietpi-obtain_hw_model and dietpi-update).
    private static func dietPiVersion(_ root: RootSnapshot?) -> String? {
        let file = OSRelease(root?.text(RootPath.dietPiVersion) ?? "")
        let parts = ["CORE", "SUB", "RC"].compactMap { file["G_DIETPI_VERSION_\($0)"] }
        return parts.count == 3 ? "v" + parts.joined(separator: ".") : nil
    }

    /// Where the running system mounts the boot partition: as fstab says, if it can be read. Otherwise it is the place
    /// that all images of the flavour have. DietPi has used two; images with the older one have programs on the boot
    /// partition.
    static func bootMountPoint(_ flavour: Flavour, _ boot: BootSnapshot, _ root: RootSnapshot?) -> String {
        if let mounted = root?.bootMountPoint { return mounted }
        return switch flavour {
        case .hypriotOccidentalis, .hypriotDeviceInit, .hypriotCloudInit, .raspbian: "/boot"
        case .raspberryPiOSCloudInit, .ubuntuCloudInit, .debianRaspi: "/boot/firmware"
        case .dietPi: boot.has("dietpi/") ? "/boot" : "/boot/firmware"
        case .raspberryPiOSFirstRun, .raspberryPiOSCustomTOML, .rootPartition:
            debianRelease(boot, root).map { $0 >= .bookworm } ?? false ? "/boot/firmware" : "/boot"
        }
    }

    private static func debianRelease(_ boot: BootSnapshot, _ root: RootSnapshot?) -> DebianRelease? {
        root?.system?.codename.flatMap(DebianRelease.init(rawValue:)) ?? PiGenImage(boot, root: root)?.likelyRelease
    }

    /// The userland's architecture. HypriotOS's 32-bit images are for armv6 and run on all Pis; but its documentation
    /// labels their nodes armv7, and swarms rely on that.
    static func architecture(_ flavour: Flavour, _ boot: BootSnapshot, _ root: RootSnapshot?) -> String? {
        let found = root?.architecture
        switch flavour {
        case .hypriotOccidentalis:
            // In 2015 there was no Pi with 64 bits.
            return found.map { $0.hasPrefix("armv") ? "armv7" : $0 } ?? "armv7"
        case .hypriotDeviceInit, .hypriotCloudInit:
            if let found { return found.hasPrefix("armv") ? "armv7" : found }
            let system = boot.identification["HYPRIOT_OS"] ?? root?.identification["HYPRIOT_OS"]
            return system?.ends(with: "/armhf") == true ? "armv7" : system?.ends(with: "/arm64") == true ? "arm64" : nil
        case .raspbian, .raspberryPiOSFirstRun, .raspberryPiOSCustomTOML, .raspberryPiOSCloudInit, .ubuntuCloudInit,
            .dietPi, .debianRaspi, .rootPartition:
            return found ?? (boot.bootsArm64Only ? "arm64" : nil)
        }
    }

    /// Whether a card with this content has been booted. pi-gen's images show it in the kernel command line, others by
    /// what their first boot leaves on the root partition.
    static func hasBooted(_ flavour: Flavour, _ boot: BootSnapshot, _ root: RootSnapshot?) -> Bool? {
        switch flavour {
        case .raspbian, .raspberryPiOSFirstRun, .raspberryPiOSCustomTOML, .raspberryPiOSCloudInit:
            // Images older than pi-gen have no issue.txt, and no word in the command line that the first boot removes.
            guard let image = PiGenImage(boot, root: root), image.date != nil || !image.hasBooted else { return nil }
            return image.hasBooted
        case .hypriotOccidentalis:
            // rc.local touches it before it runs the first boot's script.
            return root?.has(RootPath.firstBootDone)
        case .hypriotCloudInit, .ubuntuCloudInit:
            if boot.commandLine.contains("init=/usr/lib/raspi-config/init_resize.sh") { return false }
            // Before 1.8.1 HypriotOS had no such word: then cloud-init's link to the instance that it has set up
            // decides.
            return root?.has(RootPath.cloudInstance)
        case .hypriotDeviceInit, .dietPi, .debianRaspi, .rootPartition: return nil
        }
    }

    /// The installed engine. If the list of packages could not be read, the known contents of the release decide.
    static func docker(_ flavour: Flavour, _ boot: BootSnapshot, _ root: RootSnapshot?) -> Docker? {
        if let root, !root.packages.isEmpty { return root.docker }
        return HypriotRelease.docker(flavour, boot)
    }

    /// The program that sets up the network interfaces. Packages alone do not decide: NetworkManager was in the archive
    /// of Raspberry Pi OS, and installed by some users, long before bookworm made it the default.
    static func networkStack(_ flavour: Flavour, _ root: RootSnapshot) -> NetworkStack? {
        switch flavour {
        // Netplan's default renderer on a server.
        case .ubuntuCloudInit: return .networkd
        case .hypriotOccidentalis, .hypriotDeviceInit, .hypriotCloudInit, .raspbian, .raspberryPiOSFirstRun,
            .raspberryPiOSCustomTOML, .raspberryPiOSCloudInit, .dietPi, .debianRaspi, .rootPartition:
            return networkStack(root)
        }
    }

    private static func networkStack(_ root: RootSnapshot) -> NetworkStack? {
        let isLate = root.system?.codename.flatMap(DebianRelease.init(rawValue:)).map { $0 >= .bookworm } ?? false
        let hasDHCPCD = root.version(of: "dhcpcd5") != nil || root.version(of: "dhcpcd") != nil
        let hasIfupdown = root.version(of: "ifupdown") != nil
        if root.version(of: "network-manager") != nil, isLate || !hasDHCPCD && !hasIfupdown { return .networkManager }
        if hasDHCPCD, !isLate || !hasIfupdown { return .dhcpcd }
        return hasIfupdown ? .ifupdown : nil
    }
}
