package import Diagnostics
package import Filesystems
import Systems

/// All that turns a written image into one node: the changes to the card's partitions, and the files that its first boot
/// writes on the running system.
package struct Provision: Hashable, Sendable {
    /// Files on the boot partition; replaces what the image has under the same path.
    package var bootFiles: [BootFile]
    /// Changes to the root partition, in order.
    package var rootChanges: [RootChange]
    /// Boot files of an earlier configuration that the node no longer has; paths as in ``BootFile/path``.
    package var removedBootFiles: [String]
    /// What the first boot writes on the node, for `render` to show; it travels inside ``bootFiles``.
    package var nodeFiles: [NodeFile]
    /// The recipe's files that the first-boot program installs for their owners, at their places; for `render`, too.
    package var installedFiles: [NodeFile]
    /// Whether any value is only a placeholder: such a provision can be shown, but must not go on a card.
    package var hasPlaceholders: Bool
    package var warnings: [Diagnostic]

    package init(
        bootFiles: [BootFile], rootChanges: [RootChange] = [], removedBootFiles: [String] = [],
        nodeFiles: [NodeFile] = [], installedFiles: [NodeFile] = [],
        hasPlaceholders: Bool = false, warnings: [Diagnostic] = []
    ) {
        self.bootFiles = bootFiles
        self.rootChanges = rootChanges
        self.removedBootFiles = removedBootFiles
        self.nodeFiles = nodeFiles
        self.installedFiles = installedFiles
        self.hasPlaceholders = hasPlaceholders
        self.warnings = warnings
    }

    /// A file on the boot partition.
    package struct BootFile: Hashable, Sendable {
        /// Relative to the partition's root: "user-data", "piflash/settings".
        package var path: String
        package var contents: [UInt8]
        /// Texts inside the contents that are shown only masked: hashes, keys, tokens.
        package var sensitive: Set<String>
        /// Whether the first boot deletes the file: if it is missing on a card that has booted, that is not a difference.
        package var isConsumed: Bool

        package init(path: String, contents: [UInt8], sensitive: Set<String> = [], isConsumed: Bool = false) {
            self.path = path
            self.contents = contents
            self.sensitive = sensitive
            self.isConsumed = isConsumed
        }
    }

    /// A file that the first boot writes on the node.
    package struct NodeFile: Hashable, Sendable {
        /// Absolute.
        package var path: String
        package var contents: [UInt8]
        package var mode: UInt16
        package var sensitive: Set<String>
        /// As chown(1) takes it: "pirate:"; nil for root.
        package var owner: String?

        package init(
            path: String, contents: [UInt8], mode: UInt16, sensitive: Set<String> = [], owner: String? = nil
        ) {
            self.path = path
            self.contents = contents
            self.mode = mode
            self.sensitive = sensitive
            self.owner = owner
        }
    }

    /// A change to the root partition.
    package struct RootChange: Hashable, Sendable {
        package var edit: TreeChange
        /// Texts inside a file's contents that are shown only masked.
        package var sensitive: Set<String>

        package init(_ edit: TreeChange, sensitive: Set<String> = []) {
            self.edit = edit
            self.sensitive = sensitive
        }
    }
}

extension Provision {
    /// The provision with `imageDigest` in the card's record.
    package func naming(imageDigest: String) throws(Failure) -> Provision {
        var provision = self
        for index in bootFiles.indices where bootFiles[index].path == CardRecord.path {
            var record = try CardRecord(decoding: bootFiles[index].contents)
            record.image?.digest = imageDigest
            provision.bootFiles[index].contents = record.encoded
        }
        return provision
    }
}
