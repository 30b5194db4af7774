import Host
package import Systems
package import Diagnostics
package import Filesystems
import Images
import Provisioning
import Storage
package import SystemPackage

/// A card, an image file or a mounted boot partition, opened to read what is on it.
package struct InspectedCard {
    package let snapshot: BootSnapshot
    /// The record that piflash wrote on the card; nil if it did not prepare the card.
    package let record: CardRecord?
    /// The boot partition's files, to read from.
    package let files: any FileTree
    /// What was read of the root partition; nil if only the boot partition is available.
    package let root: InspectedRoot?
    /// The whole card, to try changes on; nil if only the boot partition is available.
    let content: Overlay?

    /// The node of an edit that was begun and not finished; nil if there is none.
    package var unfinishedNode: String? { snapshot.unfinishedEdit?.node }

    /// The path of that record, for messages.
    package static var recordPath: String { CardRecord.path }

    /// What the first-boot program reported on the card; nil if it has not run yet.
    package func firstBootStatus() throws(Failure) -> String? {
        try files.read(BootPath.status).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Opens what is at `path`: a block device, an image file, or a directory where a boot partition is mounted.
    package init(at path: FilePath) throws {
        let store: (any BlockStore)? =
            switch try PathKind(of: path) {
            case .directory: nil
            case .blockDevice: try BlockDevice(opening: path, .read)
            case .file: try ImageFile(opening: path)
            }
        guard let store else {
            let directory = try MountedDirectory(path)
            files = directory
            (root, self.content) = (nil, nil)
            snapshot = try BootSnapshot(of: directory)
            record = try snapshot.record
            return
        }
        let content = Overlay(over: store)
        let table = try PartitionTable.read(path)
        let files = try BootVolume.open(content, table: table, at: 0)
        self.files = files
        snapshot = try BootSnapshot(of: files)
        record = try snapshot.record
        try InspectedRoot.replayJournal(on: content, table: table, boot: snapshot)
        root = try InspectedRoot(of: content, table: table, boot: snapshot)
        self.content = content
    }
}

extension BootSnapshot {
    /// The record that piflash wrote on the card; nil if it did not prepare the card.
    package var record: CardRecord? {
        get throws(Failure) {
            guard let bytes = files[CardRecord.path] else { return nil }
            return try CardRecord(decoding: bytes)
        }
    }
}

/// What is at a path that the user gave.
package enum PathKind {
    case directory, blockDevice, file

    package init(of path: FilePath) throws(Failure) {
        let type: FileType
        do { type = try path.stat().type } catch {
            throw .system(
                "opening \(path)", error, hint: "name a card's device, an image file or a mounted boot directory")
        }
        switch type {
        case .directory: self = .directory
        case .blockSpecial: self = .blockDevice
        case .regular: self = .file
        default:
            throw Failure(
                .notAFile, severity: .usage, "\"\(path)\" is not a device, an image file or a directory",
                hint: "name a card's device, an image file or a mounted boot directory")
        }
    }
}
