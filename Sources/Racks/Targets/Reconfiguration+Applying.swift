import Cards
import Diagnostics
package import Filesystems
package import Planning
import Provisioning
package import Storage
import Systems

extension Reconfiguration {
    /// Writes the changes to the card; new files get the time `time` (seconds since 1970, UTC).
    package func apply(to target: ConfigurationTarget, time: Int64) throws {
        switch target {
        case .directory(let path):
            var directory = try MountedDirectory(path)
            _ = try directory.apply(provision)
        case .file(let path):
            let file = try ImageFile(opening: path, writable: true)
            try apply(to: file, table: PartitionTable.read(path), time: time) { try file.dropCache() }
        case .device(let facts):
            let card = try ExclusiveCard(facts)
            try apply(to: card, table: PartitionTable.read(facts.path), time: time) { try card.dropCache() }
        }
    }

    /// Writes the changes to the card in `store`:
    ///
    /// 1. makes all changes on an overlay: nothing is written if one of them is impossible;
    /// 2. commits the root partition (see ``Ext4Volume/commit(_:volumeAt:to:)``);
    /// 3. commits the boot partition (see ``FATVolume/commit(_:volumeAt:to:)``), which holds the card's record: the record
    ///    describes only what is on the card;
    /// 4. reads all of it back from the medium and compares.
    ///
    /// If step 2 or 3 fails, or the power is cut, each file has its old contents or its new ones, and the record is the old
    /// one: the same command again writes the rest.
    ///
    /// - Parameters:
    ///   - time: Of new files; seconds since 1970, UTC.
    ///   - dropCache: Makes the next read of `store` come from the medium.
    package func apply(
        to store: any WritableBlockStore, table: PartitionTable, time: Int64, dropCache: () throws -> Void
    ) throws {
        let overlay = Overlay(over: store)
        var volume = try BootVolume.open(overlay, table: table, at: time)
        let snapshot = try BootSnapshot(of: volume)
        let root = try InspectedRoot(of: overlay, table: table, boot: snapshot).partition
        _ = try RootVolume.apply(provision.rootChanges.map(\.edit), to: overlay, partition: root, at: time)
        _ = try volume.apply(provision)
        let range = try BootVolume.range(in: table, of: store.name)
        let wanted = try overlay.changes.ranges.map { range in
            (range, try overlay.bytes(at: range.lowerBound, count: range.count))
        }
        if let root {
            try RootVolume.commit(overlay, partition: root, to: store)
        }
        try FATVolume.commit(overlay, volumeAt: range, to: store)
        try dropCache()
        for (range, bytes) in wanted where try store.bytes(at: range.lowerBound, count: range.count) != bytes {
            throw Failure(
                .verifyMismatch, "\(store.name): the new settings read back differently at byte \(range.lowerBound)",
                hint: "the card or its reader is bad: write the card again, or try another one")
        }
    }
}
