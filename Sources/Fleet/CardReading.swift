public import Diagnostics
public import Filesystems
public import Images
public import Provisioning
import Storage
public import SystemPackage

/// A card, an image file or a mounted boot directory, opened to look at its boot partition.
public struct CardReading {
    public let snapshot: BootSnapshot
    /// What piflash wrote on the card about itself, when it prepared the card.
    public let record: CardRecord?
    /// The boot partition's files, to read from.
    public let files: any FileTree

    /// Where that record stands, for messages.
    public static var recordPath: String { CardRecord.path }

    /// What the first-boot program reported on the card, or nil while it has not run.
    public func firstBootStatus() throws(Failure) -> String? {
        try files.read("piflash/status.txt").map { String(decoding: $0, as: UTF8.self) }
    }

    /// Opens what is at `path`: a block device, an image file, or a directory where a boot partition is mounted.
    public init(at path: FilePath) throws {
        let files: any FileTree
        switch try PathKind(of: path) {
        case .directory:
            files = try MountedDirectory(path)
        case .blockDevice:
            files = try BootVolume.open(
                Overlay(over: try BlockDevice(opening: path, .read)), table: try PartitionTable.read(path), at: 0)
        case .file:
            files = try BootVolume.open(
                Overlay(over: try ImageFile(opening: path)), table: try PartitionTable.read(path), at: 0)
        }
        self.files = files
        snapshot = try BootSnapshot(of: files)
        record = try snapshot.record
    }
}

extension BootSnapshot {
    /// The record that piflash left on the card, or nil when it did not prepare it.
    public var record: CardRecord? {
        get throws(Failure) {
            guard let bytes = files[CardRecord.path] else { return nil }
            return try CardRecord(decoding: bytes)
        }
    }
}

/// What a path given by the user names.
enum PathKind {
    case directory, blockDevice, file

    init(of path: FilePath) throws(Failure) {
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
