import CExt2fs
package import Diagnostics
package import Storage

extension Ext4Volume {
    /// The writes that carry what was edited over an overlay to `medium`; nil if nothing was changed.
    ///
    /// `range` is where the volume is, in bytes, in the overlay and in `medium`. What changed outside of it is not carried.
    /// The overlay gets what the volume will hold in the end where that is not what the edit wrote: its superblock and its
    /// journal.
    ///
    /// Throws, before anything is written, if the record of the volume's free space cannot be relied on.
    package static func writes(
        carrying overlay: Overlay, volumeAt range: Range<Int64>, to medium: some BlockStore
    ) throws(Failure) -> OrderedWrites? {
        guard let edit = try Ext4Commit(of: overlay, volumeAt: range, to: medium) else { return nil }
        if let writes = try edit.inJournal() { return writes }
        return try edit.withoutJournal()
    }
}

/// An edit of a volume over an overlay, on its way to the medium.
struct Ext4Commit {
    private let overlay: Overlay
    private let range: Range<Int64>
    /// The volume as it is, and as it is to be.
    private let old: any BlockStore
    private let new: Window<Overlay>
    private let oldSuperblock: Ext4Superblock
    private let newSuperblock: Ext4Superblock
    /// Nil if the volume has none.
    private let log: JournalLog?
    /// Changed bytes in blocks that were free: nobody sees them until other blocks name them. In bytes of the volume.
    private let fresh: ByteRanges
    /// The other changed blocks except the superblock's, by number.
    private let blocks: [Int64]

    private var blockSize: Int { oldSuperblock.blockSize }
    private var superblockBlock: Int64 { Ext4Superblock.offset / Int64(blockSize) }

    /// Nil if nothing was changed.
    init?(of overlay: Overlay, volumeAt range: Range<Int64>, to medium: some BlockStore) throws(Failure) {
        let name = "the root partition of \(medium.name)"
        let changes = overlay.changes.clamped(to: range).shifted(by: -range.lowerBound)
        guard !changes.isEmpty else { return nil }
        (self.overlay, self.range) = (overlay, range)
        old = try Window(medium, range: range, name: name)
        new = try Window(overlay, range: range, name: name)
        oldSuperblock = try Ext4Superblock(of: old)
        newSuperblock = try Ext4Superblock(of: new).keepingChecksum(of: oldSuperblock)
        log =
            oldSuperblock.hasJournal
            ? try JournalLog(of: old, runs: JournalLog.runs(of: old), blockSize: oldSuperblock.blockSize) : nil
        if let log, !log.superblock.isEmpty {
            throw Failure(
                .dirtyFilesystem, severity: .refused,
                "\(name) cannot be edited: its journal holds changes, but its superblock does not say so",
                hint: "check it with `e2fsck -f` on its partition, or write it again")
        }
        let journal = ByteRanges(log?.runs ?? [])
        fresh = changes.intersection(try Ext4FreeSpace.ranges(of: old).subtracting(journal))
        blocks = try Self.changedBlocks(
            in: changes.subtracting(fresh), from: old, to: new, blockSize: oldSuperblock.blockSize)
    }

    /// Only what an edit changes is in the journal: the blocks of an overlay are larger than those of some volumes.
    private static func changedBlocks(
        in changes: ByteRanges, from old: some BlockStore, to new: some BlockStore, blockSize: Int
    ) throws(Failure) -> [Int64] {
        let size = Int64(blockSize)
        var blocks: [Int64] = []
        for range in changes.aligned(to: size).ranges {
            for start in stride(from: range.lowerBound, to: range.upperBound, by: blockSize)
            where start / size != Ext4Superblock.offset / size {
                let count = Int(min(size, new.size - start))
                if try old.bytes(at: start, count: count) != new.bytes(at: start, count: count) {
                    blocks.append(start / size)
                }
            }
        }
        return blocks
    }

    // MARK: With a journal

