package import Cards
package import Diagnostics
import Storage
package import SystemPackage

/// What a target on the command line is.
package enum ChosenTarget: Sendable {
    case device(DeviceFacts)
    case file(FilePath, exists: Bool)

    package var path: FilePath {
        switch self {
        case .device(let facts): facts.path
        case .file(let path, _): path
        }
    }
}

/// Finds the target of a card, validates it, and opens it exclusively.
package struct CardChooser: Sendable {
    private let tree: BlockDeviceTree
    /// Files that must not be on the card: the image, the cache, the recipe.
    private let protected: [FilePath]

    package init(protecting protected: [FilePath], tree: BlockDeviceTree = BlockDeviceTree()) {
        self.protected = protected
        self.tree = tree
    }

    /// The target at `path` (absolute), validated as far as that is possible without the image.
    package func choose(_ path: FilePath) throws(Failure) -> ChosenTarget {
        switch try CardTargetPath(path) {
        case .device(let resolved):
            let facts = try CardValidation(tree: tree).disk(at: resolved)
            try CardValidation(tree: tree).validate(facts, imageSize: nil, protecting: protected)
            return .device(facts)
        case .file(let file):
            let parent = file.removingLastComponent()
            guard (try? parent.stat().type) == .directory else {
                throw Failure(.usage, severity: .usage, "there is no directory \(parent)")
            }
            let present = try? file.stat()
            if let present, let same = protected.first(where: { (try? $0.stat())?.isSameFile(as: present) == true }) {
                throw Failure(
                    .sourceDisk, severity: .refused, "\(file) is \(same), which the card is made from",
                    hint: "give the card's file another name")
            }
            return .file(file, exists: present != nil)
        }
    }

    /// Validates again, with the size of the image (in bytes).
    package func validate(_ target: ChosenTarget, imageSize: Int64) throws(Failure) {
        guard case .device(let facts) = target else { return }
        // Look it up again: while the image was unpacked, somebody may have mounted or changed the card.
        guard let current = tree.facts(facts.kernelName), current.number == facts.number else {
            throw Failure(
                .noSuchDevice, severity: .refused, "\(facts.path) is gone", hint: "put the card back and try again")
        }
        try CardValidation(tree: tree).validate(current, imageSize: imageSize, protecting: protected)
    }

    /// Opens the target exclusively, to write an image of `imageSize` bytes.
    package func open(_ target: ChosenTarget, imageSize: Int64) throws(Failure) -> any CardTarget {
        try validate(target, imageSize: imageSize)
        switch target {
        case .device(let facts): return try ExclusiveCard(facts, in: tree)
        case .file(let path, _): return try NewImageFile(path, size: imageSize)
        }
    }
}

extension Stat {
    fileprivate func isSameFile(as other: Stat) -> Bool { deviceID == other.deviceID && inode == other.inode }
}
