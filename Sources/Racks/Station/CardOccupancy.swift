package import Cards
import Diagnostics
import Filesystems
import Host
import Storage
import SystemPackage

/// Whether a card that somebody inserted may be written, as far as its contents show that.
///
/// A station writes every card that is inserted. The files on a card show if it is a camera's card or a backup stick.
package enum CardOccupancy: Hashable, Sendable {
    /// It is empty, or holds a system for the Raspberry Pi.
    case free
    /// It holds somebody's data. The text says what would be lost, for the question to the user.
    case somebodys(String)

    package init(of device: DeviceFacts) {
        let summary = CardContentsSummary(of: device)
        guard !summary.looksLikeHardDisk else {
            self = .somebodys("it identifies itself as a hard disk, not as a card in a reader")
            return
        }
        guard let store = try? BlockDevice(opening: device.path, .read) else {
            self = .somebodys("what is on it cannot be read")
            return
        }
        self.init(of: store, at: device.path)
    }

    /// - Parameter path: Of `store`.
    init(of store: some BlockStore, at path: FilePath) {
        do throws(Failure) {
            self.init(of: store, table: try PartitionTable.read(path), whole: nil)
        } catch {
            // Only if there is certainly no table: a table that runs past the end of the card may still be somebody's.
            guard error.code == .noPartitionTable else {
                self = .somebodys("its partition table cannot be read")
                return
            }
            do throws(Failure) {
                self.init(of: store, table: nil, whole: try FilesystemSignature.probe(path, range: nil)?.type)
            } catch {
                self = .somebodys("its contents cannot be identified")
            }
        }
    }

    /// - Parameter whole: The type of a file system without a partition table.
    init(of store: some BlockStore, table: PartitionTable?, whole: String?) {
        guard let table else {
            if whole == nil, CardWriter.hasSentinel(store) {
                self = .free
            } else {
                self = Self.occupancy(whole, in: store, 0..<store.size) ?? .free
            }
            return
        }
        if let boot = table.bootPartition, Self.isPi(Self.names(in: store, boot.range)) {
            self = .free
            return
        }
        let found = table.partitions.lazy.compactMap { Self.occupancy($0.filesystem?.type, in: store, $0.range) }
        self = found.first ?? .free
    }

    /// nil if the file system holds nobody's data.
    private static func occupancy(_ type: String?, in store: some BlockStore, _ range: Range<Int64>) -> CardOccupancy? {
        guard let type else {
            return isEmpty(store, range) ? nil : .somebodys("it has contents that are not recognised")
        }
        let names: [String]?
        switch type {
        case "vfat": names = Self.names(in: store, range)
        case "exfat":
            names = (try? ExFATRoot.names(in: Window(store, range: range, name: store.name))) ?? nil
        default: return .somebodys("it has a file system of type \(type)")
        }
        guard let names else { return .somebodys("its \(type) file system cannot be read") }
        // What operating systems leave on a card that they only read.
        let idle: Set<String> = [
            "system volume information", "lost.dir", "$recycle.bin", ".trashes", ".spotlight-v100",
        ]
        let files = names.filter { !idle.contains($0.lowercased()) }.map(DeviceFacts.printable)
        guard !files.isEmpty else { return nil }
        let shown = files.prefix(3).joined(separator: ", ") + (files.count > 3 ? " and \(files.count - 3) more" : "")
        return .somebodys("there are files on it: \(shown)")
    }

    /// Whether nothing was written to the start of `range`: erased flash reads as zeros or ones. Encrypted data may not be
    /// recognisable in any other way.
    private static func isEmpty(_ store: some BlockStore, _ range: Range<Int64>) -> Bool {
        let start = range.clamped(to: range.lowerBound..<range.lowerBound + 64 << 10)
        guard let bytes = try? store.bytes(at: start.lowerBound, count: start.count) else { return false }
        return bytes.allSatisfy { $0 == bytes.first } && [0, 0xFF, nil].contains(bytes.first)
    }

    private static func names(in store: some BlockStore, _ range: Range<Int64>) -> [String]? {
        guard let window = try? Window(Overlay(over: store), range: range, name: store.name),
            let volume = try? FATVolume(window, name: store.name, modified: FATTimestamp(secondsSince1970: 0))
        else { return nil }
        return (try? volume.list(""))?.map { $0.map(\.name) }
    }

    /// Whether these are files that the Raspberry Pi's firmware reads on a boot partition.
    private static func isPi(_ names: [String]?) -> Bool {
        let marks: Set<String> = ["config.txt", "cmdline.txt", "bootcode.bin", "piflash"]
        return names?.contains { marks.contains($0.lowercased()) } ?? false
    }
}
