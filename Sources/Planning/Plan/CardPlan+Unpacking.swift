import Diagnostics
import Filesystems
package import Images
import Provisioning
package import Recipes
import Storage
import Synchronization
import SystemPackage

/// Planning and writing a card while its image is unpacked.
extension CardPlanner {
    /// Plans the card of `node` as soon as enough of its image is unpacked for that; the rest follows meanwhile. The caller
    /// writes the plan, and cancels its image at the end, whatever came of it.
    ///
    /// A node that carries packages or images of containers is planned when its image is in the cache: a plan made twice
    /// would hold them in memory twice.
    ///
    /// - Parameter events: Not told of unpacking any more once the plan is made.
    package func planUnpacking(
        for node: Node, in rack: RackSecrets, events: @escaping @Sendable (ImageEvent) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> CardPlan {
        guard node.docker.packages.isEmpty, node.docker.preload.isEmpty else {
            return try await plan(for: node, in: rack, events: events, isCancelled: isCancelled)
        }
        let image = try named(by: node)
        let isPlanned = Flag()
        let plan = try await plan(for: node, in: rack) {
            try cache.open(
                at: FilePath(image.source.value), sha256: image.sha256?.value, validate: BootVolume.validate,
                events: { event in
                    guard case .unpacking = event else { return events(event) }
                    isPlanned.unlessSet { events(event) }
                }, isCancelled: isCancelled)
        }
        isPlanned.set()
        return plan
    }
}

/// Set once. What is done unless it is set is never done, and not still being done, afterwards.
private final class Flag: Sendable {
    private let state = Mutex(false)
    func unlessSet(_ body: () -> Void) { state.withLock { if !$0 { body() } } }
    func set() { state.withLock { $0 = true } }
}

extension CardPlan {
    /// Applies `provision` to the image that `opened` is of.
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

    /// The same card of the same image, now that this is in the cache and its digest is known.
    package func finished(on image: Image) throws -> CardPlan {
        let stream = ImageStream(image)
        let opened = try CardPlanner.open(stream, at: time)
        // All else was read where the table says.
        guard opened.table == table else {
            throw Failure(
                .system, "the partitions of \(image.sourceName) show themselves only when all of it is unpacked",
                hint: "run the same command again: the image is in the cache now")
        }
        return try CardPlan(
            node, on: stream, opened, provision.naming(imageDigest: image.digest), at: time)
    }
}
