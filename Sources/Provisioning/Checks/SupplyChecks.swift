import Text
import Diagnostics
import Recipes
import Systems

/// Checks whether the files that a card carries suit its image.
enum SupplyChecks {
    static func check(_ supplies: Supplies, _ node: Node, profile: OSProfile, report: inout DiagnosticReport) {
        StackChecks.check(supplies.stacks, node, profile: profile, report: &report)
        checkPackages(supplies.packages, profile: profile, report: &report)
        for archive in supplies.savedImages {
            for image in archive.images { check(image, of: archive, profile: profile, report: &report) }
        }
        if node.docker.remote?.value == .ssh, node.user == nil {
            report.error(
                at: node.docker.remote?.location, "docker.remote: ssh: nobody can log in: add a user")
        }
    }

    /// The packages' architecture is Debian's name for the userland's.
    private static let debianNames = ["armv6": "armhf", "armv7": "armhf", "arm64": "arm64", "amd64": "amd64"]
    private static let engines: Set<String> = ["docker-ce", "docker.io", "docker-engine", "docker-hypriot"]
    /// The packages without which an engine does not start.
    private static let companions: Set<String> = ["containerd.io", "containerd", "runc", "docker-ce-cli"]

    private static func checkPackages(
        _ packages: [Supplies.Package], profile: OSProfile, report: inout DiagnosticReport
    ) {
        guard let first = packages.first else { return }
        let names = packages.map(\.package.name)
        for (index, item) in packages.enumerated() {
            let package = item.package
            let location = item.path.location
            if let wanted = profile.architecture.flatMap({ debianNames[$0] }),
                ![wanted, "all"].contains(package.architecture)
            {
                report.error(
                    at: location,
                    "docker.packages: \(package.name) is for \(package.architecture); the image is \(wanted)")
            } else if profile.architecture == "armv6", package.architecture == "armhf",
                engines.contains(package.name) || package.name == "containerd.io", package.version.contains("~debian")
            {
                report.warning(
                    at: location,
                    "docker.packages: \(package.name) \(package.version) is Debian's, for ARMv7: it does not run on a Pi 1 or Zero"
                )
            }
            if names[..<index].contains(package.name) {
                report.error(at: location, "docker.packages: \(package.name) appears twice")
            }
        }
        if !DockerInstallation.isThere(profile), !names.contains(where: engines.contains) {
            report.error(
                at: first.path.location,
                "docker.packages: add Docker's engine (docker-ce or docker.io), because the image does not have it")
        }
        for item in packages where engines.contains(item.package.name) && !DockerInstallation.isThere(profile) {
            let missing = item.package.depends.filter { companions.contains($0) && !names.contains($0) }
            if !missing.isEmpty {
                report.warning(
                    at: item.path.location,
                    "docker.packages: \(item.package.name) needs \(missing.joined(separator: ", ")): add the package, because a node without a network cannot download it"
                )
            }
        }
    }

    /// A 64-bit Pi runs images for 32 bits as well.
    private static func check(
        _ image: SavedImage, of archive: Supplies.SavedImages, profile: OSProfile, report: inout DiagnosticReport
    ) {
        guard let architecture = profile.architecture else { return }
        let title = image.tags.first ?? archive.path.value.split(at: "/").last.map(String.init) ?? ""
        let wanted: String
        let fits: Bool
        switch architecture {
        case "arm64":
            wanted = "arm64"
            fits = ["arm64", "arm"].contains(image.architecture)
        case "armv6", "armv7":
            wanted = architecture == "armv6" ? "arm/v6" : "arm/v7"
            fits = image.architecture == "arm" && image.variant != "v8"
        default:
            wanted = architecture
            fits = image.architecture == architecture
        }
        if !fits {
            report.error(
                at: archive.path.location,
                "docker.preload: \(title) is for \(image.platform); this node needs \(wanted) "
                    + "(docker pull --platform linux/\(wanted))")
        } else if architecture == "armv6", image.variant == "v7" {
            report.warning(
                at: archive.path.location,
                "docker.preload: \(title) is for \(image.platform): it does not run on a Pi 1 or Zero")
        }
    }
}