    /// The edit as one transaction of the journal, so that a power cut leaves the old volume or the new one, whatever
    /// part of a step has reached the medium:
    ///
    ///  1. what was free gets its new contents, the log gets the transaction, and the superblock says that the journal is to
    ///     be replayed. The journal's own superblock still says that the log is empty: this is the old volume.
    ///  2. The journal's superblock names the transaction: this is the new volume. One sector of 512 bytes changes.
    ///  3. The blocks of the transaction get their new contents.
    ///  4. The journal is empty.
    ///  5. The superblock says so.
    ///
    /// Nil if there is no journal, or if the edit does not fit into it.
    func inJournal() throws(Failure) -> OrderedWrites? {
        guard let log else { return nil }
        let (journal, format) = (log.superblock, log.superblock.format)
        let numbers = (blocks + [superblockBlock]).sorted()
        guard JournalTransaction.length(of: numbers.count, format) <= journal.log.count,
            format.isLarge || numbers.allSatisfy({ $0 <= Int64(UInt32.max) })
        else { return nil }
        let sequence = journal.sequence &+ 1
        let superblock = newSuperblock.needingRecovery(true)
        var contents: [(number: UInt64, bytes: [UInt8])] = []
        for number in numbers {
            var bytes = try new.bytes(at: number * Int64(blockSize), count: blockSize)
            if number == superblockBlock {
                let start = Int(Ext4Superblock.offset) - Int(number) * blockSize
                bytes.replaceSubrange(start..<start + Ext4Superblock.size, with: superblock.bytes)
            }
            contents.append((UInt64(number), bytes))
        }
        let transaction = JournalTransaction(
            format: format, sequence: sequence, time: newSuperblock.writeTime)
        let first = journal.log.lowerBound
        let logged = zip(first..., transaction.encoded(contents)).map { (place($0.0, in: log), $0.1) }
        let empty = journal.with(start: 0, sequence: sequence &+ 1)

        var writes = OrderedWrites(from: overlay)
        writes.add(
            copying: fresh.shifted(by: range.lowerBound),
            logged + [(superblockPlace, oldSuperblock.needingRecovery(true).bytes)])
        writes.add([(place(0, in: log), journal.with(start: first, sequence: sequence).bytes)])
        writes.add(contents.map { (range.lowerBound + Int64($0.number) * Int64(blockSize), $0.bytes) })
        writes.add([(place(0, in: log), empty.bytes)])
        writes.add([(superblockPlace, newSuperblock.bytes)])
        // A block of the overlay may hold what changed beside a part of the log.
        for (place, bytes) in logged { try overlay.write(bytes, at: place) }
        try overlay.write(empty.bytes, at: place(0, in: log))
        try overlay.write(newSuperblock.bytes, at: superblockPlace)
        return writes
    }

    // MARK: Without one

    /// The edit in steps that e2fsck can always repair; a power cut in the third may leave old and new files side by side:
    ///
    ///  1. what was free gets its new contents;
    ///  2. the superblock says that the volume is not clean, so that the next system that mounts it checks it first;
    ///  3. all other changed blocks;
    ///  4. the superblock as it must be, clean.
    ///
    /// The superblock changes in one sector of 512 bytes, and never in one step with anything else.
    func withoutJournal() throws(Failure) -> OrderedWrites {
        var contents: [(offset: Int64, bytes: [UInt8])] = []
        for number in blocks {
            let start = number * Int64(blockSize)
            let count = Int(min(Int64(blockSize), new.size - start))
            contents.append((range.lowerBound + start, try new.bytes(at: start, count: count)))
        }
        var writes = OrderedWrites(from: overlay)
        writes.add(copying: fresh.shifted(by: range.lowerBound))
        writes.add([(superblockPlace, oldSuperblock.unclean().bytes)])
        writes.add(contents)
        writes.add([(superblockPlace, newSuperblock.bytes)])
        try overlay.write(newSuperblock.bytes, at: superblockPlace)
        return writes
    }

    // MARK: Places on the medium

    private var superblockPlace: Int64 { range.lowerBound + Ext4Superblock.offset }

    private func place(_ block: Int, in log: JournalLog) -> Int64 { range.lowerBound + log.offset(of: block) }
}
