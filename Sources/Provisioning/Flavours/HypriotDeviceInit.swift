import Systems
import Diagnostics
import Recipes

/// HypriotOS 0.2.5 to 1.6. device-init reads device-init.yaml at every boot; it is given the host name only, which it
/// leaves alone once it is set. Its `wifi` hashes a passphrase that stands there in clear, and a ready key once more; its
/// `runcmd` would run at every boot. <https://github.com/hypriot/device-init>
enum HypriotDeviceInit: FlavourRenderer {
    static func support(_ profile: OSProfile) -> [Setting: Support] {
        var support = RootFlavour.support(profile)
        support[.hostname] = .native("device-init.yaml")
        return support
    }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        let document = YAML.map([.init("hostname", .text(draft.node.hostname.value))]).document
        return Rendering(
            bootFiles: [.init(path: "device-init.yaml", contents: Array(document.utf8))],
            rootEdits: RootFlavour.edits(draft) { setup in
                setup.setUser(.firstUser, report: &report)
                setup.setSSH(enable: false)
                setup.setNetwork()
                setup.setLocale()
                setup.setFirstBoot()
            }, kernelTokens: RootFlavour.kernelTokens(draft))
    }
}
