import Diagnostics
import Docker
import Filesystems
import Recipes
import Systems

/// What the flavours have in common whose first boot takes little or nothing: the rest is written to the root partition.
enum RootFlavour {
    /// Everything by root edit; a flavour names what its first boot takes natively.
    static func support(_ profile: OSProfile) -> [Setting: Support] {
        var support: [Setting: Support] = [:]
        support[.hostname] = .rootEdit("/etc/hostname, /etc/hosts")
        support.set(.user, .password, .groups, to: .rootEdit("/etc/passwd and the other account files"))
        support[.sshKeys] = .rootEdit("~/.ssh/authorized_keys")
        support[.sshPassword] = .rootEdit("/etc/ssh/sshd_config")
        support[.sudo] = .rootEdit("/etc/sudoers.d, first-boot program")
        let wifi: Support =
            switch profile.network ?? .ifupdown {
            case .networkManager: .rootEdit("NetworkManager keyfiles")
            case .dhcpcd, .ifupdown, .networkd: .rootEdit("wpa_supplicant.conf")
            }
        support.set(.wifi, .severalNetworks, .hiddenNetwork, .openNetwork, to: wifi)
        support[.country] = .native("cmdline.txt")
        let addressing: Support =
            switch profile.network ?? .ifupdown {
            case .networkManager: .rootEdit("NetworkManager keyfiles")
            case .dhcpcd: .rootEdit("dhcpcd.conf")
            case .ifupdown, .networkd: .rootEdit("/etc/network/interfaces")
            }
        support.set(.address, .nameServers, .ipv6Address, .ipv6Gateway, .wiredBesideWiFi, to: addressing)
        if profile.network == .dhcpcd { support[.ipv6Gateway] = .impossible(noGateway6) }
        support[.timezone] = .rootEdit("/etc/localtime")
        support[.language] = .rootEdit("/etc/default/locale, locale.gen")
        support.set(.keyboard, .keyboardVariant, to: .rootEdit("/etc/default/keyboard"))
        support[.docker] = .rootEdit(readsDaemonFile(profile) ? "/etc/docker/daemon.json" : "/etc/default/docker")
        support.set(.rackHosts, .packages, .commands, to: .rootEdit("first-boot program"))
        support[.swarm] =
            hasSwarmMode(profile)
            ? .rootEdit("first-boot program")
            : .impossible(
                "Docker \(engineVersion(profile)?.description ?? "") has no swarm mode, which came with 1.12; write "
                    + "swarm.mode: classic")
        support[.files] = .rootEdit("the files themselves")
        support[.clock] = .rootEdit("fake-hwclock.data, timesyncd's clock file")
        return support
    }

    /// dhcpcd.conf(5) has `routers` for IPv4 only.
    static let noGateway6 =
        "dhcpcd takes no IPv6 gateway, it learns it from the router's advertisements; leave it out"

    /// The engine's version: from the image, or from the flavour's facts if the image does not give it.
    static func engineVersion(_ profile: OSProfile) -> EngineVersion? {
        profile.docker.flatMap { EngineVersion($0.version) }
            ?? profile.flavour.facts.bundledDocker?.assumedVersion
    }

    static func readsDaemonFile(_ profile: OSProfile) -> Bool {
        engineVersion(profile).map { $0 >= .daemonFile } ?? true
    }

    static func hasSwarmMode(_ profile: OSProfile) -> Bool {
        engineVersion(profile).map { $0 >= .swarmMode } ?? true
    }

    /// The kernel's part: what Docker needs, and the radio's country.
    static func kernelTokens(_ draft: Draft) -> [String] { ModernCloudInit.kernelTokens(draft) }

    /// Edits of the root partition; none if it cannot be edited, which is reported elsewhere.
    static func edits(_ draft: Draft, _ body: (inout RootSetup) -> Void) -> [TreeChange] {
        guard let root = draft.root, draft.editsRoot else { return [] }
        var setup = RootSetup(draft, root: root)
        body(&setup)
        return setup.edits
    }

    /// HypriotOS before it had cloud-init: its first boot takes the host name, and sshd already runs.
    static func hypriotEdits(_ draft: Draft, report: inout DiagnosticReport) -> [TreeChange] {
        edits(draft) { setup in
            setup.setUser(report: &report)
            setup.setSSH(enable: false)
            setup.setNetwork()
            setup.setLocale()
            setup.setFirstBoot()
        }
    }
}
