import Diagnostics
import Docker
import Recipes
import Systems

/// HypriotOS of 2015 and early 2016. Its `occi` reads occidentalis.txt at every boot and knows three keys: the host name,
/// and name and passphrase of one Wi-Fi network, in clear text. So the network is written to the root partition instead,
/// hashed.
/// <https://github.com/adafruit/Adafruit-Occidentalis>
enum HypriotOccidentalis: FlavourRenderer {
    // The first of these images has Docker 1.6.0; some do not give their version.
    static let facts = FlavourFacts(
        hasPublishedLogin: true, defaultCodename: nil,
        bundledDocker: .init(assumedVersion: EngineVersion(1, 6, 0), mayHaveSSH: false), takesOverFirstUser: true,
        switchesRadioOn: false, installsPackages: false, readsListsOfBytesAsSSIDs: false,
        hasCloudInit: false, renamesFirstUser: false, seededAccounts: [],
        removableBootFiles: [])

    static func support(_ profile: OSProfile) -> [Setting: Support] {
        var support = RootFlavour.support(profile)
        support[.hostname] = .native("occidentalis.txt")
        return support
    }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        // No blanks around the sign, and no comment after a value: the value is the rest of the line.
        let text = "hostname=\(draft.node.hostname.value)\n"
        return Rendering(
            bootFiles: [.init(path: BootPath.occidentalis, contents: Array(text.utf8))],
            rootEdits: RootFlavour.hypriotEdits(draft, report: &report),
            kernelTokens: RootFlavour.kernelTokens(draft))
    }
}
