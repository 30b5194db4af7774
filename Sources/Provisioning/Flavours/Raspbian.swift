import Diagnostics
import Systems

/// Raspbian wheezy, jessie and stretch: the boot partition takes `ssh` and, from jessie on, wpa_supplicant.conf; all else
/// is written to the root partition.
enum Raspbian: FlavourRenderer {
    static let facts = FlavourFacts(
        hasPublishedLogin: true, defaultCodename: nil, bundledDocker: nil, takesOverFirstUser: true,
        switchesRadioOn: false, installsPackages: false, readsListsOfBytesAsSSIDs: false,
        hasCloudInit: false, renamesFirstUser: false, seededAccounts: [],
        removableBootFiles: ["wpa_supplicant.conf"])

    /// Images from this day on switch SSH off until the file `ssh` is there (raspberrypi-sys-mods 20161124).
    private static func readsSSHFile(_ profile: OSProfile) -> Bool {
        (profile.release ?? "") >= "2016-11-25" && !profile.unreadBootFiles.contains(BootPath.ssh)
    }

    private static func readsWPAFile(_ profile: OSProfile) -> Bool {
        profile.system?.codename != "wheezy" && !profile.unreadBootFiles.contains(BootPath.wpaSupplicant)
    }

    static func support(_ profile: OSProfile) -> [Setting: Support] {
        var support = RootFlavour.support(profile)
        if readsWPAFile(profile) {
            support.set(
                .wifi, .severalNetworks, .hiddenNetwork, .openNetwork, to: .native("wpa_supplicant.conf"))
            support[.country] = .native("cmdline.txt, wpa_supplicant.conf")
        }
        return support
    }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        var files: [Provision.BootFile] = []
        let readsSSHFile = readsSSHFile(draft.profile)
        if readsSSHFile { files.append(.init(path: BootPath.ssh, contents: [], isConsumed: true)) }
        // With a key of Wi-Fi in it, the file does not belong on the boot partition.
        let readsWPAFile = !draft.editsRoot && readsWPAFile(draft.profile)
        if readsWPAFile, draft.hasWiFi { files.append(WPASupplicant.bootFile(draft)) }
        return Rendering(
            bootFiles: files,
            rootEdits: RootFlavour.edits(draft) { setup in
                setup.setHostname()
                setup.setUser(report: &report)
                setup.setSSH(enable: !readsSSHFile)
                setup.setNetwork { _ in !readsWPAFile }
                setup.setLocale()
                setup.setFirstBoot()
            }, kernelTokens: RootFlavour.kernelTokens(draft))
    }
}
