import Diagnostics
import Recipes
import Systems

/// HypriotOS 0.2.5 to 1.6. device-init reads device-init.yaml at every boot; it gets only the host name, and does
/// nothing once that is set. Its `wifi` takes a passphrase in clear text, and hashes a ready key again; its `runcmd` would
/// run at every boot. <https://github.com/hypriot/device-init>
enum HypriotDeviceInit: FlavourRenderer {
    static let facts = FlavourFacts(
        hasPublishedLogin: true, defaultCodename: nil, bundledDocker: .init(assumedVersion: nil, mayHaveSSH: false),
        takesOverFirstUser: true,
        switchesRadioOn: false, installsPackages: false, readsListsOfBytesAsSSIDs: false,
        hasCloudInit: false, renamesFirstUser: false, seededAccounts: [],
        removableBootFiles: [])

    static func support(_ profile: OSProfile) -> [Setting: Support] {
        var support = RootFlavour.support(profile)
        support[.hostname] = .native("device-init.yaml")
        return support
    }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        let document = YAML.map([.init("hostname", .text(draft.node.hostname.value))]).document
        return Rendering(
            bootFiles: [.init(path: BootPath.deviceInit, contents: Array(document.utf8))],
            rootEdits: RootFlavour.hypriotEdits(draft, report: &report),
            kernelTokens: RootFlavour.kernelTokens(draft))
    }
}
