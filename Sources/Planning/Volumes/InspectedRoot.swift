package import Systems
package import Diagnostics
package import Filesystems
import Images
package import Storage

/// What could be read of a root partition. That none can be read is no failure: the boot partition tells enough about
/// most images, and detection refuses the others.
package struct InspectedRoot: Sendable {
    /// Nil when there is none, or none with a file system that piflash reads.
    package let partition: PartitionTable.Partition?
    package let snapshot: RootSnapshot?
    /// Why it cannot be edited, for people; nil when it can.
    package let problem: String?
    /// In bytes; nil when it is not known.
    package let freeBytes: Int64?

    /// What a renderer works from: where nothing could be read, why.
    package var material: RootSnapshot { snapshot ?? RootSnapshot(problem: problem) }

    /// Reads the root partition of `store`. Throws what the store throws: a card that cannot be read has no say.
    package init(of store: some BlockStore, table: PartitionTable, boot: BootSnapshot) throws(Failure) {
        switch RootVolume.find(
            in: table, commandLine: boot.text("cmdline.txt") ?? boot.text("current/cmdline.txt"))
        {
        case .missing(let reason):
            partition = nil
            snapshot = nil
            freeBytes = nil
            problem = reason
        case .found(let found):
            partition = found
            do throws(Failure) {
                let volume = try RootVolume.open(store, partition: found, name: "the root partition", at: 0)
                let read = try RootSnapshot(of: volume)
                snapshot = read
                freeBytes = volume.freeBytes
                problem = read.problem
            } catch {
                guard [.unsupportedFilesystem, .damagedFilesystem, .dirtyFilesystem].contains(error.code) else {
                    throw error
                }
                snapshot = nil
                freeBytes = nil
                problem = error.message
            }
        }
    }
}
