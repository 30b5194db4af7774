import Systems
import Diagnostics
import Filesystems
package import Provisioning
package import Recipes
import Images
import Storage

/// New settings for a card that is already written: only files in its partitions change, not the image.
package struct Reconfiguration: Sendable {
    package let provision: Provision
    /// The paths of the boot partition that would change; empty if the card is as the recipe wants it.
    package let changedFiles: [String]
    /// The paths of the root partition that would change.
    package let changedRootFiles: [String]

    package var isEmpty: Bool { changedFiles.isEmpty && changedRootFiles.isEmpty }

    /// Renders `node` for the card `reading`.
    ///
    /// If nothing else changes, the card's record keeps its time of writing, so that configuring twice changes nothing.
    package init(
        of node: Node, on reading: InspectedCard, in rack: RackSecrets, secrets: any SecretReading, version: String,
        now: Int64, isCancelled: @escaping @Sendable () -> Bool
    ) async throws {
        try reading.root?.requireConsistent()
        let snapshot = reading.snapshot
        let profile = try OSProfile.detect(snapshot, root: reading.root?.snapshot)
        let record = reading.record
        var read = try Supplies(filesOf: node, isCancelled: isCancelled)
        read.certificate = rack.certificate
        let supplies = read
        func render(at time: Int64) async throws -> Provision {
            try await Provisioner(
                saltKey: rack.saltKey, rackKeys: rack.swarmKeys, flashTime: time, image: record?.image,
                piflashVersion: version
            ).provision(
                node, profile: profile, boot: snapshot, root: reading.root?.material, supplies: supplies,
                secrets: secrets
            ).warning(of: unseenReader(profile, reading, at: node.hostname.location))
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

/// Without its root partition nobody can say whether the system reads what is written for it.
private func unseenReader(_ profile: OSProfile, _ reading: InspectedCard, at location: Location) -> Diagnostic? {
    guard reading.root?.snapshot == nil, profile.flavour != .rootPartition else { return nil }
    return Diagnostic(
        .warning, at: location,
        "the root partition was not read, so it is not known whether the system is still configured by "
            + "\(profile.flavour.mechanism)")
}

extension Provision {
    fileprivate func warning(of diagnostic: Diagnostic?) -> Provision {
        guard let diagnostic else { return self }
        var provision = self
        provision.warnings.append(diagnostic)
        return provision
    }
}

extension InspectedCard {
    /// The paths of the root partition that `provision` would change, tried on an overlay.
    fileprivate func rootDifferences(from provision: Provision) throws(Failure) -> [String] {
        guard let content, let root else { return [] }
        return try RootVolume.apply(
            provision.rootChanges.map(\.edit), to: Overlay(over: content), partition: root.partition, at: 0)
    }
}
