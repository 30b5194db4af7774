import Diagnostics
import Docker
import Recipes
import Systems

extension DockerInstallation {
    /// Whether the image has Docker, of whatever version.
    static func isThere(_ profile: OSProfile) -> Bool {
        profile.docker != nil || profile.flavour.facts.bundledDocker != nil
    }

    /// The version of the engine that the first boot installs, if it is known beforehand.
    static func version(of node: Node, profile: OSProfile) -> EngineVersion? {
        var ignored = DiagnosticReport()
        // Debian's package by name is the same as docker.install: debian.
        let isListed = node.firstBoot.packages.contains { $0.value == "docker.io" } && !isThere(profile)
        guard isListed || of(node, profile: profile, report: &ignored) == .debian else { return nil }
        return DockerSources.of(profile).debian.flatMap { EngineVersion($0) }
    }

    /// Why Docker cannot be installed on an image from a network; nil if it can.
    static func problem(_ profile: OSProfile) -> String? {
        if isThere(profile) {
            let version = profile.docker.map { " " + $0.version } ?? ""
            return "the image has Docker\(version) already; write install: auto, or leave it out"
        }
        let sources = DockerSources.of(profile)
        guard sources.debian == nil, !sources.hasScript(for: profile) else { return nil }
        return "neither Debian nor download.docker.com has Docker for \(DockerSources.name(profile)) any more; "
            + "carry its .deb files with docker.packages, or take a newer image"
    }

    /// The source that `node` gets Docker from on an image of this profile; nil for none. What is impossible is reported.
    static func of(_ node: Node, profile: OSProfile, report: inout DiagnosticReport) -> DockerInstallation? {
        guard node.usesDocker else { return nil }
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
        // If it is asked for, it is refused together with the other settings.
        guard docker.packages.isEmpty, !isThere(profile) else { return nil }
        let location = docker.install?.location ?? docker.location ?? node.swarm?.location
        let isListed = node.firstBoot.packages.contains { $0.value == "docker.io" || $0.value == "docker-ce" }
        switch wanted {
        case .none:
            if !isListed {
                report.warning(at: location, "docker: the image has no Docker, and docker.install says that none comes")
            }
            return nil
        case .auto: return isListed ? nil : firstSource(profile, at: location, report: &report)
        case .debian, .convenienceScript:
            return namedSource(wanted == .debian ? .debian : .script, profile, at: location, report: &report)
        }
    }

    /// The first source that has Docker for the image.
    private static func firstSource(
        _ profile: OSProfile, at location: Location?, report: inout DiagnosticReport
    ) -> DockerInstallation? {
        let sources = DockerSources.of(profile)
        if sources.debian != nil { return .debian }
        if sources.hasScript(for: profile) { return .script }
        report.warning(at: location, "docker: " + (problem(profile) ?? ""))
        return nil
    }

    /// The source that the recipe names. If no source has Docker, that is refused together with the other settings.
    private static func namedSource(
        _ source: DockerInstallation, _ profile: OSProfile, at location: Location?, report: inout DiagnosticReport
    ) -> DockerInstallation? {
        let sources = DockerSources.of(profile)
        guard source == .debian ? sources.debian == nil : !sources.hasScript(for: profile) else { return source }
        guard problem(profile) == nil else { return nil }
        let name = DockerSources.name(profile)
        switch source {
        case .debian:
            report.error(
                at: location, "docker.install: \(name) has no package docker.io; write convenience-script")
        case .script:
            report.error(
                at: location,
                "docker.install: download.docker.com has no packages for \(name) on "
                    + "\(profile.architecture ?? "this architecture"); write debian, or leave docker.install out")
        }
        return nil
    }
}
