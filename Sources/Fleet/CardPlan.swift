import Diagnostics
public import Filesystems
public import Host
public import Images
public import Provisioning
public import Recipes
public import Storage
import SystemPackage

/// Everything about a card, decided before its first byte is written: the node, its unpacked image, what that image is,
/// and the changes that make it this node's.
public struct CardPlan: Sendable {
    public let node: Node
    public let image: BaseImage
    public let profile: OSProfile
    public let provision: Provision
    /// The base image with the node's changes: what the card will hold.
    public let content: Overlay
    /// The boot-partition paths that differ from the image's.
    public let changedFiles: [String]
    /// The paths of the root partition that differ from the image's.
    public let changedRootFiles: [String]
    /// What of ``content`` must be written, the node's changes included.
    public let used: UsedBlocks
}

/// What would be put on a card, without the card.
public struct CardPreview: Sendable {
    public let profile: OSProfile
    public let provision: Provision
}

/// Makes plans: reads the recipe's image, judges it, and renders the node onto an overlay of it.
public struct CardPlanner: Sendable {
    let user: InvokingUser
    let cache: ImageCache
    let secrets: any SecretReading
    let version: String
    /// Seconds since 1970, UTC.
    let now: @Sendable () -> Int64

    public init(
        user: InvokingUser, cache: ImageCache, secrets: any SecretReading, version: String,
        now: @escaping @Sendable () -> Int64
    ) {
        self.user = user
        self.cache = cache
        self.secrets = secrets
        self.version = version
        self.now = now
    }

    /// Unpacks and judges the recipe's image (or takes it from the cache).
    public func image(
        for node: Node, events: @escaping @Sendable (FleetEvent) -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) throws -> BaseImage {
        guard let image = node.image else {
            throw DiagnosticReport([
                Diagnostic(.error, at: node.hostname.location, "image: missing: the recipe names no image to write")
            ])
        }
        return try cache.image(
            at: FilePath(image.source.value), sha256: image.sha256?.value, validate: Self.validate,
            events: { event in
                if let translated = FleetEvent(event) { events(translated) }
            }, isCancelled: isCancelled)
    }

    /// Plans the card of `node`, from `image` when that is opened already.
    public func plan(
        for node: Node, on image: BaseImage? = nil, events: @escaping @Sendable (FleetEvent) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> CardPlan {
        let state = RackState(besideRecipe: FilePath(node.recipePath), user: user)
        let saltKey = try state.saltKey()
        let rackKeys = try state.swarmKeys(for: node)
        // Unpacking may take minutes; a secret that is missing should not wait for it.
        for secret in node.secrets { _ = try await secrets.read(secret) }
        let time = now()
        var supplies = try SupplyReading.files(of: node)
        let opened = try open(
            image ?? self.image(for: node, events: events, isCancelled: isCancelled), at: time)
        if node.docker.remote?.value == .tls {
            supplies.certificate = try RackState(besideRecipe: FilePath(node.recipePath), user: user)
                .certificate(for: node, now: time)
        }
        let provision = try await render(
            node, opened.known, supplies: supplies, saltKey: saltKey, rackKeys: rackKeys, at: time)
        var volume = opened.volume
        let changed = try volume.apply(provision)
        let changedRoot = try supplies.fitting(in: opened.known.root.freeBytes) {
            try RootVolume.apply(
                provision.rootChanges.map(\.edit), to: opened.content, partition: opened.known.root.partition, at: time)
        }
        return CardPlan(
            node: node, image: opened.known.image, profile: opened.known.profile, provision: provision,
            content: opened.content,
            changedFiles: changed, changedRootFiles: changedRoot,
            used: UsedBlocks(of: opened.content, table: opened.table))
    }

    /// What a card of `node` would get, for looking at: nothing of the rack is made or changed.
    public func preview(
        for node: Node, events: @escaping @Sendable (FleetEvent) -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> CardPreview {
        let time = now()
        var supplies = try SupplyReading.files(of: node)
        if node.docker.remote?.value == .tls { supplies.certificate = .placeholder }
        let opened = try open(image(for: node, events: events, isCancelled: isCancelled), at: time)
        // Salts only matter for what is written; a preview's passwords are placeholders.
        let provision = try await render(
            node, opened.known, supplies: supplies, saltKey: [UInt8](repeating: 0, count: 32), at: time)
        return CardPreview(profile: opened.known.profile, provision: provision)
    }

    /// An image, and what it is.
    struct KnownImage: Sendable {
        let image: BaseImage
        let snapshot: BootSnapshot
        let root: RootReading
        let profile: OSProfile
    }

    struct Opened {
        let content: Overlay
        let table: PartitionTable
        let volume: FATVolume
        let known: KnownImage
    }

    func open(_ image: BaseImage, at time: Int64) throws -> Opened {
        let content = Overlay(over: image.store)
        let table = try PartitionTable.read(image.path)
        let volume = try BootVolume.open(content, table: table, at: time)
        let snapshot = try BootSnapshot(of: volume)
        let root = try RootReading(of: content, table: table, boot: snapshot)
        return try during("looking at \(image.sourceName)") {
            Opened(
                content: content, table: table, volume: volume,
                known: KnownImage(
                    image: image, snapshot: snapshot, root: root,
                    profile: try OSProfile.detect(snapshot, root: root.snapshot)))
        }
    }

    func render(
        _ node: Node, _ opened: KnownImage, supplies: Supplies, saltKey: [UInt8], rackKeys: RackKeys = .placeholders,
        at time: Int64
    ) async throws -> Provision {
        try await Provisioner(
            saltKey: saltKey, rackKeys: rackKeys, flashTime: time,
            image: ImageIdentity(name: opened.image.sourceName, digest: opened.image.digest), piflashVersion: version
        ).provision(
            node, profile: opened.profile, boot: opened.snapshot, root: opened.root.material, supplies: supplies,
            secrets: secrets)
    }

    /// An unpacked image is one when its partition table holds and its boot partition can be edited.
    static func validate(_ path: FilePath, _ file: ImageFile) throws(Failure) {
        let table = try PartitionTable.read(path)
        _ = try BootVolume.range(in: table, of: path.string)
    }
}
