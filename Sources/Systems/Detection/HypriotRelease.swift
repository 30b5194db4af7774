import Text

/// The release of HypriotOS, and the Docker version that each release is known to contain.
enum HypriotRelease {
    /// HYPRIOT_IMAGE_VERSION of the os-release on either partition: "v1.12.3".
    static func version(_ boot: BootSnapshot, _ root: RootSnapshot?) -> String? {
        boot.identification["HYPRIOT_IMAGE_VERSION"] ?? root?.identification["HYPRIOT_IMAGE_VERSION"]
    }

    /// When an image of 2015 was built: /etc/hypriot_release has lines like "image_build: 20150416-201537"
    /// (rpi-image-builder, scripts/build_image.sh). The image's name has the same time.
    static func build(_ root: RootSnapshot?) -> String? {
        let prefix = "image_build:"
        let line = root?.text(RootPath.hypriotRelease)?.split(whereSeparator: \.isNewline).first {
            $0.hasPrefix(prefix)
        }
        let value = line?.dropFirst(prefix.count).filter { !$0.isWhitespace }
        return value?.isEmpty == false ? value : nil
    }

    /// The Docker of the release that the boot partition names; nil if it is not known.
    static func docker(_ flavour: OSProfile.Flavour, _ boot: BootSnapshot) -> OSProfile.Docker? {
        guard let version = version(boot, nil) else { return nil }
        let number = String(version.hasPrefix("v") ? version.dropFirst() : version[...])
        let series = number.split(at: ".").prefix(2).joined(separator: ".")
        let known =
            switch flavour {
            case .hypriotDeviceInit: deviceInit[number]
            case .hypriotCloudInit: cloudInit[number] ?? cloudInitSeries[series]
            case .hypriotOccidentalis, .raspbian, .raspberryPiOSFirstRun, .raspberryPiOSCustomTOML,
                .raspberryPiOSCloudInit, .ubuntuCloudInit, .dietPi, .debianRaspi, .rootPartition:
                nil as String?
            }
        return known.map { OSProfile.Docker(version: $0) }
    }

    // image-builder-rpi, versions.config of each tag. Of other releases, such as release candidates, the version is
    // unknown.
    private static let deviceInit = [
        "1.6.0": "17.09.0", "1.3.0": "17.03.0", "1.2.1": "1.13.1", "1.2.0": "1.13.0", "1.1.3": "1.12.5",
        "1.1.0": "1.12.2", "1.0.0": "1.12.1",
    ]
    private static let cloudInit = [
        "1.12.3": "19.03.12", "1.12.2": "19.03.11", "1.12.1": "19.03.8", "1.12.0": "19.03.5", "1.11.5": "19.03.5",
        "1.11.0": "19.03.0", "1.9.0": "18.04.0", "1.8.0": "18.03.0",
    ]
    /// Series in which all releases have the same version.
    private static let cloudInitSeries = ["1.10": "18.06.3", "1.7": "17.10.0"]
}
