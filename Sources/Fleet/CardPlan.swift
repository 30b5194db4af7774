import Cards
public import Diagnostics
public import Filesystems
public import Host
public import Images
public import Provisioning
public import Recipes
public import Storage
public import SystemPackage

/// Everything about a card, decided before its first byte is written: the node, its unpacked image, what that image is,
/// and the changes that make it this node's.
public struct CardPlan: Sendable {
    public let node: Node
    public let image: BaseImage
    public let profile: OSProfile
    public let provision: Provision
    public let table: PartitionTable
    /// The base image with the node's changes: what the card will hold.
    public let content: Overlay
    /// The boot-partition paths that differ from the image's.
    public let changedFiles: [String]
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
        guard !image.source.value.hasPrefix("https://") else {
            throw DiagnosticReport([
                Diagnostic(
                    .error, at: image.source.location,
                    "image.source: downloading is not supported yet: fetch \(image.source.value) and name the file")
            ])
        }
        return try cache.image(
            at: FilePath(image.source.value), sha256: image.sha256?.value, validate: Self.validate,
            events: { event in
                if let translated = FleetEvent(event) { events(translated) }
            }, isCancelled: isCancelled)
    }

    /// Plans the card of `node`.
    public func plan(
        for node: Node, events: @escaping @Sendable (FleetEvent) -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> CardPlan {
        let image = try image(for: node, events: events, isCancelled: isCancelled)
        let time = now()
        let table = try PartitionTable.read(image.path)
        let content = Overlay(over: image.store)
        var volume = try BootVolume.open(content, table: table, at: time)
        let snapshot = try BootSnapshot(of: volume)
        let profile = try OSProfile.detect(snapshot)
        let provision = try await Provisioner(
            saltKey: RackState(besideRecipe: FilePath(node.recipePath), user: user).saltKey(), flashTime: time,
            image: ImageIdentity(name: image.sourceName, digest: image.digest), version: version
        ).provision(node, profile: profile, boot: snapshot, secrets: secrets)
        let changed = try volume.apply(provision)
        return CardPlan(
            node: node, image: image, profile: profile, provision: provision, table: table, content: content,
            changedFiles: changed)
    }

    /// An unpacked image is one when its partition table holds and its boot partition can be edited.
    private static func validate(_ path: FilePath, _ file: ImageFile) throws(Failure) {
        let table = try PartitionTable.read(path)
        _ = try BootVolume.range(in: table, of: path.string)
    }
}
