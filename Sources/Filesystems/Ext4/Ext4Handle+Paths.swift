import Text
import CExt2fs
import Diagnostics

/// Where a path leads: the directory that holds its last component, and what is there.
struct Ext4Place {
    let directory: UInt32
    let name: String
    /// Nil when the name is free.
    var inode: Ext4Inode?
}

extension Ext4Handle {
    /// As the kernel follows at most (include/linux/namei.h, MAXSYMLINKS).
    private static let mostLinks = 40

    static func components(_ path: String) -> [String] { path.split(at: "/").map(String.init) }

    /// Follows `path` from the root, through links; absolute targets start at the volume's own root.
    ///
    /// Nil if a directory on the way is missing or is not a directory. If `make` is given, it is called for a missing
    /// directory and returns the inode of the one it made; something else in its place is then a failure.
    func place(
        of path: String, followingLast: Bool, making make: ((UInt32, String) throws(Failure) -> UInt32)? = nil
    ) throws(Failure) -> Ext4Place? {
        // The directories from the root down: ".." goes back to where the path came from, as links leave it.
        var directories = [UInt32(EXT2_ROOT_INO)]
        var pending = Array(Self.components(path).reversed())
        var links = 0
        while let part = pending.popLast() {
            let directory = directories[directories.count - 1]
            if part == "." { continue }
            if part == ".." {
                if directories.count > 1 { directories.removeLast() }
                continue
            }
            guard let number = try lookup(part, in: directory) else {
                if pending.isEmpty { return Ext4Place(directory: directory, name: part, inode: nil) }
                guard let make else { return nil }
                directories.append(try make(directory, part))
                continue
            }
            let inode = try inode(number)
            if inode.isLink, !pending.isEmpty || followingLast {
                links += 1
                guard links <= Self.mostLinks else {
                    throw Failure(.badFileName, "\(name): \(path): its links lead in a circle")
                }
                let target = try linkTarget(of: inode)
                if target.begins(with: "/") { directories.removeLast(directories.count - 1) }
                pending += Self.components(target).reversed()
                continue
            }
            if pending.isEmpty { return Ext4Place(directory: directory, name: part, inode: inode) }
            guard inode.isDirectory else {
                guard make != nil else { return nil }
                throw Failure(
                    .badFileName, "\(name): \(path): \"\(part)\" on the way is a file, not a directory",
                    hint: "choose another path, or an image where a directory is there")
            }
            directories.append(number)
        }
        let last = directories[directories.count - 1]
        return Ext4Place(
            directory: directories.dropLast().last ?? last, name: ".", inode: try inode(last))
    }

    /// What a symbolic link holds.
    func linkTarget(of inode: Ext4Inode) throws(Failure) -> String {
        guard !inode.has(EXT4_ENCRYPT_FL) else { throw encrypted("a link") }
        // A link fits into a block (kernel, fs/ext4/namei.c, ext4_symlink).
        guard inode.size < UInt64(fs.pointee.blocksize) else {
            throw Failure(.damagedFilesystem, "\(name): a link has a target of \(inode.size) bytes")
        }
        return String(decoding: try contents(of: inode), as: UTF8.self)
    }

    func encrypted(_ what: String) -> Failure {
        Failure(.unsupportedFilesystem, severity: .refused, "\(name): \(what) is encrypted")
    }
}
