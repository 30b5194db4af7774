import Text
import Diagnostics
import Filesystems
import Recipes
import Systems

/// What can be wrong with a recipe only together with its image. What is wrong with the recipe alone, its decoder reports.
enum RecipeChecks {
    static func report(_ node: Node, profile: OSProfile, root: RootSnapshot?) -> DiagnosticReport {
        var report = DiagnosticReport()
        checkSupport(node, profile: profile, root: root, report: &report)
        if let problem = profile.mechanismProblem {
            report.warning(
                at: node.hostname.location,
                "\(problem), so piflash configures this system another way: \(profile.flavour.mechanism)")
        }
        if node.user == nil {
            report.warning(
                at: node.hostname.location,
                profile.flavour.facts.hasPublishedLogin
                    ? "the recipe has no user: the image's login stays, with the password that everybody knows"
                    : "the recipe has no user: on \(profile.flavour.title) nobody can log in")
        }
        if let gateway = node.network.gateway, node.addresses.isEmpty {
            report.warning(at: gateway.location, "network.gateway: has no effect without address")
        }
        for network in node.wifi?.networks ?? []
        where profile.flavour.facts.readsListsOfBytesAsSSIDs && looksLikeBytes(network.ssid.value) {
            report.warning(
                at: network.ssid.location,
                "wifi.networks: NetworkManager may take \"\(network.ssid.value)\" for a list of bytes")
        }
        EnginePackages.check(node, profile: profile, report: &report)
        NetworkChecks.check(node, profile: profile, root: root, report: &report)
        LocaleChecks.check(node, root: root, report: &report)
        if node.swarm != nil {
            for kind in Cluster.kinds { kind.check(node, profile: profile, root: root, report: &report) }
        }
        return report
    }

    /// Reports what the image cannot do, with the line of the recipe that asks for it, before anything is written.
    private static func checkSupport(
        _ node: Node, profile: OSProfile, root: RootSnapshot?, report: inout DiagnosticReport
    ) {
        let support = SettingsTable.support(profile)
        for setting in Setting.allCases {
            guard let location = setting.location(in: node) else { continue }
            switch support[setting] {
            case .native: continue
            // The swarm itself is refused.
            case .impossible where Setting.partsOfSwarm.contains(setting) && support[.swarm]?.isPossible == false:
                continue
            case .impossible(let reason):
                report.error(at: location, "\(setting.title): not on \(profile.flavour.title): \(reason)")
            case .rootEdit where root == nil:
                report.error(
                    at: location,
                    "\(setting.title): \(profile.flavour.title) takes it only in its root partition; name the card or the image file, not a mounted directory"
                )
            case .rootEdit:
                guard let obstacle = root?.problem else { continue }
                report.error(
                    at: location,
                    "\(setting.title): \(profile.flavour.title) takes it only in its root partition, which cannot be edited: \(obstacle)"
                )
            case nil:
                report.error(at: location, "\(setting.title): not on \(profile.flavour.title)")
            }
        }
    }

    /// "65;66;", the form in which NetworkManager writes a name's bytes.
    private static func looksLikeBytes(_ name: String) -> Bool {
        name.ends(with: ";")
            && name.split(at: ";").allSatisfy { UInt8($0) != nil }
    }

    /// Reports a file of the recipe for the boot partition that the flavour writes.
    static func bootConflicts(_ node: Node, _ rendering: Rendering, report: inout DiagnosticReport) {
        let ours = Set(rendering.bootFiles.map { $0.path.lowercased() })
        for file in node.firstBoot.files where file.isOnBootPartition && FileChecks.problem(file) == nil {
            let path = file.path.value
            guard ours.contains(BootPartitionFile.relative(path).lowercased()) else { continue }
            report.error(at: file.path.location, "first_boot.files: \(path) is written by piflash itself")
        }
    }

    /// Reports a file of the recipe that has the path of a file of piflash.
    static func conflicts(
        _ node: Node, _ rendering: Rendering, theirs: [Provision.NodeFile], report: inout DiagnosticReport
    ) {
        let ours = rendering.nodeFiles.map(\.path) + rendering.rootEdits.map(\.path)
        for file in node.firstBoot.files {
            let path = file.path.value
            let count = ours.count { $0 == path }
            guard count > theirs.count(where: { $0.path == path }), FileChecks.problem(file) == nil else { continue }
            report.error(at: file.path.location, "first_boot.files: \(path) is written by piflash itself")
        }
    }
}
