import Cards
public import Diagnostics
public import Filesystems
public import Host
public import Provisioning
public import Recipes
import Images
public import Storage
public import SystemPackage

/// New configuration for a card that has been written already: only files of its boot partition change.
public struct Reconfiguration: Sendable {
    public let provision: Provision
    /// The boot-partition paths that would change; empty when the card is as the recipe wants it.
    public let changedFiles: [String]

    /// Renders `node` for the card behind `files`.
    ///
    /// The card's record keeps its time of writing when nothing else changes, so that configuring twice changes nothing.
    public init(
        of node: Node, on files: any FileTree, user: InvokingUser, secrets: any SecretReading, version: String, now: Int64
    ) async throws {
        let snapshot = try BootSnapshot(of: files)
        let profile = try OSProfile.detect(snapshot)
        let record = try snapshot.files[CardRecord.path].map { try CardRecord(decoding: $0) }
        let saltKey = try RackState(besideRecipe: FilePath(node.recipePath), user: user).saltKey()
        func render(at time: Int64) async throws -> Provision {
            try await Provisioner(
                saltKey: saltKey, flashTime: time, image: record?.image ?? ImageIdentity(name: "unknown", digest: ""),
                version: version
            ).provision(node, profile: profile, boot: snapshot, secrets: secrets)
        }
        if let written = record?.writtenAt {
            let unchanged = try await render(at: written)
            if try files.differences(from: unchanged).isEmpty {
                provision = unchanged
                changedFiles = []
                return
            }
        }
        provision = try await render(at: now)
        changedFiles = try files.differences(from: provision)
    }
}

extension Reconfiguration {
    /// Writes the changes to a mounted boot directory.
    public func apply(toDirectory path: FilePath) throws {
        var directory = try MountedDirectory(path)
        _ = try directory.apply(provision)
    }

    /// Writes the changes to a card or an image file, and compares what is there afterwards.
    ///
    /// Data goes first; directories and allocation tables follow when it is on the medium, so that a power cut leaves
    /// the old configuration or the new.
    public func apply(to store: some WritableBlockStore, path: FilePath, time: Int64) throws {
        let table = try PartitionTable.read(path)
        let overlay = Overlay(over: store)
        var volume = try BootVolume.open(overlay, table: table, at: time)
        _ = try volume.apply(provision)
        let start = try BootVolume.range(in: table, of: store.name).lowerBound
        let visible = ByteRanges((try volume.visibleRanges).ranges.map { $0.lowerBound + start..<$0.upperBound + start })
        let changes = overlay.changes
        try overlay.commit(to: store, phases: [visible])
        for range in changes.ranges {
            let wanted = try overlay.bytes(at: range.lowerBound, count: range.count)
            guard try store.bytes(at: range.lowerBound, count: range.count) == wanted else {
                throw Failure(
                    .verifyMismatch, "\(store.name): the configuration reads back differently at \(range.lowerBound)",
                    hint: "the card or its reader is bad: write the card anew, or try another one")
            }
        }
    }
}
