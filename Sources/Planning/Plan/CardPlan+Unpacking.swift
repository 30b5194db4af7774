import Diagnostics
import Filesystems
package import Images
import Provisioning
package import Recipes
import Storage
import Synchronization
import SystemPackage

/// Plans a card while its image is unpacked.
extension CardPlanner {
    /// Plans the card of `node` as soon as enough of its image is unpacked; the rest is unpacked meanwhile. The caller writes
    /// the plan, and at the end always cancels its image.
    ///
    /// A node that carries packages or container images is planned when its image is in the cache: a plan that is made twice
    /// would hold them in memory twice.
    ///
    /// - Parameter events: Gets no events of unpacking after the plan is made.
    package func planUnpacking(
        for node: Node, in rack: RackSecrets, events: @escaping @Sendable (ImageEvent) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> CardPlan {
        guard node.docker.packages.isEmpty, node.docker.preload.isEmpty else {
            return try await plan(for: node, in: rack, events: events, isCancelled: isCancelled)
        }
        let image = try named(by: node)
        let isPlanned = Flag()
        let plan = try await plan(for: node, in: rack, isCancelled: isCancelled) {
            try cache.open(
                at: FilePath(image.source.value), sha256: image.requiredSHA256, validate: BootVolume.validate,
                events: { event in
                    guard case .unpacking = event else { return events(event) }
                    isPlanned.unlessSet { events(event) }
                }, isCancelled: isCancelled)
        }
        isPlanned.set()
        return plan
    }
}

/// Set once. After ``set()`` has returned, no body of ``unlessSet(_:)`` runs any more.
private final class Flag: Sendable {
    private let state = Mutex(false)
    func unlessSet(_ body: () -> Void) { state.withLock { if !$0 { body() } } }
    func set() { state.withLock { $0 = true } }
}

extension CardPlan {
    /// Applies `provision` to the image of `opened`.
    init(
        _ node: Node, on image: ImageStream, _ opened: CardPlanner.CardBase, _ provision: Provision, at time: Int64
    ) throws {
        var volume = opened.volume
        self.init(
            node: node, image: image, profile: opened.known.profile, provision: provision, content: opened.content,
            changedFiles: try volume.apply(provision),
            changedRootFiles: try RootVolume.apply(
                provision.rootChanges.map(\.edit), to: opened.content, partition: opened.known.root.partition, at: time),
            used: UsedBlocks(of: opened.content, table: opened.table), table: opened.table, time: time)
    }

    /// The same card of the same image, which is complete now, so that its digest is known.
    package func finished(on image: Image) throws -> CardPlan {
        let stream = ImageStream(image)
        let opened = try CardPlanner.open(stream, at: time)
        // Everything else was read from the places that the table names.
        guard opened.table == table else {
            throw Failure(
                .system, "the partitions of \(image.sourceName) show themselves only when all of it is unpacked",
                hint: "run the same command again: the image is in the cache now")
        }
        return try CardPlan(
            node, on: stream, opened, provision.naming(imageDigest: image.digest), at: time)
    }
}
