import CExt2fs
package import Diagnostics
package import Storage

/// An ext2, ext3 or ext4 file system, read and edited in user space over any block store: nothing is mounted, and
/// root is not needed. libext2fs does the work.
///
/// Paths start at the volume's root, with or without a "/" in front; links are followed inside the volume. Not
/// thread-safe: a volume belongs to the thread that opened it.
package final class Ext4Volume: RootFilesystem {
    package static let types: Set<String> = ["ext2", "ext3", "ext4"]

    package let name: String
    /// Why the volume may be read but not edited; nil if it may be edited.
    package let problem: Failure?
    private let handle: Ext4Handle
    /// The largest file that is read as part of a system, in bytes: a damaged inode can have any size. dpkg's list, the
    /// longest of them, has a few MiB.
    private static let mostBytes: UInt64 = 64 << 20

    /// Opens the file system that fills `store` to read it. `name` stands for it in messages; `time`, in seconds since
    /// 1970, is for what is written.
    ///
    /// Throws `.unsupportedFilesystem` where another file system is there or one with features that libext2fs does not
    /// know, `.inconsistentFilesystem` where the numbers of its superblock contradict each other, `.damagedFilesystem` where
    /// other structures do, and what the store throws.
    package convenience init(_ store: any BlockStore, name: String, time: Int64) throws(Failure) {
        try Ext4Features.checkReadable(store, name: name)
        let handle = try Ext4Handle(Ext4Channel(reading: store, name: name), time: time)
        try self.init(handle, storeSize: store.size)
    }

    init(_ handle: Ext4Handle, storeSize: Int64) throws(Failure) {
        self.handle = handle
        name = handle.name
        problem = try handle.editingProblem(storeSize: storeSize)
    }

    /// Throws unless the volume may be edited: see ``problem``, and ``Ext4Handle/checkClaims()``, which reads all inodes.
    func requireEditable() throws(Failure) {
        if let problem { throw problem }
        if let problem = try handle.refusal({ () throws(Failure) in try handle.checkClaims() }) { throw problem }
    }

    /// Nil when it has none.
    package var label: String? {
        let bytes = withUnsafeBytes(of: handle.superblock.s_volume_name) { Array($0.prefix { $0 != 0 }) }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// In bytes.
    package var blockSize: Int { Int(handle.fs.pointee.blocksize) }

    /// In bytes, as the superblock counts them; among them what is reserved for root, which edits may use.
    package var freeBytes: Int64 {
        // No more than there are blocks, whose bytes 63 bits can count (``Ext4Geometry``).
        Int64(ext2fs_free_blocks_count(handle.fs.pointee.super)) * Int64(blockSize)
    }

    /// What is at `path`, through links except for the last component; nil if there is nothing.
    package func entry(at path: String) throws(Failure) -> TreeEntry? {
        guard let inode = try handle.place(of: path, followingLast: false)?.inode else { return nil }
        return try TreeEntry(inode, handle)
    }

    /// The contents of the regular file that `path` leads to; nil if there is none.
    package func read(_ path: String) throws(Failure) -> [UInt8]? {
        guard let inode = try handle.place(of: path, followingLast: true)?.inode, inode.isFile else { return nil }
        guard inode.size <= Self.mostBytes else {
            throw Failure(
                .damagedFilesystem, "\(name): \(path) has \(inode.size) bytes, which are too many to be read")
        }
        do throws(Failure) { return try handle.contents(of: inode) } catch { throw error.while("reading \(path)") }
    }

    /// The names in the directory that `path` leads to, sorted; nil if there is none.
    package func list(_ path: String) throws(Failure) -> [String]? {
        guard let inode = try handle.place(of: path, followingLast: true)?.inode, inode.isDirectory else { return nil }
        guard !inode.has(EXT4_ENCRYPT_FL) else { throw handle.encrypted(path) }
        return try handle.names(in: inode.number).sorted()
    }
}

extension TreeEntry {
    init(_ inode: Ext4Inode, _ handle: Ext4Handle) throws(Failure) {
        let kind: Kind =
            if inode.isFile {
                .file
            } else if inode.isDirectory {
                .directory
            } else if inode.isLink {
                .symbolicLink(target: try handle.linkTarget(of: inode))
            } else {
                .other
            }
        self.init(
            kind: kind, mode: inode.mode, user: inode.user, group: inode.group, size: Int64(clamping: inode.size),
            modified: inode.modified)
    }
}
