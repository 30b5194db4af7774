import Systems
import Diagnostics
import Recipes

/// Raspberry Pi OS trixie from 2025-11-24 on: cloud-init 25.2, netplan and NetworkManager.
///
/// The kernel command line gets no `ds=nocloud;i=…`: it only spares cloud-init a look at two files at each boot, and one
/// that is not exactly meta-data's id makes the node another instance.
enum RaspberryPiOSCloudInit: FlavourRenderer {
    static func support(_ profile: OSProfile) -> [Setting: Support] {
        CloudInit.support(network: "network-config", keyboard: "user-data")
    }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        CloudInit.rendering(seed(draft), draft)
    }

    static func seed(_ draft: Draft) -> Seed {
        var config = ModernCloudInit.config(draft)
        config.offerLocale(draft.node)
        // SSH is off on the image, and cloud-init has no key for that.
        config.commands.insert(.words(["systemctl", "enable", "--now", "ssh"]), at: 0)
        config.startProgram()
        let network = NetworkConfig(draft: draft, namesCountry: true, waitsForPrimary: false)
        return Seed(
            userData: config, networkConfig: .map([.init("network", .map(network.members))]),
            metaData: [.init("dsmode", .text("local"))], kernelTokens: ModernCloudInit.kernelTokens(draft),
            nodeFiles: draft.files)
    }
}
