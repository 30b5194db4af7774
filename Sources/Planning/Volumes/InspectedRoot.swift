package import Systems
package import Diagnostics
package import Filesystems
import Images
package import Storage

/// What could be read of a root partition. If none can be read, that is not a failure: for most images the boot partition is
/// enough, and detection refuses the others.
package struct InspectedRoot: Sendable {
    /// Nil if there is none, or if piflash does not read its file system.
    package let partition: PartitionTable.Partition?
    package let snapshot: RootSnapshot?
    /// Why it cannot be edited, for people; nil when it can.
    package let problem: String?
    /// Why no card may be made or changed with it, even if the root partition itself would stay as it is; nil if one may.
    let inconsistency: Failure?
    /// In bytes; nil if it is not known.
    package let freeBytes: Int64?

    /// Throws if no card may be made or changed with it.
    func requireConsistent() throws(Failure) { if let inconsistency { throw inconsistency } }

    /// What a renderer uses; if nothing could be read, it has the reason.
    package var material: RootSnapshot { snapshot ?? RootSnapshot(problem: problem) }

    /// Reads the root partition of `store`. Throws if the store cannot be read.
    package init(of store: some BlockStore, table: PartitionTable, boot: BootSnapshot) throws(Failure) {
        switch Self.find(in: table, boot: boot) {
        case .missing(let reason):
            partition = nil
            snapshot = nil
            freeBytes = nil
            inconsistency = nil
            problem = reason
        case .found(let found):
            partition = found
            do throws(Failure) {
                let volume = try RootVolume.open(store, partition: found, name: "the root partition", at: 0)
                let read = try RootSnapshot(of: volume)
                snapshot = read
                freeBytes = volume.freeBytes
                problem = read.problem
                inconsistency = volume.problem.flatMap { $0.code == .inconsistentFilesystem ? $0 : nil }
            } catch {
                guard Self.isUnreadable(error) else { throw error }
                snapshot = nil
                freeBytes = nil
                problem = error.messageWithHint
                inconsistency = error.code == .inconsistentFilesystem ? error : nil
            }
        }
    }

    /// Whether it is the file system that cannot be used, not the store that cannot be read.
    static func isUnreadable(_ failure: Failure) -> Bool {
        [.unsupportedFilesystem, .damagedFilesystem, .inconsistentFilesystem, .dirtyFilesystem].contains(failure.code)
    }

    /// Makes `overlay` what it will be when what a power cut has left in the root partition's journal is carried out.
    static func replayJournal(on overlay: Overlay, table: PartitionTable, boot: BootSnapshot) throws(Failure) {
        guard let partition = partition(in: table, boot: boot) else { return }
        try RootVolume.recovery(of: overlay, partition: partition)?.apply(to: overlay)
    }

    /// The root partition that the boot partition names.
    package static func partition(in table: PartitionTable, boot: BootSnapshot) -> PartitionTable.Partition? {
        find(in: table, boot: boot).partition
    }

    private static func find(in table: PartitionTable, boot: BootSnapshot) -> RootVolume.Finding {
        RootVolume.find(
            in: table, commandLine: boot.text(BootPath.commandLine) ?? boot.text(BootPath.currentCommandLine))
    }
}
