public import Cards
public import Diagnostics
import Filesystems
import Provisioning
public import Host
import Storage
public import SystemPackage

/// What a target on the command line turned out to be.
public enum ChosenTarget: Sendable {
    case device(DeviceFacts)
    case file(FilePath, exists: Bool)

    public var path: FilePath {
        switch self {
        case .device(let facts): facts.path
        case .file(let path, _): path
        }
    }
}

/// Finds, judges and claims what is to be written.
public struct CardChooser: Sendable {
    private let tree: BlockDeviceTree
    private let user: InvokingUser
    /// Files that must not be on the card: the image, the cache, the recipe.
    private let protected: [FilePath]

    public init(user: InvokingUser, protecting protected: [FilePath], tree: BlockDeviceTree = BlockDeviceTree()) {
        self.user = user
        self.protected = protected
        self.tree = tree
    }

    /// The target at `path` (absolute), if nothing that is known already speaks against it.
    public func choose(_ path: FilePath) throws(Failure) -> ChosenTarget {
        switch try CardTargetPath(path) {
        case .device(let resolved):
            let name = resolved.lastComponent?.string ?? ""
            if let disk = tree.disk(ofPartition: name) {
                throw Failure(
                    .notACard, severity: .refused, "\(resolved) is a partition, not a card",
                    hint: "name the whole disk: /dev/\(disk)")
            }
            guard let facts = tree.facts(name) else {
                throw Failure(
                    .notACard, severity: .refused, "the system knows no disk \(resolved)",
                    hint: "`piflash devices` lists the cards")
            }
            try CardJudgement(tree: tree).check(facts, imageSize: nil, protecting: protected)
            return .device(facts)
        case .file(let file):
            let parent = file.removingLastComponent()
            guard (try? parent.stat().type) == .directory else {
                throw Failure(.usage, severity: .usage, "there is no directory \(parent)")
            }
            return .file(file, exists: (try? file.stat()) != nil)
        }
    }

    /// Judges again, now that the image's size (in bytes) is known.
    public func judge(_ target: ChosenTarget, imageSize: Int64) throws(Failure) {
        guard case .device(let facts) = target else { return }
        // Looked up anew: while an image was unpacked, somebody may have mounted the card, or changed it.
        guard let current = tree.facts(facts.kernelName), current.number == facts.number else {
            throw Failure(
                .noSuchDevice, severity: .refused, "\(facts.path) is gone", hint: "put the card back and try again")
        }
        try CardJudgement(tree: tree).check(current, imageSize: imageSize, protecting: protected)
    }

    /// Claims the target for writing an image of `imageSize` bytes.
    public func claim(_ target: ChosenTarget, imageSize: Int64) throws(Failure) -> any CardTarget {
        try judge(target, imageSize: imageSize)
        switch target {
        case .device(let facts): return try ClaimedCard(facts)
        case .file(let path, _): return try NewImageFile(path, size: imageSize, user: user)
        }
    }
}

/// What is on a card now, for the question before it is overwritten.
public struct CardContents: Sendable {
    /// A line for each partition, or for the file system that fills the whole card.
    public let lines: [String]
    /// The node whose card piflash made this, if it did.
    public let node: String?

    /// Looks at the device at `path`; nil when it may not be read.
    public init?(of path: FilePath) {
        do {
            let table = try PartitionTable.read(path)
            lines = table.partitions.map { partition in
                let size = formatBytes(Int64(partition.range.count))
                guard let found = partition.filesystem else {
                    return "partition \(partition.number): \(size), nothing known"
                }
                return "partition \(partition.number): \(size), \(found.type)"
                    + (found.label.map { " \"\($0)\"" } ?? "")
            }
            node = (try? CardReading(at: path))?.record?.node
        } catch  where error.code == .noPartitionTable {
            node = nil
            let whole = try? FilesystemSignature.probe(path, range: nil)
            lines = [
                whole.map { "\($0.type) file system" + ($0.label.map { " \"\($0)\"" } ?? "") } ?? "no partition table"
            ]
        } catch  where error.code == .partitionPastEnd {
            node = nil
            lines = ["a damaged partition table"]
        } catch {
            return nil
        }
    }
}
