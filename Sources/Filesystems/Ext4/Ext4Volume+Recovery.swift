package import Diagnostics
package import Storage

extension Ext4Volume {
    /// The writes that replay the journal of the volume at `range` of `medium`, as the kernel would at its next mount; nil
    /// if the volume does not ask for that. Carried out again after a power cut, they do the same:
    ///
    ///  1. the blocks in the log go to their places;
    ///  2. the journal is empty;
    ///  3. the superblock says so.
    package static func recovery(
        of medium: some BlockStore, volumeAt range: Range<Int64>
    ) throws(Failure) -> OrderedWrites? {
        let store = try Window(medium, range: range, name: "the root partition of \(medium.name)")
        guard store.size >= Ext4Superblock.offset + Int64(Ext4Superblock.size) else { return nil }
        let superblock = try Ext4Superblock(of: store)
        guard superblock.isValid, superblock.needsRecovery, superblock.hasJournal else { return nil }
        // What contradicts itself is refused where the volume is opened.
        guard (try? Ext4Geometry.check(superblock.bytes, storeSize: store.size, name: store.name)) != nil else {
            return nil
        }
        let (size, runs) = (superblock.blockSize, try JournalLog.runs(of: store))
        let log = try JournalLog(of: store, runs: runs, blockSize: size)
        let replay = try JournalReplay(log, on: store)
        let contents = try replay.contents(within: 0..<superblock.blockCount)

        let replayed = Overlay(over: store)
        for (number, bytes) in contents {
            let start = Int64(number) * Int64(size)
            guard !runs.contains(where: { $0.overlaps(start..<start + Int64(size)) }) else {
                throw log.cannotBeReplayed(store, "its own blocks")
            }
            try replayed.write(bytes, at: start)
        }
        let after = try Ext4Superblock(of: replayed)
        guard after.isValid, after.blockSize == size else { throw log.cannotBeReplayed(store, "its superblock") }
        var writes = OrderedWrites(from: medium)
        var changed: [(offset: Int64, bytes: [UInt8])] = []
        for part in replayed.changes.ranges {
            let bytes = try replayed.bytes(at: part.lowerBound, count: part.count)
            changed.append((range.lowerBound + part.lowerBound, bytes))
        }
        writes.add(changed)
        writes.add([
            (
                range.lowerBound + log.offset(of: 0),
                log.superblock.with(start: 0, sequence: replay.endSequence &+ 1).bytes
            )
        ])
        writes.add([(range.lowerBound + Ext4Superblock.offset, after.needingRecovery(false).bytes)])
        return writes
    }
}
