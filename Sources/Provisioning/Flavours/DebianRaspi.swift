import Text
import Diagnostics
import Recipes
import Systems

/// Debian's own images for the Pi: sysconf.txt, read at every boot, takes the host name. It takes a key for root, too, which
/// nobody gets: the recipe's user becomes root as `user.sudo` says. <https://salsa.debian.org/raspi-team/image-specs>
enum DebianRaspi: FlavourRenderer {
    static let facts = FlavourFacts(
        hasPublishedLogin: false, defaultCodename: nil, bundledDocker: nil, takesOverFirstUser: false,
        switchesRadioOn: false, installsPackages: false, readsListsOfBytesAsSSIDs: false,
        hasCloudInit: false, renamesFirstUser: false, seededAccounts: [],
        removableBootFiles: [])

    static func support(_ profile: OSProfile) -> [Setting: Support] {
        var support = RootFlavour.support(profile)
        support[.hostname] = .native("sysconf.txt")
        return support
    }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        let text = "hostname=\(draft.node.hostname.value)\n"
        return Rendering(
            bootFiles: [.init(path: BootPath.sysconf, contents: Array(text.utf8))],
            rootEdits: RootFlavour.edits(draft) { setup in
                // Also here: the vendor's program empties sysconf.txt, and a power cut then loses the name for good.
                setup.setHostname()
                setup.setUser(report: &report)
                setup.setSSH(enable: true)
                setup.setNetwork()
                setup.setLocale()
                setup.setFirstBoot()
            }, kernelTokens: RootFlavour.kernelTokens(draft))
    }
}
