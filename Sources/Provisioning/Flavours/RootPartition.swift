import Diagnostics
import Filesystems
import Recipes
import Systems

/// A system whose own first boot is missing, disabled or used up: everything is written to the root partition.
enum RootPartition: FlavourRenderer {
    static let facts = FlavourFacts(
        hasPublishedLogin: true, defaultCodename: nil, bundledDocker: nil, takesOverFirstUser: true,
        switchesRadioOn: false, installsPackages: false, readsListsOfBytesAsSSIDs: false,
        hasCloudInit: false, renamesFirstUser: false, seededAccounts: [],
        removableBootFiles: [])

    static func support(_ profile: OSProfile) -> [Setting: Support] { RootFlavour.support(profile) }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        Rendering(
            rootEdits: RootFlavour.edits(draft) { setup in
                setup.setHostname()
                setup.setUser(report: &report)
                setup.endUserDialogue()
                setup.setSSH(enable: true)
                setup.setNetwork()
                setup.setLocale()
                setup.setFirstBoot()
            }, kernelTokens: RootFlavour.kernelTokens(draft))
    }
}

extension RootSetup {
    /// Raspberry Pi OS asks for a user on its console, and sshd warns of that, until userconf-pi has made one; here piflash
    /// makes the user (userconf-pi, cancel-rename).
    mutating func endUserDialogue() {
        guard draft.node.user != nil else { return }
        for path in [RootPath.userDialogue, RootPath.userBanner] where root.has(path) {
            append(TreeChange(.removal, at: path))
        }
    }
}
