import Diagnostics
import Recipes
import Systems

/// Raspbian buster and Raspberry Pi OS bullseye, and later cards whose own mechanism has run or is missing:
/// a script on the boot partition, started once by `systemd.run=` in the kernel command line (systemd from 240 on).
enum RaspberryPiOSFirstRun: FlavourRenderer {
    static let facts = FlavourFacts(
        hasPublishedLogin: true, defaultCodename: nil, bundledDocker: nil, takesOverFirstUser: true,
        switchesRadioOn: false, installsPackages: false, readsListsOfBytesAsSSIDs: false,
        hasCloudInit: false, renamesFirstUser: true, seededAccounts: [],
        removableBootFiles: [FirstRunScript.name, FirstRunScript.triesPath, "userconf.txt", "wpa_supplicant.conf"])

    /// Taken from the boot partition by raspberrypi-net-mods up to bullseye, which mounts it at /boot.
    private static func readsWPAFile(_ profile: OSProfile) -> Bool {
        usesWPASupplicant(profile) && !profile.unreadBootFiles.contains(BootPath.wpaSupplicant)
    }

    /// Later releases have NetworkManager.
    private static func usesWPASupplicant(_ profile: OSProfile) -> Bool { profile.bootMountPoint == "/boot" }

    static func support(_ profile: OSProfile) -> [Setting: Support] {
        var support: [Setting: Support] = [:]
        support.set(
            .hostname, .user, .password, .sshKeys, .sshPassword, .sudo, .groups, .address, .nameServers, .ipv6Address,
            .ipv6Gateway,
            .wiredBesideWiFi, .rackHosts, .timezone, .language, .keyboard, .keyboardVariant, .docker, .packages, .files,
            .commands, to: .native("firstrun.sh"))
        support[.swarm] =
            RootFlavour.hasSwarmMode(profile) ? .native("firstrun.sh") : RootFlavour.support(profile)[.swarm]
        if usesWPASupplicant(profile) { support[.ipv6Gateway] = .impossible(RootFlavour.noGateway6) }
        let wifi =
            if readsWPAFile(profile) {
                "wpa_supplicant.conf"
            } else if usesWPASupplicant(profile) {
                "firstrun.sh (wpa_supplicant.conf)"
            } else {
                "firstrun.sh (NetworkManager keyfiles)"
            }
        support.set(.wifi, .severalNetworks, .hiddenNetwork, .openNetwork, to: .native(wifi))
        support[.country] = .native(readsWPAFile(profile) ? "cmdline.txt, wpa_supplicant.conf" : "cmdline.txt")
        support[.clock] = .native("firstrun.sh")
        return support
    }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        let profile = draft.profile
        _ = draft.isUserNameFree(report: &report)
        var files: [Provision.BootFile] = []
        if !profile.unreadBootFiles.contains(BootPath.ssh) {
            files.append(.init(path: BootPath.ssh, contents: [], isConsumed: true))
        }
        // Images from this day on have no default user, and ask for one on the console if the file is missing. In the root
        // partition the dialogue is switched off instead.
        if !draft.editsRoot, (profile.release ?? "") >= "2022-04-04", let user = draft.node.user {
            let text = "\(user.name.value):\(draft.material.passwordHash ?? "*")\n"
            files.append(.init(path: "userconf.txt", contents: Array(text.utf8), isConsumed: true))
        }
        let wifi: FirstRunScript.WiFi =
            if !usesWPASupplicant(profile) {
                .keyfiles
            } else {
                readsWPAFile(profile) && !draft.editsRoot ? .bootPartition : .wpaSupplicant
            }
        if wifi == .bootPartition, draft.hasWiFi { files.append(WPASupplicant.bootFile(draft)) }
        let script = FirstRunScript(draft, wifi: wifi)
        files.append(FirstRunScript.tries)
        files.append(.init(path: FirstRunScript.name, contents: Array(script.text.utf8), isConsumed: true))
        return Rendering(
            bootFiles: files,
            rootEdits: RootFlavour.edits(draft) { setup in
                setup.endUserDialogue()
                if draft.hasWiFi { setup.switchRadioOn() }
                for edit in script.edits { setup.append(edit) }
            }, nodeFiles: script.files,
            kernelTokens: RootFlavour.kernelTokens(draft) + FirstRunScript.kernelTokens(profile))
    }
}
