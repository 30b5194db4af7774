public import Cards
public import Diagnostics
public import Filesystems
public import Host
public import Provisioning
public import Recipes
import Images
import Storage
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
        of node: Node, on files: any FileTree, user: InvokingUser, secrets: any SecretReading, version: String,
        now: Int64
    ) async throws {
        let snapshot = try BootSnapshot(of: files)
        let profile = try OSProfile.detect(snapshot)
        let record = try snapshot.record
        let saltKey = try RackState(besideRecipe: FilePath(node.recipePath), user: user).saltKey()
        func render(at time: Int64) async throws -> Provision {
            try await Provisioner(
                saltKey: saltKey, flashTime: time, image: record?.image, piflashVersion: version
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

/// What can be given new settings.
public enum ConfigurationTarget: Sendable {
    case device(DeviceFacts)
    case file(FilePath)
    /// A directory where the boot partition is mounted.
    case directory(FilePath)

    /// What `path` (absolute) names; a device is judged as one that is to be written.
    public init(_ path: FilePath, chooser: CardChooser) throws(Failure) {
        switch try PathKind(of: path) {
        case .directory: self = .directory(path)
        case .file: self = .file(path)
        case .blockDevice:
            guard case .device(let facts) = try chooser.choose(path) else {
                throw Failure(.notATarget, severity: .refused, "\"\(path)\" is no card")
            }
            self = .device(facts)
        }
    }

    public var path: FilePath {
        switch self {
        case .device(let facts): facts.path
        case .file(let path), .directory(let path): path
        }
    }
}

extension Reconfiguration {
    /// Writes the changes to the card; new files get the time `time` (seconds since 1970, UTC).
    public func apply(to target: ConfigurationTarget, time: Int64) throws {
        switch target {
        case .directory(let path):
            var directory = try MountedDirectory(path)
            _ = try directory.apply(provision)
        case .file(let path):
            let file = try ImageFile(opening: path, writable: true)
            try apply(to: file, path: path, time: time) { try file.dropCache() }
        case .device(let facts):
            let card = try ClaimedCard(facts)
            try apply(to: card, path: facts.path, time: time) { try card.dropCache() }
        }
    }

    /// A power cut leaves each file with its old contents or its new ones. What is there afterwards is read back and
    /// compared.
    private func apply(
        to store: any WritableBlockStore, path: FilePath, time: Int64, dropCache: () throws -> Void
    ) throws {
        let table = try PartitionTable.read(path)
        let overlay = Overlay(over: store)
        var volume = try BootVolume.open(overlay, table: table, at: time)
        _ = try volume.apply(provision)
        let range = try BootVolume.range(in: table, of: store.name)
        let wanted = try overlay.changes.ranges.map { range in
            (range, try overlay.bytes(at: range.lowerBound, count: range.count))
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
