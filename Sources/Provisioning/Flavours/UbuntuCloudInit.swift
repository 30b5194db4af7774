import Diagnostics
import Recipes
import Systems

/// Ubuntu Server for Raspberry Pi from focal on: cloud-init, netplan and networkd.
enum UbuntuCloudInit: CloudInitFlavour {
    static let facts = FlavourFacts(
        hasPublishedLogin: false, defaultCodename: nil, bundledDocker: nil, takesOverFirstUser: false,
        switchesRadioOn: true, installsPackages: false, readsListsOfBytesAsSSIDs: false,
        hasCloudInit: true, renamesFirstUser: false, seededAccounts: [],
        removableBootFiles: [BootPath.networkConfiguration])

    static func seed(_ draft: Draft) -> Seed {
        var config = ModernCloudInit.config(draft, setsVariant: true)
        config.startProgram()
        // Only the kernel command line has the country: focal's netplan, and jammy's as released, refuse a file with one.
        let network = NetworkConfig(draft: draft, namesCountry: false, ranksNetworks: false)
        // Without `network:` around it focal reads the file too, and later releases take both forms.
        return ModernCloudInit.seed(draft, config, network: network, isNested: false, setsVariant: true)
    }
}
