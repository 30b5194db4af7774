import Diagnostics
import Docker
import Recipes
import Systems

/// Where a release can get Docker from.
struct DockerSources: Hashable, Sendable {
    /// The upstream version of Debian's package docker.io; nil if there is no such package.
    var debian: String?
    /// The userlands that Docker's convenience script finds packages for (download.docker.com, August 2026).
    var script: Set<String> = []

    /// By the ID and the codename of os-release. Raspbian's userland is for ARMv6, and Docker 28 is the last one for that:
    /// bullseye and bookworm have a repository with it; for trixie the script takes Debian's, which is for ARMv7.
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

    /// Releases that are not in the table are newer than it: either source may have packages for them.
    private static let unknown = DockerSources(debian: "", script: ["armv6", "armv7", "arm64", "amd64"])

    static func of(_ profile: OSProfile) -> DockerSources {
        let id = profile.system?.id ?? (profile.architecture == "armv6" ? "raspbian" : "debian")
        let codename = profile.system?.codename ?? profile.flavour.facts.defaultCodename ?? ""
        return releases[id]?[codename] ?? unknown
    }

    func hasScript(for profile: OSProfile) -> Bool {
        profile.architecture.map(script.contains) ?? !script.isEmpty
    }

    /// "raspbian stretch", for messages.
    static func name(_ profile: OSProfile) -> String {
        profile.system.map { [$0.id, $0.codename ?? $0.versionID ?? ""].filter { !$0.isEmpty }.joined(separator: " ") }
            ?? profile.flavour.title
    }
}
