import Systems
import Diagnostics
import Recipes

/// Ubuntu Server for Raspberry Pi from focal on: cloud-init, netplan and networkd.
enum UbuntuCloudInit: FlavourRenderer {
    static func support(_ profile: OSProfile) -> [Setting: Support] {
        CloudInit.support(network: "network-config", keyboard: "user-data")
    }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        CloudInit.rendering(seed(draft), draft)
    }

    static func seed(_ draft: Draft) -> Seed {
        var config = ModernCloudInit.config(draft)
        config.startProgram()
        // cloud-init does not wait for an optional interface, and apt would find no network. The country stands in the
        // kernel command line only: focal's netplan, and jammy's as released, refuse a file that names it.
        let network = NetworkConfig(
            draft: draft, namesCountry: false, waitsForPrimary: !draft.node.firstBoot.packages.isEmpty)
        return Seed(
            // Without `network:` around it focal reads the file too, and later releases take both forms.
            userData: config, networkConfig: .map(network.members), metaData: [.init("dsmode", .text("local"))],
            kernelTokens: ModernCloudInit.kernelTokens(draft), nodeFiles: draft.files)
    }
}
