import Filesystems
import Provisioning

/// What decides whether a provision can be applied to an image: the paths, kinds and sizes of its changes. The nodes of a
/// rack have few shapes, so trying out one provision of each is enough.
struct ProvisionShape: Hashable {
    private let boot: [String: Int]
    private let removed: [String]
    private let root: [TreeChange]

    init(_ provision: Provision) {
        // Clusters of a FAT are a multiple of sectors.
        boot = Dictionary(provision.bootFiles.map { ($0.path, $0.contents.count / 512) }) { $1 }
        removed = provision.removedBootFiles
        root = provision.rootChanges.map { change in
            var edit = change.edit
            // Blocks of ext2, 3 and 4 have at least 1024 bytes.
            if case .file(let contents, let mode) = edit.action {
                edit.action = .file(contents: Array(String(contents.count / 1024).utf8), mode: mode)
            }
            return edit
        }
    }
}
