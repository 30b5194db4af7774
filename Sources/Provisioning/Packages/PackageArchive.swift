import Systems

/// The archive of a release's packages that is no longer at its usual place.
///
/// Each date is that of the first public report that the lists are gone. Raspbian: DietPi #5613 (jessie),
/// shawaj/HiTide #20 (stretch), RetroPie-Setup #4130 and #4135 (buster). Debian: the announcements of its archive team, the
/// last one debian-devel-announce 2025/06 (buster). Ubuntu: https://documentation.ubuntu.com/project/release-team/list-of-releases/.
/// HypriotOS's own archive: hypriot/os-rootfs #68.
struct PackageArchive: Hashable, Sendable {
    /// Where the packages of old releases are; the first-boot program knows the hosts that they were at.
    enum Legacy: String, Sendable {
        case raspbian, debian, ubuntu

        var host: String {
            switch self {
            case .raspbian: "legacy.raspbian.org"
            case .debian: "archive.debian.org"
            case .ubuntu: "old-releases.ubuntu.com"
            }
        }

        /// What the images name.
        var former: String {
            switch self {
            case .raspbian: "raspbian.raspberrypi.org"
            case .debian: "deb.debian.org"
            case .ubuntu: "ports.ubuntu.com"
            }
        }
    }

    /// "Raspbian buster".
    let title: String
    /// "December 2025".
    let gone: String
    let legacy: Legacy

    private static let raspbian = [
        "wheezy": "July 2022", "jessie": "July 2022", "stretch": "January 2024", "buster": "December 2025",
    ]
    private static let debian = [
        "wheezy": "March 2019", "jessie": "April 2023", "stretch": "April 2023", "buster": "July 2025",
    ]
    /// Of releases with images for the Pi; those with long support are still there.
    private static let ubuntu = [
        "eoan": "July 2020", "groovy": "July 2021", "hirsute": "January 2022", "impish": "July 2022",
        "kinetic": "July 2023", "lunar": "January 2024", "mantic": "July 2024", "oracular": "July 2025",
        "plucky": "January 2026", "questing": "July 2026",
    ]

    /// The archive of an image of this profile, if it is gone; nil if it is where the image looks for it, or if the release
    /// is not known.
    static func gone(_ profile: OSProfile) -> PackageArchive? {
        if let system = profile.system, let codename = system.codename {
            switch system.id {
            case "raspbian":
                return raspbian[codename].map { .init(title: "Raspbian \(codename)", gone: $0, legacy: .raspbian) }
            case "debian": return debian[codename].map { .init(title: "Debian \(codename)", gone: $0, legacy: .debian) }
            case "ubuntu": return ubuntu[codename].map { .init(title: "Ubuntu \(codename)", gone: $0, legacy: .ubuntu) }
            default: return nil
            }
        }
        switch profile.flavour {
        // Wheezy to buster; the last one's was the last to go.
        case .hypriotOccidentalis, .hypriotDeviceInit, .hypriotCloudInit:
            return profile.architecture == "arm64"
                ? .init(title: "Debian buster", gone: "July 2025", legacy: .debian)
                : .init(title: "Raspbian buster", gone: "December 2025", legacy: .raspbian)
        case .raspbian: return .init(title: "Raspbian stretch", gone: "January 2024", legacy: .raspbian)
        case .raspberryPiOSFirstRun, .raspberryPiOSCustomTOML, .raspberryPiOSCloudInit, .ubuntuCloudInit, .dietPi,
            .debianRaspi, .rootPartition:
            return nil
        }
    }
}
