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

    /// A power cut leaves each file with its old contents or its new ones. What is there afterwards is read back and
    /// compared.
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
        // The boot partition holds the card's record, which is to be true.
        if let root {
            try RootVolume.commit(overlay, partition: root, to: store)
        }
        try FATVolume.commit(overlay, volumeAt: range, to: store)
        try dropCache()
        for (range, bytes) in wanted where try store.bytes(at: range.lowerBound, count: range.count) != bytes {
            throw Failure(
                .verifyMismatch, "\(store.name): the new settings read back differently at byte \(range.lowerBound)",
                hint: "the card or its reader is bad: write the card anew, or try another one")
        }
    }
}
