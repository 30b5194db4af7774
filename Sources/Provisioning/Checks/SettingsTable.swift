package import Systems

/// The settings that each system takes, and how: docs/settings.md, made from what the renderers declare.
package enum SettingsTable {
    /// A system of the table, and an image of it.
    package struct Column: Sendable {
        package let title: String
        package let profile: OSProfile
    }

    /// How an image of this profile takes each setting: what its flavour declares, and what all have in common.
    package static func support(_ profile: OSProfile) -> [Setting: Support] {
        var support = profile.flavour.renderer.support(profile)
        // The first-boot program does these, and is itself taken the way that commands are.
        support[.install] = DockerInstallation.problem(profile).map { .impossible($0) } ?? support[.commands]
        support[.remoteSSH] = RemoteAccess.obstacleToSSH(profile).map { .impossible($0) } ?? support[.commands]
        support[.classicSwarm] = support[.commands]
        support[.homeFiles] = support[.commands]
        support[.bootFiles] = .native("the files themselves")
        // Only a swarm that the rack forms has these.
        var formed = support[.swarm]
        if case .impossible = formed {
        } else if let problem = SwarmFormation.problem(profile) {
            formed = .impossible(problem)
        }
        support[.swarmNetworks] = formed
        support[.swarmCommands] = formed
        support[.stacks] = stacks(formed)
        support[.proxy] =
            switch support[.commands] {
            case .native(let text): .native("\(text); an address with a login in the root partition")
            case let answer: answer
            }
        support.set(.dockerPackages, .preload, to: .rootEdit("files in \(CarriedFile.directory)"))
        support[.remoteTLS] = .rootEdit("files in \(SuppliedFiles.certificateDirectory)")
        return support
    }

    /// The compose files and what they name go in the root partition on every system that has swarm mode.
    private static func stacks(_ swarm: Support?) -> Support? {
        if case .impossible = swarm { return swarm }
        return .rootEdit("files in \(SwarmFormation.stacksDirectory) and \(SwarmFormation.stackFilesDirectory)")
    }

    /// How it was seen that a setting takes effect, the best way last.
    package enum Proof: String, Sendable {
        /// piflash's first-boot program did it in a test, with stand-ins for the programs that it calls.
        case program = "ᵖ"
        /// The program that reads it, the real one, understood it in a test.
        case consumer = "ᶜ"
        /// It was seen on a node that had booted.
        case boot = "ᵇ"
    }

    /// The document, in Markdown.
    ///
    /// - Parameter proofs: by the title of a column.
    package static func document(proofs: [String: [Setting: Proof]]) -> String {
        var lines = [
            "# What each system takes",
            "",
            "Made from what the renderers declare. A test keeps it true, and checks each mark by rendering a card.",
            "",
            "A letter says how the effect was seen: **ᵇ** on a node that had booted (`Tests/boots/run PIFLASH effects`, the",
            "system's userland on Debian's programs, arranged as the vendor does it); **ᶜ** by the real program that reads it, in",
            "a test; **ᵖ** by piflash's first-boot program in a test, with stand-ins for the programs that it calls. Without a",
            "letter, only the bytes on the card were compared.",
            "",
            "**●** by the system's own first boot, from files on the boot partition, but for what is not for all to read: that is in",
            "the root partition ([first-boot.md](first-boot.md#secrets-on-a-card)); **○** written to the root partition with the",
            "card, since the system's first boot cannot do it; **–** not possible: the recipe is refused, with its line. If only",
            "the boot partition is available (`piflash configure … /media/me/boot`), ○ is refused, too.",
            "",
            "| | " + columns.indices.map { "\($0 + 1)" }.joined(separator: " | ") + " |",
            "|---|" + columns.map { _ in ":-:|" }.joined(),
        ]
        for setting in Setting.allCases {
            let marks = columns.map { column in
                let support = support(column.profile)[setting]
                if case .impossible = support { return mark(support) }
                return mark(support) + (proofs[column.title]?[setting]?.rawValue ?? "")
            }
            lines.append("| \(setting.title) | " + marks.joined(separator: " | ") + " |")
        }
        for (index, column) in columns.enumerated() {
            lines += ["", "## \(index + 1). \(column.title)", ""]
            lines += ["| setting | by |", "|---|---|"]
            for (text, settings) in grouped(support(column.profile)) {
                lines.append("| \(settings.map(\.title).joined(separator: "; ")) | \(text) |")
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The settings that are taken the same way, in the order of the first of each.
    private static func grouped(_ support: [Setting: Support]) -> [(String, [Setting])] {
        var groups: [(String, [Setting])] = []
        for setting in Setting.allCases {
            let text = description(support[setting])
            if let index = groups.firstIndex(where: { $0.0 == text }) {
                groups[index].1.append(setting)
            } else {
                groups.append((text, [setting]))
            }
        }
        return groups
    }

    private static func mark(_ support: Support?) -> String {
        switch support {
        case .native: "●"
        case .rootEdit: "○"
        case .impossible, nil: "–"
        }
    }

    private static func description(_ support: Support?) -> String {
        switch support {
        case .native(let text): "● \(text)"
        case .rootEdit(let text): "○ \(text)"
        case .impossible(let text): "– \(text)"
        case nil: "–"
        }
    }
}
