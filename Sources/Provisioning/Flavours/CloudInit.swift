import Diagnostics
import Recipes
import Systems
import Text

/// What a flavour with cloud-init makes from a draft.
struct Seed: Sendable {
    var userData: CloudConfig
    var networkConfig: YAML?
    /// Lines of meta-data after the instance's id.
    var metaData: [YAML.Entry] = []
    var kernelTokens: [String] = []
    /// All files of the node, the draft's among them: user-data writes those that are for all, and the others too if the
    /// root partition cannot be edited.
    var files: [Provision.NodeFile]
}

/// A flavour whose first boot is cloud-init's.
protocol CloudInitFlavour: FlavourRenderer {
    static func seed(_ draft: Draft) -> Seed
}

extension CloudInitFlavour {
    static func support(_ profile: OSProfile) -> [Setting: Support] {
        CloudInit.support(network: BootPath.networkConfiguration, keyboard: BootPath.userData)
    }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        _ = draft.isUserNameFree(report: &report)
        return CloudInit.rendering(seed(draft), draft)
    }
}

/// NoCloud: cloud-init's seed on the boot partition.
/// <https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html>
enum CloudInit {
    /// user-data, meta-data and network-config. NoCloud accepts a card only if it has the first two.
    static func rendering(_ seed: Seed, _ draft: Draft) -> Rendering {
        let userData = seed.userData.contents
        let network = seed.networkConfig.map { Array($0.document.utf8) }
        let rest = YAML.map(seed.metaData).document
        // cloud-init does its work again exactly if this changes. The token is not in it: the first-boot program finds a
        // new one by itself, and cloud-init would make new host keys. Spelt with an underscore the key has no effect.
        let digest = digest(of: [userData, network ?? [], Array(rest.utf8)])
        let host = draft.node.hostname.value
        let metaData = "instance-id: piflash-\(host)-\(digest)\n" + (seed.metaData.isEmpty ? "" : rest)
        var files: [Provision.BootFile] = [
            .init(path: BootPath.userData, contents: userData),
            .init(path: BootPath.metaData, contents: Array(metaData.utf8)),
        ]
        if let network { files.append(.init(path: BootPath.networkConfiguration, contents: network)) }
        // Only the root partition keeps a clock, except on HypriotOS from 1.12.0 on.
        let edits = RootFlavour.edits(draft) { setup in
            setup.setClock()
            for edit in SeedUnit.edits(bootMountPoint: draft.profile.bootMountPoint) + draft.written(seed.files) {
                setup.append(edit)
            }
            if draft.hasWiFi { setup.switchRadioOn() }
        }
        return Rendering(
            bootFiles: files, rootEdits: edits, nodeFiles: draft.seeded(seed.files), kernelTokens: seed.kernelTokens)
    }

    /// All by user-data, except where the dialects differ.
    static func support(network: String, keyboard: String) -> [Setting: Support] {
        var support: [Setting: Support] = [:]
        support.set(
            .hostname, .user, .password, .sshKeys, .sshPassword, .sudo, .groups, .rackHosts, .timezone, .language,
            .docker, .swarm,
            .packages,
            .files, .commands, to: .native("user-data"))
        support.set(
            .wifi, .severalNetworks, .hiddenNetwork, .openNetwork, to: .native(network))
        support.set(.keyboard, .keyboardVariant, to: .native(keyboard))
        support.set(
            .address, .nameServers, .ipv6Address, .ipv6Gateway, .wiredBesideWiFi, to: .native("network-config"))
        support[.country] = .native("cmdline.txt, \(network)")
        support[.clock] = .rootEdit("timesyncd's clock file, fake-hwclock.data")
        return support
    }
}
