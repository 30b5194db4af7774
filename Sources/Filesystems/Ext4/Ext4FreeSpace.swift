import CExt2fs
import Diagnostics
import Host
import Storage

/// Where an ext2, ext3 or ext4 file system keeps nothing.
///
/// libext2fs reads its block bitmaps, and makes those of groups that were never used (BLOCK_UNINIT), whose blocks on the
/// medium may hold anything.
struct Ext4FreeSpace {
    /// The bytes of blocks that the bitmaps call free.
    let ranges: ByteRanges

    /// Reads the file system that starts where `store` does.
    ///
    /// Throws, with the reason, when its bitmaps cannot be relied on: it was not unmounted cleanly, has errors, does not
    /// fit into the store, or contradicts itself.
    init(of store: any BlockStore) throws(Failure) {
        let name = store.name
        try Ext4Features.checkReadable(store, name: name)
        // Nothing is written: the time does not matter.
        let handle = try Ext4Handle(Ext4Channel(reading: store, name: name), time: 1)
        if let problem = handle.accountingProblem(storeSize: store.size) {
            throw Failure(problem.code, "\(name): \(problem.reason)", hint: problem.hint)
        }
        let features = Ext4Features(
            incompatible: handle.superblock.s_feature_incompat,
            readOnlyCompatible: handle.superblock.s_feature_ro_compat)
        guard features.unaccounted.isEmpty else {
            throw Failure(
                .unsupportedFilesystem, "\(name): it has \(features.unaccounted.joined(separator: ", "))")
        }
        let free = try handle.checkAccounts()
        let size = Int64(handle.fs.pointee.blocksize)
        ranges = ByteRanges(free.ranges.map { $0.lowerBound * size..<$0.upperBound * size })
    }
}

extension Ext4FreeSpace {
    /// The free bytes of the file system that fills `store`, read in a confined process if such are used.
    static func ranges(of store: any BlockStore) throws(Failure) -> ByteRanges {
        guard Confinement.isUsed else { return try Ext4FreeSpace(of: store).ranges }
        let request = FilesystemRequest.freeSpace.values(on: store, name: store.name, time: 1)
        var result = try ConfinedProcess(.filesystem).call(request) { (question) throws(Failure) in
            try ConfinedStore.answer(question, from: store)
        }
        return try result.ranges()
    }
}
