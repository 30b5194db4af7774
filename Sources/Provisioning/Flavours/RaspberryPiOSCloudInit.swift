import Diagnostics
import Recipes
import Systems

/// Raspberry Pi OS trixie from 2025-11-24 on: cloud-init 25.2, netplan and NetworkManager.
///
/// The kernel command line gets no `ds=nocloud;i=…`: it only saves cloud-init reading two files at each boot, and if it is
/// not exactly meta-data's id, the node becomes another instance.
enum RaspberryPiOSCloudInit: CloudInitFlavour {
    static let facts = FlavourFacts(
        hasPublishedLogin: false, defaultCodename: "trixie", bundledDocker: nil, takesOverFirstUser: false,
        switchesRadioOn: false, installsPackages: false, readsListsOfBytesAsSSIDs: true,
        hasCloudInit: true, renamesFirstUser: false, seededAccounts: [],
        removableBootFiles: [BootPath.networkConfiguration])

    static func seed(_ draft: Draft) -> Seed {
        // Its own cloud-init 25.2 hands the keyboard's layout to a program that takes nothing else.
        var config = ModernCloudInit.config(draft, setsVariant: false)
        config.offerLocale(draft.node)
        // SSH is off on the image, and cloud-init has no key for that.
        config.commands.insert(.words(["systemctl", "enable", "--now", "ssh"]), at: 0)
        config.startProgram()
        let network = NetworkConfig(draft: draft, namesCountry: true, ranksNetworks: true)
        return ModernCloudInit.seed(draft, config, network: network, isNested: true, setsVariant: false)
    }
}
