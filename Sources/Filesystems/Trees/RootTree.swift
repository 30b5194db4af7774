package import Diagnostics
package import Storage

/// The files of a Linux root partition, as they are read.
///
/// Paths start at the partition's root, with or without a "/" in front; links are followed inside the partition.
package protocol RootTree {
    /// Where the tree is, for messages: "the root partition of red.img".
    var name: String { get }

    /// Why the tree may be read but not changed; nil if it may be changed.
    var problem: Failure? { get }

    /// In bytes; includes what is reserved for root, which changes may use.
    var freeBytes: Int64 { get }

    /// What is at `path`, through links except for the last component; nil if there is nothing.
    func entry(at path: String) throws(Failure) -> TreeEntry?

    /// The contents of the regular file that `path` leads to; nil if there is none.
    func read(_ path: String) throws(Failure) -> [UInt8]?

    /// The names in the directory that `path` leads to, sorted; nil if there is none.
    func list(_ path: String) throws(Failure) -> [String]?
}

/// A file system that holds a root partition's files, read and changed in user space.
package protocol RootFilesystem: RootTree {
    /// What libblkid calls it.
    static var types: Set<String> { get }

    /// Opens the file system that fills `store`. `name` stands for it in messages; `time`, in seconds since 1970, is for
    /// what is written.
    init(_ store: any BlockStore, name: String, time: Int64) throws(Failure)

    /// Carries out `changes`, in their order, on the file system that fills `store`, and returns the paths that had to
    /// change. If it fails, `store` is as it was, as far as it takes its old bytes back.
    static func apply(
        _ changes: [TreeChange], to store: any WritableBlockStore, name: String, time: Int64
    ) throws(Failure) -> [String]

    /// The writes that carry what was changed over an overlay to `medium`, so that a power cut cannot leave a file system
    /// that looks sound and is not; nil if nothing was changed. `range` is where the file system is, in bytes, in the
    /// overlay and in `medium`; changes outside of it are not carried.
    ///
    /// The overlay gets what the medium will hold in the end where that is not what was changed.
    static func writes(
        carrying overlay: Overlay, volumeAt range: Range<Int64>, to medium: some BlockStore
    ) throws(Failure) -> OrderedWrites?

    /// The writes that finish what a power cut has left in the journal of the file system at `range` of `medium`; nil if
    /// nothing is left. Throws if the journal cannot be replayed.
    static func recovery(of medium: some BlockStore, volumeAt range: Range<Int64>) throws(Failure) -> OrderedWrites?
}

extension RootFilesystem {
    /// Carries what was changed over an overlay to `target`; see ``writes(carrying:volumeAt:to:)``.
    package static func commit(
        _ overlay: Overlay, volumeAt range: Range<Int64>, to target: some WritableBlockStore
    ) throws(Failure) {
        try writes(carrying: overlay, volumeAt: range, to: target)?.carry(to: target)
    }
}

/// What is at a path of a ``RootTree``.
package struct TreeEntry: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case file, directory
        case symbolicLink(target: String)
        /// A device, a pipe or a socket.
        case other
    }

    package let kind: Kind
    /// The permission bits with set-user-id, set-group-id and sticky.
    package let mode: UInt16
    package let user: UInt32
    package let group: UInt32
    /// In bytes.
    package let size: Int64
    /// In seconds since 1970.
    package let modified: Int64
}
