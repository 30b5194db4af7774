import Systems
import Diagnostics
import Filesystems
import Recipes

/// What a recipe can get wrong only in the light of the image.
enum RecipeChecks {
    static func report(_ node: Node, profile: OSProfile, root: RootSnapshot?) -> DiagnosticReport {
        var report = DiagnosticReport()
        checkSupport(node, profile: profile, root: root, report: &report)
        if let user = node.user {
            if user.name.value == "root" {
                report.error(at: user.name.location, "user.name: \"root\" exists already; name a user of your own")
            }
            if user.password == nil, user.sshAuthorizedKeys.isEmpty {
                report.warning(
                    at: user.name.location, "user: neither password nor ssh_authorized_keys: nobody can log in")
            }
        } else {
            report.warning(
                at: node.hostname.location,
                profile.flavour.hasDefaultLogin
                    ? "there is no user: the image's own login stays, with the password that everybody knows"
                    : "there is no user: \(profile.flavour.title) makes none that can log in")
        }
        if let network = node.wifi?.networks.first, node.wifi?.country == nil {
            report.warning(
                at: network.ssid.location, "wifi: without country the radio may stay off, and 5 GHz does")
        }
        if let gateway = node.network.gateway, node.address == nil {
            report.warning(at: gateway.location, "network.gateway: without address it has no effect")
        }
        for network in node.wifi?.networks ?? []
        where profile.flavour == .raspberryPiOSCloudInit && looksLikeBytes(network.ssid.value) {
            report.warning(
                at: network.ssid.location,
                "wifi.networks: NetworkManager may take \"\(network.ssid.value)\" for a list of bytes")
        }
        checkDocker(node, profile: profile, root: root, report: &report)
        return report
    }

    /// What the image cannot do is said before anything is written, with the line of the recipe that asks for it.
    private static func checkSupport(
        _ node: Node, profile: OSProfile, root: RootSnapshot?, report: inout DiagnosticReport
    ) {
        let support = profile.support
        for setting in Setting.allCases {
            guard let location = setting.location(in: node) else { continue }
            switch support[setting] {
            case .native: continue
            case .impossible(let reason):
                report.error(at: location, "\(setting.title): not on \(profile.flavour.title): \(reason)")
            case .rootEdit where root == nil:
                report.error(
                    at: location,
                    "\(setting.title): \(profile.flavour.title) takes it only in its root partition; name the card or the image file, not a mounted directory"
                )
            case .rootEdit:
                guard let obstacle = root?.obstacle else { continue }
                report.error(
                    at: location,
                    "\(setting.title): \(profile.flavour.title) takes it only in its root partition, which cannot be edited: \(obstacle)"
                )
            case nil:
                report.error(at: location, "\(setting.title): not on \(profile.flavour.title)")
            }
        }
    }

    private static func checkDocker(
        _ node: Node, profile: OSProfile, root: RootSnapshot?, report: inout DiagnosticReport
    ) {
        guard let swarm = node.swarm else { return }
        if swarm.managers.isEmpty {
            report.error(at: swarm.location, "swarm.managers: names no manager to join")
        }
        ClassicSwarm.check(node, profile: profile, report: &report)
        if swarm.isFormed { checkForming(swarm, profile: profile, root: root, report: &report) }
    }

    /// A swarm of the rack's own needs keys on its cards, and an sshd that knows them.
    private static func checkForming(
        _ swarm: Node.Swarm, profile: OSProfile, root: RootSnapshot?, report: inout DiagnosticReport
    ) {
        guard RootFlavour.hasSwarmMode(profile) else { return }
        if let root {
            if let obstacle = root.obstacle {
                report.error(
                    at: swarm.location,
                    "swarm: without token the rack's keys go in the root partition, which cannot be edited: \(obstacle)"
                )
            }
        } else {
            report.error(
                at: swarm.location,
                "swarm: without token the rack's keys go in the root partition; name the card or the image file, not a "
                    + "mounted directory")
        }
        // Ed25519 keys came with OpenSSH 6.5; wheezy has 6.0.
        if profile.initSystem?.kind == .sysvinit || profile.system?.codename == "wheezy" {
            report.error(
                at: swarm.location,
                "swarm: without token it takes a system with systemd and OpenSSH 6.5 (from jessie on); give swarm.token"
            )
        }
    }

    /// "65;66;", the form in which NetworkManager writes a name's bytes.
    private static func looksLikeBytes(_ name: String) -> Bool {
        name.hasSuffix(";")
            && name.split(separator: ";").allSatisfy { UInt8($0) != nil }
    }

    /// A file of the recipe in the place of one of piflash's own.
    static func conflicts(
        _ node: Node, _ rendering: Rendering, theirs: [Provision.NodeFile], report: inout DiagnosticReport
    ) {
        let ours = rendering.nodeFiles.map(\.path) + rendering.rootEdits.map(\.path)
        for file in node.firstBoot.files {
            let path = file.path.value
            let count = ours.count { $0 == path }
            guard count > theirs.count(where: { $0.path == path }) else { continue }
            report.error(at: file.path.location, "first_boot.files: \(path) is written by piflash itself")
        }
    }
}

extension OSProfile.Flavour {
    /// Whether cloud-init does what the recipe says; elsewhere the first-boot program installs packages and the like.
    var usesCloudInit: Bool {
        switch self {
        case .hypriotCloudInit, .raspberryPiOSCloudInit, .ubuntuCloudInit: true
        case .hypriotOccidentalis, .hypriotDeviceInit, .raspbian, .raspberryPiOSFirstRun, .raspberryPiOSCustomTOML,
            .dietPi, .debianRaspi:
            false
        }
    }

    /// Whether the image comes with a login whose password is published.
    var hasDefaultLogin: Bool {
        switch self {
        case .hypriotOccidentalis, .hypriotDeviceInit, .raspbian, .raspberryPiOSFirstRun, .dietPi: true
        case .hypriotCloudInit, .raspberryPiOSCloudInit, .ubuntuCloudInit, .raspberryPiOSCustomTOML, .debianRaspi: false
        }
    }
}
