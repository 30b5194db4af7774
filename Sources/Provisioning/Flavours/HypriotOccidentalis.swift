import Systems
import Diagnostics
import Recipes

/// HypriotOS of 2015 and early 2016. Its `occi` reads occidentalis.txt at every boot and knows three keys: the host name,
/// and one Wi-Fi network whose passphrase would have to stand there in clear, so that one is laid down hashed instead.
/// <https://github.com/adafruit/Adafruit-Occidentalis>
enum HypriotOccidentalis: FlavourRenderer {
    static func support(_ profile: OSProfile) -> [Setting: Support] {
        var support = RootFlavour.support(profile)
        support[.hostname] = .native("occidentalis.txt")
        return support
    }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        // No blanks around the sign, no comments behind a value: the value is the rest of the line.
        let text = "hostname=\(draft.node.hostname.value)\n"
        return Rendering(
            bootFiles: [.init(path: "occidentalis.txt", contents: Array(text.utf8))],
            rootEdits: RootFlavour.edits(draft) { setup in
                setup.setUser(.firstUser, report: &report)
                setup.setSSH(enable: false)
                setup.setNetwork()
                setup.setLocale()
                setup.setFirstBoot()
            }, kernelTokens: RootFlavour.kernelTokens(draft))
    }
}
