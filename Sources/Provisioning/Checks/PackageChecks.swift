import Diagnostics
import Recipes
import Systems

/// Whether a node's first boot can get the packages that it installs.
enum PackageChecks {
    /// - Parameter installation: how the first boot installs Docker; nil if it does not.
    static func check(
        _ node: Node, profile: OSProfile, installation: DockerInstallation?, report: inout DiagnosticReport
    ) {
        var wanted: [(key: String, location: Location)] = []
        if let package = node.firstBoot.packages.first { wanted.append(("first_boot.packages", package.location)) }
        if installation != nil,
            let location = node.docker.install?.location ?? node.docker.location ?? node.swarm?.location
        {
            wanted.append(("docker.install", location))
        }
        checkArchive(node, profile: profile, wanted: wanted, report: &report)
        guard let proxy = node.docker.proxy, node.network.proxy == nil else { return }
        for (key, _) in wanted {
            report.warning(
                at: proxy.location,
                "\(key): docker.proxy is for dockerd alone, so apt and curl try to reach the network directly; write network.proxy instead, which dockerd uses too"
            )
        }
    }

    private static func checkArchive(
        _ node: Node, profile: OSProfile, wanted: [(key: String, location: Location)], report: inout DiagnosticReport
    ) {
        let usesLegacy = node.firstBoot.legacyArchive?.value ?? false
        guard let archive = PackageArchive.gone(profile) else {
            if usesLegacy {
                report.warning(
                    at: node.firstBoot.legacyArchive?.location,
                    "first_boot.legacy_archive: has no effect: the packages of this image are still in their usual archive"
                )
            }
            return
        }
        guard !usesLegacy else { return }
        for (key, location) in wanted {
            report.warning(
                at: location,
                "\(key): the packages of \(archive.title) have not been at \(archive.legacy.former) since \(archive.gone), so nothing can be installed: "
                    + "write first_boot.legacy_archive: true to get them from \(archive.legacy.host), or take a newer image"
            )
        }
    }
}
