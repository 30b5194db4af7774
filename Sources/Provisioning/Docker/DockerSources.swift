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
        let codename = profile.system?.codename ?? profile.flavour.facts.defaultCodename ?? ""
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
