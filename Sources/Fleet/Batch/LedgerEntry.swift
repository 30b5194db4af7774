import Cards
import Filesystems
import SystemPackage

/// One thing that happened to a node's card.
package struct LedgerEntry: Codable, Hashable, Sendable {
    package enum Result: String, Codable, Sendable, CaseIterable {
        /// The card is touched from now on. When nothing follows, the run was killed.
        case begun
        /// All is on the card, but not read back, and it has no partition table yet.
        case written
        /// Written whole, read back and sealed.
        case verified
        /// Only its settings were changed, or were right already.
        case configured
        case failed
        /// The user stopped it.
        case interrupted
        /// The user wants the node's card to be written again.
        case redo
    }

    package var node: String
    package var result: Result
    /// Seconds since 1970.
    package var time: Int64
    /// The device or file, as it was called then.
    package var device: String?
    /// SHA-256 of the unpacked image.
    package var image: String?
    /// The node's ``Recipes/Node/recipeDigest``.
    package var recipe: String?
    /// See ``ConfigurationDigest``.
    package var configuration: String?
    /// See ``SecretsDigest``.
    package var secrets: String?
    package var card: CardIdentity?
    /// Why it failed.
    package var reason: String?

    package init(
        node: String, result: Result, time: Int64, device: String? = nil, image: String? = nil, recipe: String? = nil,
        configuration: String? = nil, secrets: String? = nil, card: CardIdentity? = nil, reason: String? = nil
    ) {
        self.node = node
        self.result = result
        self.time = time
        self.device = device
        self.image = image
        self.recipe = recipe
        self.configuration = configuration
        self.secrets = secrets
        self.card = card
        self.reason = reason
    }
}

/// What a card can be recognised by, as far as its reader tells.
package struct CardIdentity: Codable, Hashable, Sendable {
    /// The card identification register; only a built-in reader shows it.
    package var cid: String?
    /// The card's serial number, or its reader's.
    package var serial: String?
    package var model: String?
    /// In bytes.
    package var size: Int64?
    /// Of the card's file systems.
    package var uuids: [String]

    package init(
        cid: String? = nil, serial: String? = nil, model: String? = nil, size: Int64? = nil, uuids: [String] = []
    ) {
        self.cid = cid
        self.serial = serial
        self.model = model
        self.size = size
        self.uuids = uuids
    }

    init(of target: ChosenTarget, table: PartitionTable?) {
        uuids = table?.partitions.compactMap { $0.filesystem?.uuid } ?? []
        guard case .device(let facts) = target else { return }
        (cid, serial, model, size) = (facts.cid, facts.serial, facts.title, facts.size)
    }
}
