import Cards
import Filesystems

/// One event of a node's card.
package struct LedgerEntry: Codable, Hashable, Sendable {
    package enum Result: String, Codable, Sendable, CaseIterable {
        /// The card is changed from now on. If no entry follows, the run was killed.
        case begun
        /// All is on the card, but not read back, and it has no partition table yet.
        case written
        /// Written, read back and finalized.
        case verified
        /// Only its settings were changed, or they were right already.
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
    /// The device or file, with the name it had then.
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

/// What identifies a card, as far as its reader shows it.
package struct CardIdentity: Codable, Hashable, Sendable {
    /// The card identification register; only a built-in reader shows it.
    package var cid: String?
    /// The serial number of the card, or of its reader.
    package var serial: String?
    package var model: String?
    /// In bytes.
    package var size: Int64?
    /// The UUIDs of the card's file systems.
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

    /// What the reader of the card says of it.
    init(of facts: DeviceFacts) {
        self.init(cid: facts.cid, serial: facts.serial, model: facts.title, size: facts.size)
    }

    /// Adds the file systems of `table`; nil adds nothing.
    mutating func add(_ table: PartitionTable?) {
        if let table { uuids = table.partitions.compactMap { $0.filesystem?.uuid } }
    }
}
