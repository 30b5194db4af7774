public import Cards
public import Diagnostics
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
            let facts = try CardJudgement(tree: tree).disk(at: resolved)
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
        case .device(let facts): return try ClaimedCard(facts, in: tree)
        case .file(let path, _): return try NewImageFile(path, size: imageSize, user: user)
        }
    }
}
