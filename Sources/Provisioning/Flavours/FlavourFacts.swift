import Docker
import Systems

/// What the stages before and after rendering have to know about a flavour. Each flavour gives all of it; nothing has a
/// default, so that a new flavour cannot miss a fact.
struct FlavourFacts: Sendable {
    /// Whether the image comes with a login whose password is published.
    let hasPublishedLogin: Bool

    /// Debian's codename of the images whose os-release was not read.
    let defaultCodename: String?

    /// Nil when its images come without Docker.
    let bundledDocker: BundledDocker?

    /// Whether the image's first user becomes the recipe's, so that the vendor's login, whose password is published, is gone.
    /// Otherwise that user stays: the system needs it, or there is none.
    let takesOverFirstUser: Bool

    /// Whether its own first boot switches the radio on. Otherwise the first-boot program does.
    let switchesRadioOn: Bool

    /// Whether its own first boot installs the recipe's packages. Otherwise the first-boot program does.
    let installsPackages: Bool

    /// Whether a Wi-Fi network's name such as "65;66;" may be taken for a list of bytes.
    let readsListsOfBytesAsSSIDs: Bool

    /// Whether cloud-init makes the node: then the first-boot program tells it when everything is on the card.
    let hasCloudInit: Bool

    /// Whether the node's own first boot does that, not an edit of the card, so that the first-boot program has to do
    /// that if it was cut short.
    let renamesFirstUser: Bool

    /// The accounts, besides the recipe's user, that its own first boot gives a password from the boot partition, where it
    /// stays. The first-boot program locks them.
    let seededAccounts: [String]

    /// Files on the boot partition that not every recipe needs: they are removed if an earlier recipe needed them and this
    /// one does not.
    let removableBootFiles: [String]

    /// The Docker that a flavour's images come with, as far as every image has it.
    struct BundledDocker: Sendable {
        /// The engine's version on an image that does not give it; nil if it differs between images.
        let assumedVersion: EngineVersion?
        /// Whether an engine whose version is not known may be reached over ssh (18.09 and later).
        let mayHaveSSH: Bool
    }
}

extension OSProfile.Flavour {
    var facts: FlavourFacts { renderer.facts }

    /// Whether the first user of the image with the root partition `root` becomes the recipe's. DietPi needs its own user,
    /// and Debian's image has none.
    func takesOverFirstUser(_ root: RootSnapshot?) -> Bool {
        facts.takesOverFirstUser && root?.has(RootPath.dietPiDirectory) != true
            && root?.has(RootPath.raspiImageID) != true
    }
}
