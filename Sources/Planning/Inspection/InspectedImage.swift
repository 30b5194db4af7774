import Host
package import Systems
import Diagnostics
package import Filesystems
import Host
package import Images
import Storage
package import SystemPackage

/// What an image, packed or not, or a card is: both partitions were read, nothing was changed.
package struct InspectedImage: Sendable {
    /// SHA-256 of the unpacked image, lower-case hex; nil for a card, because reading it would take minutes.
    package let digest: String?
    /// Nil for a card.
    package let packing: ImagePacking?
    /// In bytes.
    package let size: Int64
    package let table: PartitionTable
    package let profile: OSProfile
    package let root: InspectedRoot
    /// Why a Pi would not boot from it, for people.
    package let bootProblems: [String]

    /// Reads what is at `path`: a block device, or a file, which is unpacked into the cache unless it is there already.
    package init(
        at path: FilePath, cache: ImageCache, events: @escaping @Sendable (ImageEvent) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) throws {
        switch try PathKind(of: path) {
        case .directory:
            throw Failure(
                .notAFile, severity: .usage, "\"\(path)\" is a directory",
                hint: "name an image, packed or not, or a card's device")
        case .blockDevice:
            try self.init(
                of: Overlay(over: BlockDevice(opening: path, .read)), PartitionTable.read(path), digest: nil,
                packing: nil)
        case .file:
            let image = try cache.image(
                at: path, sha256: nil, validate: BootVolume.validate,
                events: events, isCancelled: isCancelled)
            try self.init(
                of: Overlay(over: image.store), image.partitionTable(), digest: image.digest,
                packing: ImageSource(path).packing())
        }
    }

    /// Reads the image file at `path` without unpacking it: nil if it is packed and not in the cache, or cannot be read.
    package init?(knownAt path: FilePath, cache: ImageCache) {
        if let image = cache.knownImage(at: path) {
            try? self.init(
                of: Overlay(over: image.store), image.partitionTable(), digest: image.digest, packing: nil)
        } else {
            guard let file = try? ImageFile(opening: path) else { return nil }
            try? self.init(of: Overlay(over: file), PartitionTable.read(path), digest: nil, packing: nil)
        }
    }

    private init(of store: Overlay, _ table: PartitionTable, digest: String?, packing: ImagePacking?) throws {
        self.digest = digest
        self.packing = packing
        size = store.size
        self.table = table
        let boot = try BootSnapshot(of: BootVolume.open(store, table: table, at: 0))
        try InspectedRoot.replayJournal(on: store, table: table, boot: boot)
        root = try InspectedRoot(of: store, table: table, boot: boot)
        profile = try OSProfile.detect(boot, root: root.snapshot)
        bootProblems = try BootProblems(of: store, table: table, boot: boot, root: root.snapshot).texts
    }
}
