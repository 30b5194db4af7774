import Diagnostics
import Storage

/// The journal of a file system: its superblock, and where its blocks are.
struct JournalLog {
    let superblock: JournalSuperblock
    /// In the order of the journal, in bytes of the file system.
    let runs: [Range<Int64>]
    /// Of each of the journal's blocks, in bytes.
    private let offsets: [Int64]
    var blockSize: Int { superblock.format.blockSize }

    /// - Parameter runs: Where libext2fs says that the journal is.
    init(of store: some BlockStore, runs: [Range<Int64>], blockSize: Int) throws(Failure) {
        self.runs = runs
        // The confined process that found them reads what strangers wrote.
        let total = runs.reduce(Int64(0)) { $0 &+ Int64($1.count) }
        guard runs.allSatisfy({ 0 <= $0.lowerBound && $0.upperBound <= store.size }), total <= store.size else {
            throw Self.failure(store, "it is not inside the file system")
        }
        offsets = runs.flatMap { Array(stride(from: $0.lowerBound, to: $0.upperBound, by: blockSize)) }
        guard let first = offsets.first else { throw Self.failure(store, "it has no blocks") }
        let bytes = try store.bytes(at: first, count: blockSize)
        do throws(JournalSuperblock.Problem) {
            superblock = try JournalSuperblock(bytes, blockSize: blockSize, count: offsets.count)
        } catch { throw Self.failure(store, error.reason) }
    }

    private static func failure(_ store: some BlockStore, _ reason: String) -> Failure {
        Failure(
            .unsupportedFilesystem, severity: .refused, "\(store.name): its journal cannot be used: \(reason)",
            hint: "check it with `e2fsck -f` on its partition, or write it again")
    }

    /// Where a block of the journal is, in bytes; block 0 is its superblock.
    func offset(of block: Int) -> Int64 { offsets[block] }

    /// The block behind `block` in the log, which is a ring.
    func next(after block: Int) -> Int {
        block + 1 < superblock.log.upperBound ? block + 1 : superblock.log.lowerBound
    }
}
