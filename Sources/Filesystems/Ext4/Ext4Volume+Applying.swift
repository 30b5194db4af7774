package import Diagnostics
package import Storage

extension Ext4Volume {
    /// Carries out `changes`, in their order, on the file system that fills `store`, and returns the paths of those that
    /// had to change something. Every time written is `time`, in seconds since 1970: the same changes of the same volume
    /// give the same bytes.
    ///
    /// 1. The changes are made on an overlay over `store`, up to the superblock. Whatever goes wrong here (a problem of the volume, a
    ///    full volume, a change that cannot be made, a failure of the store) leaves `store` as it was.
    /// 2. The old bytes of all changed blocks are read.
    /// 3. The changed blocks are written. When a write fails, the old bytes are written back, as far as the store
    ///    takes them; then its failure is thrown.
    ///
    /// A power cut in step 3 can leave a volume that needs e2fsck: to edit a card, apply the changes to an overlay over it first.
    package static func apply(
        _ changes: [TreeChange], to store: any WritableBlockStore, name: String, time: Int64
    ) throws(Failure) -> [String] {
        // Reads only: what cannot be edited is not opened to be written.
        try Ext4Volume(store, name: name, time: time).requireEditable()
        func edit(keepingDeleted: Bool) throws(Failure) -> [String] {
            let overlay = Overlay(over: store)
            let handle = try Ext4Handle(
                Ext4Channel(writing: overlay, name: name), time: time, keepsDeleted: keepingDeleted)
            try handle.readBitmaps()
            let editing = Ext4Edit(handle: handle)
            var changed: [String] = []
            for change in changes where try editing.apply(change) && !changed.contains(change.path) {
                changed.append(change.path)
            }
            try handle.close()
            try commit(overlay, to: store)
            return changed
        }
        // New contents go to blocks that were free, if there are enough: those can be written before the journal's transaction
        // (see Ext4Commit), which is much smaller then.
        do throws(Failure) { return try edit(keepingDeleted: true) } catch {
            guard error.code == .filesystemFull else { throw error }
            return try edit(keepingDeleted: false)
        }
    }

    private static func commit(_ overlay: Overlay, to store: any WritableBlockStore) throws(Failure) {
        var old: [(offset: Int64, bytes: [UInt8])] = []
        for range in overlay.changes.ranges {
            old.append((range.lowerBound, try store.bytes(at: range.lowerBound, count: range.count)))
        }
        guard !old.isEmpty else { return }
        do throws(Failure) {
            for (offset, bytes) in old { try store.write(overlay.bytes(at: offset, count: bytes.count), at: offset) }
            try store.synchronize()
        } catch {
            for (offset, bytes) in old { try? store.write(bytes, at: offset) }
            try? store.synchronize()
            throw error
        }
    }
}
