package import Diagnostics

/// The files of a boot partition, wherever they are: inside an image (``FATVolume``) or in a directory where the user
/// has mounted a card (``MountedDirectory``).
///
/// Paths are relative to the partition's root, with "/" between components and none in front: "piflash/card.json".
/// Names compare without regard to case, as FAT does.
package protocol FileTree {
    /// The volume label, or nil if there is none or it cannot be read.
    var label: String? { get }

    /// Where the tree is, for messages: "the boot partition of red.img".
    var name: String { get }

    /// What the directory at `path` ("" for the root) holds, sorted by name; nil if there is no such directory.
    func list(_ path: String) throws(Failure) -> [FileEntry]?

    /// The contents of the file at `path`, or nil if there is none.
    func read(_ path: String) throws(Failure) -> [UInt8]?
}

/// A file tree that can be changed.
package protocol WritableFileTree: FileTree {
    /// Creates or replaces the file at `path`, and makes the directories above it. If the volume is full, the tree
    /// stays as it was.
    mutating func write(_ contents: [UInt8], to path: String) throws(Failure)

    /// Deletes the file at `path`; it is not an error if there is none.
    mutating func remove(_ path: String) throws(Failure)
}

/// A name in a directory.
package struct FileEntry: Hashable, Sendable {
    package let name: String
    package let isDirectory: Bool
    /// In bytes; 0 for a directory.
    package let size: Int64

    package init(name: String, isDirectory: Bool, size: Int64) {
        self.name = name
        self.isDirectory = isDirectory
        self.size = size
    }
}
