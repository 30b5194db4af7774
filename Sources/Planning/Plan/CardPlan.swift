package import Systems
import Diagnostics
package import Filesystems
package import Images
package import Provisioning
package import Recipes
package import Storage
import SystemPackage

/// Everything about a card, decided before its first byte is written: the node, its image, what system that is, and the
/// changes for this node.
package struct CardPlan: Sendable {
    package let node: Node
    package let image: ImageStream
    package let profile: OSProfile
    package let provision: Provision
    /// The base image with the node's changes: what the card will hold. While the image is unpacked its digest, which the
    /// card's record names, is a placeholder.
    package let content: Overlay
    /// The boot-partition paths that differ from the image's.
    package let changedFiles: [String]
    /// The paths of the root partition that differ from the image's.
    package let changedRootFiles: [String]
    /// The blocks of ``content`` that must be written, with the node's changes.
    package let used: UsedBlocks
    let table: PartitionTable
    /// The time of all changed files; seconds since 1970, UTC.
    let time: Int64
}

/// What a card would get, without the card.
package struct CardPreview: Sendable {
    package let profile: OSProfile
    package let provision: Provision
}

/// Makes plans: opens the recipe's image, validates it, and applies the node's files to an overlay of it.
package struct CardPlanner: Sendable {
    let cache: ImageCache
    package let secrets: any SecretReading
    package let version: String
    /// Seconds since 1970, UTC.
    package let now: @Sendable () -> Int64

    package init(
        cache: ImageCache, secrets: any SecretReading, version: String, now: @escaping @Sendable () -> Int64
    ) {
        self.cache = cache
        self.secrets = secrets
        self.version = version
        self.now = now
    }

    /// Unpacks and validates the recipe's image, or takes it from the cache.
    package func image(
        for node: Node, events: @escaping @Sendable (ImageEvent) -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) throws -> Image {
        let image = try named(by: node)
        return try cache.image(
            at: FilePath(image.source.value), sha256: image.requiredSHA256, validate: BootVolume.validate,
            events: events, isCancelled: isCancelled)
    }

    func named(by node: Node) throws -> Node.Image {
        if let image = node.image { return image }
        throw DiagnosticReport([
            Diagnostic(.error, at: node.hostname.location, "image: missing: the recipe names no image to write")
        ])
    }

    /// Plans the card of `node`, from `image` if that is open already.
    package func plan(
        for node: Node, in rack: RackSecrets, on image: Image? = nil,
        events: @escaping @Sendable (ImageEvent) -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> CardPlan {
        try await plan(for: node, in: rack, isCancelled: isCancelled) {
            try ImageStream(image ?? self.image(for: node, events: events, isCancelled: isCancelled))
        }
    }

    /// Plans the card of `node` on what `image` opens.
    func plan(
        for node: Node, in rack: RackSecrets, isCancelled: @escaping @Sendable () -> Bool,
        on image: () throws -> ImageStream
    ) async throws -> CardPlan {
        // Unpacking may take minutes; report a missing secret before.
        try await secrets.readAll(node.secrets)
        let time = now()
        let supplies = try Supplies(filesOf: node, isCancelled: isCancelled)
        let image = try image()
        do {
            return try await plan(for: node, in: rack, on: image, supplies: supplies, at: time)
        } catch {
            image.cancel()
            throw error
        }
    }

    private func plan(
        for node: Node, in rack: RackSecrets, on image: ImageStream, supplies: Supplies, at time: Int64
    ) async throws -> CardPlan {
        let opened = try Self.open(image, at: time)
        let provision = try await render(node, in: rack, opened.known, supplies: supplies, at: time)
        let plan = try supplies.fitting(in: opened.known.root.freeBytes) {
            try CardPlan(node, on: image, opened, provision, at: time)
        }
        // Where the used blocks could not be read, all blocks count as used. Here that is a reason not to begin.
        try image.check()
        return plan
    }

    /// What system `image` holds.
    package func known(_ image: Image) throws -> ImageFacts {
        try Self.open(ImageStream(image), at: now()).known
    }

    /// What a card of `node` would get, to be shown. Makes and changes nothing in the rack.
    package func preview(
        for node: Node, events: @escaping @Sendable (ImageEvent) -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> CardPreview {
        let time = now()
        let supplies = try Supplies(filesOf: node, isCancelled: isCancelled)
        let opened = try Self.open(
            ImageStream(image(for: node, events: events, isCancelled: isCancelled)), at: time)
        let provision = try await render(
            node, in: .placeholders(for: node), opened.known, supplies: supplies, at: time)
        return CardPreview(profile: opened.known.profile, provision: provision)
    }

    /// What system an image holds.
    package struct ImageFacts: Sendable {
        let identity: ImageIdentity
        let snapshot: BootSnapshot
        let root: InspectedRoot
        let table: PartitionTable
        package let profile: OSProfile
        let bootProblems: BootProblems
    }

    struct CardBase {
        let content: Overlay
        let table: PartitionTable
        let volume: FATVolume
        let known: ImageFacts
    }

    /// In place of the digest of an image that is still being unpacked. It has the length of a digest, so that no file's size
    /// changes.
    static let digestPlaceholder = String(repeating: "0", count: 64)

    static func open(_ image: ImageStream, at time: Int64) throws -> CardBase {
        let content = Overlay(over: image.store)
        let table = try image.partitionTable()
        let volume = try BootVolume.open(content, table: table, at: time)
        let snapshot = try BootSnapshot(of: volume)
        let root = try InspectedRoot(of: content, table: table, boot: snapshot)
        return try during("reading \(image.sourceName)") {
            CardBase(
                content: content, table: table, volume: volume,
                known: ImageFacts(
                    identity: ImageIdentity(
                        name: image.sourceName, digest: image.finished?.digest ?? digestPlaceholder),
                    snapshot: snapshot, root: root, table: table,
                    profile: try OSProfile.detect(snapshot, root: root.snapshot),
                    bootProblems: try BootProblems(of: content, table: table, boot: snapshot, root: root.snapshot)))
        }
    }

    func render(
        _ node: Node, in rack: RackSecrets, _ opened: ImageFacts, supplies: Supplies, at time: Int64
    ) async throws -> Provision {
        try opened.root.requireConsistent()
        var supplies = supplies
        supplies.certificate = rack.certificate
        var provision = try await Provisioner(
            saltKey: rack.saltKey, rackKeys: rack.swarmKeys, flashTime: time, image: opened.identity,
            piflashVersion: version
        ).provision(
            node, profile: opened.profile, boot: opened.snapshot, root: opened.root.material, supplies: supplies,
            secrets: secrets)
        if opened.profile.hasBooted == true {
            provision.warnings.append(
                Diagnostic(
                    .warning, at: node.image?.source.location,
                    "image.source: this image was taken from a card that has booted: all cards written from it have the same ssh host keys and machine-id; take the vendor's image, or make new ones in first_boot.run"
                ))
        }
        provision.warnings += opened.bootProblems.texts.map {
            Diagnostic(
                .warning, at: node.image?.source.location, "image.source: a Pi may not boot from this image: \($0)")
        }
        return provision
    }
}
