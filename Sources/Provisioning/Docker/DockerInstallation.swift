import Systems
import Diagnostics
import Docker
import Recipes

/// Where a release can get Docker from.
struct DockerSources: Hashable, Sendable {
    /// Debian's package docker.io: its upstream version; nil where there is none.
    var debian: String?
    /// The userlands that Docker's convenience script finds packages for (download.docker.com, August 2026).
    var script: Set<String> = []

    /// By the ID and the codename of os-release. ARMv6 is Raspbian's userland, which Docker 28 is the last one for:
    /// there is a repository of it for bullseye and bookworm; for trixie the script takes Debian's, for ARMv7.
    private static let releases: [String: [String: DockerSources]] = [
        "raspbian": [
            "wheezy": .init(), "jessie": .init(), "stretch": .init(), "buster": .init(debian: "18.09.1"),
            "bullseye": .init(debian: "20.10.5", script: ["armv6", "armv7"]),
            "bookworm": .init(debian: "20.10.24", script: ["armv6", "armv7"]),
            "trixie": .init(debian: "26.1.5", script: ["armv7"]),
        ],
        "debian": [
            "wheezy": .init(), "jessie": .init(), "stretch": .init(), "buster": .init(debian: "18.09.1"),
            "bullseye": .init(debian: "20.10.5", script: ["armv7", "arm64", "amd64"]),
            "bookworm": .init(debian: "20.10.24", script: ["armv7", "arm64", "amd64"]),
            "trixie": .init(debian: "26.1.5", script: ["armv7", "arm64", "amd64"]),
        ],
    ]

    /// Releases that the table does not know are newer than it: nothing speaks against either source.
    private static let unknown = DockerSources(debian: "", script: ["armv6", "armv7", "arm64", "amd64"])

    static func of(_ profile: OSProfile) -> DockerSources {
        let id = profile.system?.id ?? (profile.architecture == "armv6" ? "raspbian" : "debian")
        let codename = profile.system?.codename ?? (profile.flavour == .raspberryPiOSCloudInit ? "trixie" : "")
        return releases[id]?[codename] ?? unknown
    }

    func hasScript(for profile: OSProfile) -> Bool {
        profile.architecture.map(script.contains) ?? !script.isEmpty
    }

    /// "raspbian stretch", for people.
    static func name(_ profile: OSProfile) -> String {
        profile.system.map { [$0.id, $0.codename ?? $0.versionID ?? ""].filter { !$0.isEmpty }.joined(separator: " ") }
            ?? profile.flavour.title
    }
}

/// How the first boot gets Docker on the node.
enum DockerInstallation: String, Sendable {
    case debian
    case script

    /// For the status file.
    var title: String {
        switch self {
        case .debian: "Debian's docker.io"
        case .script: "https://get.docker.com"
        }
    }

    /// Docker is what HypriotOS is for; only its version may be unknown.
    static func isThere(_ profile: OSProfile) -> Bool {
        profile.docker != nil
            || [.hypriotCloudInit, .hypriotDeviceInit, .hypriotOccidentalis].contains(profile.flavour)
    }

    /// The version of the engine that the first boot installs, where that is known beforehand.
    static func version(of node: Node, profile: OSProfile) -> EngineVersion? {
        var ignored = DiagnosticReport()
        guard of(node, profile: profile, report: &ignored) == .debian else { return nil }
        return DockerSources.of(profile).debian.flatMap { EngineVersion($0) }
    }

    /// Why an image cannot be given Docker from a network at all; nil when it can.
    static func obstacle(_ profile: OSProfile) -> String? {
        if isThere(profile) {
            let version = profile.docker.map { " " + $0.version } ?? ""
            return "the image has Docker\(version) already; write install: auto, or leave it out"
        }
        let sources = DockerSources.of(profile)
        guard sources.debian == nil, !sources.hasScript(for: profile) else { return nil }
        return "neither Debian nor download.docker.com has Docker for \(DockerSources.name(profile)) any more; "
            + "carry its .deb files with docker.packages, or take a newer image"
    }

    /// What `node` gets on an image of this profile; nil for nothing. What cannot be is reported.
    static func of(_ node: Node, profile: OSProfile, report: inout DiagnosticReport) -> DockerInstallation? {
        guard Draft.usesDocker(node) else { return nil }
        let docker = node.docker
        let wanted = docker.install?.value ?? .auto
        if let channel = docker.channel, wanted != .convenienceScript {
            report.error(
                at: channel.location,
                "docker.channel: only the convenience script has channels; write docker.install: convenience-script, or leave docker.channel out"
            )
        }
        if let install = docker.install, !docker.packages.isEmpty, wanted == .debian || wanted == .convenienceScript {
            report.error(
                at: install.location,
                "docker.install: docker.packages says what is installed; leave docker.install out, or docker.packages")
            return nil
        }
        // Refused with the other settings, when it is asked for.
        guard docker.packages.isEmpty, !isThere(profile) else { return nil }
        let packages = node.firstBoot.packages.map(\.value)
        let isListed = packages.contains { $0 == "docker.io" || $0 == "docker-ce" }
        let location = docker.install?.location ?? docker.location ?? node.swarm?.location
        let sources = DockerSources.of(profile)
        switch wanted {
        case .none:
            if !isListed {
                report.warning(at: location, "docker: the image has no Docker, and docker.install says that none comes")
            }
            return nil
        case .auto:
            if isListed { return nil }
            if sources.debian != nil { return .debian }
            if sources.hasScript(for: profile) { return .script }
            report.warning(at: location, "docker: " + (obstacle(profile) ?? ""))
            return nil
        case .debian:
            if sources.debian != nil { return .debian }
            if obstacle(profile) == nil {
                report.error(
                    at: location,
                    "docker.install: \(DockerSources.name(profile)) has no package docker.io; write convenience-script")
            }
            return nil
        case .convenienceScript:
            if sources.hasScript(for: profile) { return .script }
            if obstacle(profile) == nil {
                report.error(
                    at: location,
                    "docker.install: download.docker.com has no packages for \(DockerSources.name(profile)) on "
                        + "\(profile.architecture ?? "this architecture"); write debian, or leave docker.install out")
            }
            return nil
        }
    }
}
