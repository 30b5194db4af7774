import Systems
package import Diagnostics
package import Filesystems

/// Everything that makes a written image into one node: what is put on the card's boot partition, and what its first
/// boot will put on the running system.
package struct Provision: Hashable, Sendable {
    /// Files on the boot partition; replaces what the image has under the same path.
    package var bootFiles: [BootFile]
    /// Changes to the root partition, in order.
    package var rootChanges: [RootChange]
    /// Boot files of an earlier configuration of the card that the node no longer has; paths as in ``BootFile/path``.
    package var removedBootFiles: [String]
    /// What the first boot writes on the node, for `render` to show; it travels inside ``bootFiles``.
    package var nodeFiles: [NodeFile]
    /// Whether any value is only a placeholder: such a provision is for looking at, never for a card.
    package var hasPlaceholders: Bool
    package var warnings: [Diagnostic]

    package init(
        bootFiles: [BootFile], rootChanges: [RootChange] = [], removedBootFiles: [String] = [],
        nodeFiles: [NodeFile] = [],
        hasPlaceholders: Bool = false, warnings: [Diagnostic] = []
    ) {
        self.bootFiles = bootFiles
        self.rootChanges = rootChanges
        self.removedBootFiles = removedBootFiles
        self.nodeFiles = nodeFiles
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
        /// Whether the first boot takes the file away, so that its absence on a card that has booted is no difference.
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

        package init(path: String, contents: [UInt8], mode: UInt16, sensitive: Set<String> = []) {
            self.path = path
            self.contents = contents
            self.mode = mode
            self.sensitive = sensitive
        }
    }

    /// A change to the root partition.
    package struct RootChange: Hashable, Sendable {
        package var edit: RootEdit
        /// Texts inside a file's contents that are shown only masked.
        package var sensitive: Set<String>

        package init(_ edit: RootEdit, sensitive: Set<String> = []) {
            self.edit = edit
            self.sensitive = sensitive
        }
    }
}

extension Provision {
    /// The same with `imageDigest` in the card's record.
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
