import Host
package import Systems
package import Diagnostics
package import Filesystems
import Images
import Provisioning
import Storage
package import SystemPackage

/// A card, an image file or a mounted boot directory, opened to look at its boot partition.
package struct InspectedCard {
    package let snapshot: BootSnapshot
    /// What piflash wrote on the card about itself, when it prepared the card.
    package let record: CardRecord?
    /// The boot partition's files, to read from.
    package let files: any FileTree
    /// What the root partition tells; nil where only the boot partition is at hand.
    package let root: InspectedRoot?
    /// The whole card, to try changes on; nil where only the boot partition is at hand.
    let content: Overlay?

    /// Where that record stands, for messages.
    package static var recordPath: String { CardRecord.path }

    /// What the first-boot program reported on the card, or nil while it has not run.
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
        root = try InspectedRoot(of: content, table: table, boot: snapshot)
        self.content = content
    }
}

extension BootSnapshot {
    /// The record that piflash left on the card, or nil when it did not prepare it.
    package var record: CardRecord? {
        get throws(Failure) {
            guard let bytes = files[CardRecord.path] else { return nil }
            return try CardRecord(decoding: bytes)
        }
    }
}

/// What a path given by the user names.
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
                .notAFile, severity: .usage, "\"\(path)\" is no device, image file or directory",
                hint: "name a card's device, an image file or a mounted boot directory")
        }
    }
}
