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
            guard try !directory.differences(from: provision).isEmpty else { return }
            // As below: each file is on the medium before the next one.
            try directory.beginEdit(to: provision)
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
    /// 1. makes all changes on overlays: nothing is written if one of them is impossible;
    /// 2. notes on the boot partition that an edit has begun, with the record that the card will have (see
    ///    ``UnfinishedEdit``);
    /// 3. carries out the edit of the root partition (see ``Ext4Volume/writes(carrying:volumeAt:to:)``);
    /// 4. commits the files of the boot partition (see ``FATVolume/commit(_:volumeAt:to:)``);
    /// 5. commits the card's record, which describes only what is on the card;
    /// 6. takes the note away;
    /// 7. reads all of it back from the medium and compares.
    ///
    /// If a step fails, or the power is cut, the root partition is old or new if it has a journal, each file of the boot
    /// partition has its old contents or its new ones, and the record is the old one: the same command again writes the
    /// rest, and one with another recipe removes what this one has put there. What an earlier cut has left in the root
    /// partition's journal is carried out first.
    ///
    /// - Parameters:
    ///   - time: Of new files; seconds since 1970, UTC.
    ///   - dropCache: Makes the next read of `store` come from the medium.
    package func apply(
        to store: any WritableBlockStore, table: PartitionTable, time: Int64, dropCache: () throws -> Void
    ) throws {
        try provision.checkSecretsAreRead()
        let boot = try BootSnapshot(of: BootVolume.open(Overlay(over: store), table: table, at: time))
        let root = InspectedRoot.partition(in: table, boot: boot)
        if let root { try RootVolume.recovery(of: store, partition: root)?.carry(to: store) }

        let overlay = Overlay(over: store)
        let changedRoot = try RootVolume.apply(
            provision.rootChanges.map(\.edit), to: overlay, partition: root, at: time)
        let rootWrites = try root.flatMap { root in
            try RootVolume.writes(carrying: overlay, partition: root, to: store)
        }
        let steps = try BootSteps(
            on: store, table: table, time: time, provision: provision, alsoChanges: !changedRoot.isEmpty)

        try steps.begin(on: store)
        try rootWrites?.carry(to: store)
        try steps.finish(on: store)
        try dropCache()
        let wanted = [overlay.changes.ranges.map { ($0, overlay) }, steps.changes.ranges.map { ($0, steps.last) }]
        for (range, source) in wanted.joined() {
            let bytes = try source.bytes(at: range.lowerBound, count: range.count)
            guard try store.bytes(at: range.lowerBound, count: range.count) == bytes else {
                throw Failure(
                    .verifyMismatch,
                    "\(store.name): the new settings read back differently at byte \(range.lowerBound)",
                    hint: "the card or its reader is bad: write the card again, or try another one")
            }
        }
    }
}

/// The edits of a boot partition, one over the other, each of which is on the medium before the next one begins.
private struct BootSteps {
    private let range: Range<Int64>
    private var overlays: [Overlay] = []
    /// What the boot partition will hold in the end.
    let last: Overlay

    /// Makes all edits, and writes nothing.
    ///
    /// - Parameter alsoChanges: Whether the root partition changes, too.
    init(
        on store: any WritableBlockStore, table: PartitionTable, time: Int64, provision: Provision, alsoChanges: Bool
    ) throws {
        range = try BootVolume.range(in: table, of: store.name)
        var below: any WritableBlockStore = store
        func step(_ edit: (inout FATVolume) throws -> Void) throws -> Overlay {
            let overlay = Overlay(over: below)
            var volume = try BootVolume.open(overlay, table: table, at: time)
            try edit(&volume)
            below = overlay
            return overlay
        }
        let files = try BootVolume.open(Overlay(over: store), table: table, at: time)
        let needsNote = try alsoChanges || files.differences(from: provision).contains { $0 != CardRecord.path }
        overlays.append(try step { if needsNote { try $0.beginEdit(to: provision) } })
        overlays.append(try step { _ = try $0.putFiles(of: provision) })
        overlays.append(try step { _ = try $0.putRecord(of: provision) })
        last = try step { _ = try $0.endEdit() }
        overlays.append(last)
    }

    /// The bytes that change, in any step.
    var changes: ByteRanges { overlays.reduce(ByteRanges()) { $0.union($1.changes) } }

    func begin(on store: some WritableBlockStore) throws(Failure) { try commit(overlays.prefix(1), to: store) }

    func finish(on store: some WritableBlockStore) throws(Failure) { try commit(overlays.dropFirst(), to: store) }

    private func commit(_ overlays: ArraySlice<Overlay>, to store: some WritableBlockStore) throws(Failure) {
        for overlay in overlays where !overlay.changes.isEmpty {
            try FATVolume.commit(overlay, volumeAt: range, to: store)
        }
    }
}
