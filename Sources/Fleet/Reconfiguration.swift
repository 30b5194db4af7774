import Systems
package import Cards
package import Diagnostics
import Filesystems
package import Host
package import Provisioning
package import Recipes
import Images
import Storage
package import SystemPackage

/// New configuration for a card that has been written already: only files of its partitions change, not the image.
package struct Reconfiguration: Sendable {
    package let provision: Provision
    /// The boot-partition paths that would change; empty when the card is as the recipe wants it.
    package let changedFiles: [String]
    /// The paths of the root partition that would change.
    package let changedRootFiles: [String]

    package var isEmpty: Bool { changedFiles.isEmpty && changedRootFiles.isEmpty }

    /// Renders `node` for the card that `reading` looks at.
    ///
    /// With `isTrial` nothing of the rack is made: a certificate that was not issued yet is only a placeholder.
    ///
    /// The card's record keeps its time of writing when nothing else changes, so that configuring twice changes nothing.
    package init(
        of node: Node, on reading: CardReading, user: InvokingUser, secrets: any SecretReading, version: String,
        now: Int64, isTrial: Bool = false
    ) async throws {
        let snapshot = reading.snapshot
        let profile = try OSProfile.detect(snapshot, root: reading.root?.snapshot)
        let record = reading.record
        let state = RackState(besideRecipe: FilePath(node.recipePath), user: user)
        let saltKey = try state.saltKey()
        let rackKeys = try state.swarmKeys(for: node)
        var read = try SupplyReading.files(of: node)
        // Where only the boot partition is at hand the recipe is refused: no certificate is made for that.
        if node.docker.remote?.value == .tls, reading.root != nil {
            read.certificate =
                isTrial
                ? try state.knownCertificate(for: node, now: now) ?? .placeholder
                : try state.certificate(for: node, now: now)
        }
        let supplies = read
        func render(at time: Int64) async throws -> Provision {
            try await Provisioner(
                saltKey: saltKey, rackKeys: rackKeys, flashTime: time, image: record?.image, piflashVersion: version
            ).provision(
                node, profile: profile, boot: snapshot, root: reading.root?.material, supplies: supplies,
                secrets: secrets)
        }
        if let written = record?.writtenAt {
            let unchanged = try await render(at: written)
            let files = try reading.files.differences(from: unchanged)
            if files.isEmpty, try reading.rootDifferences(from: unchanged).isEmpty {
                provision = unchanged
                (changedFiles, changedRootFiles) = ([], [])
                return
            }
        }
        provision = try await render(at: now)
        changedFiles = try reading.files.differences(from: provision)
        let planned = provision
        changedRootFiles = try supplies.fitting(in: reading.root?.freeBytes) {
            try reading.rootDifferences(from: planned)
        }
    }
}

extension CardReading {
    /// The paths of the root partition that applying `provision` would change, found out on an overlay.
    fileprivate func rootDifferences(from provision: Provision) throws(Failure) -> [String] {
        guard let content, let root else { return [] }
        return try RootVolume.apply(
            provision.rootChanges.map(\.edit), to: Overlay(over: content), partition: root.partition, at: 0)
    }
}

/// What can be given new settings.
package enum ConfigurationTarget: Sendable {
    case device(DeviceFacts)
    case file(FilePath)
    /// A directory where the boot partition is mounted.
    case directory(FilePath)

    /// What `path` (absolute) names; a device is judged as one that is to be written.
    package init(_ path: FilePath, chooser: CardChooser) throws(Failure) {
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

    package var path: FilePath {
        switch self {
        case .device(let facts): facts.path
        case .file(let path), .directory(let path): path
        }
    }
}

extension Reconfiguration {
    /// Writes the changes to the card; new files get the time `time` (seconds since 1970, UTC).
    package func apply(to target: ConfigurationTarget, time: Int64) throws {
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
        let snapshot = try BootSnapshot(of: volume)
        let root = try RootReading(of: overlay, table: table, boot: snapshot).partition
        _ = try RootVolume.apply(provision.rootChanges.map(\.edit), to: overlay, partition: root, at: time)
        _ = try volume.apply(provision)
        let range = try BootVolume.range(in: table, of: store.name)
        let wanted = try overlay.changes.ranges.map { range in
            (range, try overlay.bytes(at: range.lowerBound, count: range.count))
        }
        // The boot partition holds the card's record, which is to be true.
        if let root {
            try Ext4Volume.commit(overlay, volumeAt: root.range, to: store)
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
