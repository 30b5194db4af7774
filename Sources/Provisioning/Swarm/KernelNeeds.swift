import Diagnostics
import Docker
import Recipes
import Systems

/// What a swarm's networks need of the node's kernel.
enum KernelNeeds {
    /// The package with the modules that Ubuntu left out of its Pi kernels, among them vxlan: 21.10 to 23.10
    /// (k3s-ansible #214).
    static let extraModules = "linux-modules-extra-raspi"

    private static let ubuntuWithout: Set<String> = ["21.10", "22.04", "22.10", "23.04", "23.10"]

    /// Docker's overlay networks do not work on ARMv6 since this version (moby #47496).
    private static let brokenOnARMv6 = EngineVersion(25, 0)

    /// The package that brings vxlan to the image; nil if its kernel has that.
    static func package(for profile: OSProfile) -> String? {
        guard profile.system?.id == "ubuntu", let version = profile.system?.versionID,
            ubuntuWithout.contains(version)
        else { return nil }
        return extraModules
    }

    static func check(
        _ node: Node, _ swarm: Node.Swarm, profile: OSProfile, engine: EngineVersion?, report: inout DiagnosticReport
    ) {
        // Docker's script installs 28 there.
        var ignored = DiagnosticReport()
        let isRecent =
            engine.map { $0 >= brokenOnARMv6 }
            ?? (DockerInstallation.of(node, profile: profile, report: &ignored) == .script)
        if profile.architecture == "armv6", isRecent {
            report.warning(
                at: swarm.location,
                "swarm: on a Pi 1 or Zero (ARMv6), networks between nodes do not work with Docker 25 or later: take an image "
                    + "with an older Docker, or newer boards for the swarm")
        }
        if let package = package(for: profile) {
            let isCarried = node.docker.packages.contains { $0.value.contains(package) }
            let hasWayOut = node.addresses.isEmpty || !node.network.gateways.isEmpty || node.wifi != nil
            if !isCarried, !hasWayOut {
                report.error(
                    at: swarm.location,
                    "swarm: the kernel of Ubuntu \(profile.system?.versionID ?? "") has vxlan, which the swarm's networks need, "
                        + "only in the package \(package), and without network.gateway the node cannot download it: add the "
                        + "gateway, or take Ubuntu 24.04")
            }
        }
    }
}
