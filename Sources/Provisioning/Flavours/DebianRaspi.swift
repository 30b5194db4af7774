import Text
import Diagnostics
import Recipes
import Systems

/// Debian's own images for the Pi: sysconf.txt, read at every boot, takes the host name and a key for root; there is no
/// other user. <https://salsa.debian.org/raspi-team/image-specs>
enum DebianRaspi: FlavourRenderer {
    static let facts = FlavourFacts(
        hasPublishedLogin: false, defaultCodename: nil, bundledDocker: nil, takesOverFirstUser: false,
        switchesRadioOn: false, installsPackages: false, readsListsOfBytesAsSSIDs: false,
        hasCloudInit: false, renamesFirstUser: false,
        removableBootFiles: [])

    static func support(_ profile: OSProfile) -> [Setting: Support] {
        var support = RootFlavour.support(profile)
        support[.hostname] = .native("sysconf.txt")
        return support
    }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        // "#" starts a comment in that file; a key is as good without its own.
        // It lets root log in, which only a user who becomes root without a password may do.
        let isFree = draft.node.user?.sudoMode == .passwordless
        let key = isFree ? draft.material.authorizedKeys.first { !$0.contains(scalar: "#") } : nil
        let lines = ["hostname=\(draft.node.hostname.value)"] + (key.map { ["root_authorized_key=\($0)"] } ?? [])
        return Rendering(
            bootFiles: [.init(path: BootPath.sysconf, contents: Array(lines.map { $0 + "\n" }.joined().utf8))],
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
