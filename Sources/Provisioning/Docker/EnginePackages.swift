import Diagnostics
import Docker
import Recipes
import Systems

/// Packages of first_boot.packages that would bring another Docker than the one that the recipe is validated for, or that
/// its source does not have: apt then removes the engine, or installs nothing at all.
enum EnginePackages {
    /// Where the node's engine comes from.
    private enum Source {
        case debian
        /// download.docker.com, also for HypriotOS's docker-ce.
        case docker
        /// A package that no archive has today.
        case vendor(String)
    }

    static func check(_ node: Node, profile: OSProfile, report: inout DiagnosticReport) {
        guard node.usesDocker || DockerInstallation.isThere(profile) else { return }
        guard let source = source(of: node, profile) else { return }
        for package in node.firstBoot.packages {
            let name = String(package.value.prefix { $0 != "=" })
            guard let problem = problem(name, source, profile) else { continue }
            report.error(at: package.location, "first_boot.packages: \(name): \(problem)")
        }
    }

    private static func source(of node: Node, _ profile: OSProfile) -> Source? {
        if let docker = profile.docker {
            switch docker.package {
            case "docker.io": return .debian
            case "docker-ce", nil: return .docker
            case let name?: return .vendor(name)
            }
        }
        if DockerInstallation.isThere(profile) { return .docker }
        if node.docker.packages.contains(where: { $0.value.contains("docker-ce") }) { return .docker }
        if node.docker.packages.contains(where: { $0.value.contains("docker.io") }) { return .debian }
        var ignored = DiagnosticReport()
        switch DockerInstallation.of(node, profile: profile, report: &ignored) {
        case .debian: return .debian
        case .script: return .docker
        // Debian's package by name is as good as docker.install: debian.
        case nil: return node.firstBoot.packages.contains { $0.value == "docker.io" } ? .debian : nil
        }
    }

    private static func problem(_ name: String, _ source: Source, _ profile: OSProfile) -> String? {
        let engine: String
        switch source {
        case .debian: engine = "docker.io"
        case .docker: engine = "docker-ce"
        case .vendor(let package): engine = package
        }
        let isDebians: Bool = if case .debian = source { true } else { false }
        switch name {
        case "podman-docker":
            return "it puts another docker command in the place of \(engine)'s; leave it out"
        case "docker", "docker-engine", "lxc-docker":
            return "no archive has Docker under this name; leave it out, docker.install says where Docker comes from"
        case "docker.io", "containerd", "runc":
            return isDebians ? nil : "apt would put Debian's Docker in the place of \(engine); leave it out"
        case "docker-ce", "docker-ce-cli", "containerd.io", "docker-buildx-plugin", "docker-ce-rootless-extras":
            if case .docker = source { return nil }
            return
                "only Docker's archive has it, and the node has \(engine); write docker.install: convenience-script in "
                + "its place, where the image has no Docker yet"
        case "docker-compose-plugin":
            if case .docker = source { return nil }
            return "only Docker's archive has it; write \(composeOfDebian(profile))"
        case "docker-compose", "docker-compose-v2":
            if isDebians {
                let own = composeOfDebian(profile)
                return name == own || name == "docker-compose"
                    ? nil : "the system's archive does not have it; write \(own)"
            }
            return "apt would put Debian's docker.io, which it recommends, in the place of \(engine); "
                + "write docker-compose-plugin"
                + (profile.docker?.package == "docker-ce" ? "" : ", if Docker's archive is set up")
        default: return nil
        }
    }

    /// Ubuntu has Compose 2 as docker-compose-v2 (22.04 and later), Debian has docker-compose.
    private static func composeOfDebian(_ profile: OSProfile) -> String {
        profile.system?.id == "ubuntu" || profile.flavour == .ubuntuCloudInit ? "docker-compose-v2" : "docker-compose"
    }
}
