import Text
import CExt2fs
import Diagnostics

/// Carries out single changes on an open file system, comparing first: a path that is as wanted is not touched.
struct Ext4Edit {
    let handle: Ext4Handle
    /// The directories whose entries were found in order.
    private let checked = CheckedDirectories()

    init(handle: Ext4Handle) { self.handle = handle }

    /// Returns whether something had to change.
    func apply(_ change: TreeChange) throws(Failure) -> Bool {
        try checkPath(change)
        switch change.action {
        case .file(let contents, let mode): return try putFile(contents, mode: mode, change)
        case .directory(let mode): return try putDirectory(mode: mode, change)
        case .symbolicLink(let target): return try putLink(to: target, change)
        case .rename(let name): return try rename(to: name, change)
        case .removal: return try remove(change)
        }
    }

    // MARK: What a change puts there

    private func putFile(_ contents: [UInt8], mode: UInt16, _ change: TreeChange) throws(Failure) -> Bool {
        let place = try makingPlace(of: change, followingLast: false)
        if let old = place.inode {
            try checkNotDirectory(old, change, "a file")
            let canBeSame = old.isFile && old.size == UInt64(contents.count) && !old.has(EXT4_ENCRYPT_FL)
            // Not `&&`, whose right side throws untyped.
            let isSame = canBeSame ? try handle.contents(of: old) == contents : false
            if isSame, old.has(change, mode: mode) { return false }
            // A second name of the same file keeps its mode and owner.
            if isSame, old.raw.i_links_count == 1 {
                try setAttributes(of: old, mode: mode, change)
                return true
            }
            // First, so that a small volume has room for the new contents. The volume in the store is not touched by
            // this. Extended attributes and access lists go with the old file.
            try release(old, at: place)
        }
        let new = try handle.makeFile(contents, for: change.path, in: place.directory)
        try enter(new, mode: mode, place, change)
        return true
    }

    private func putDirectory(mode: UInt16, _ change: TreeChange) throws(Failure) -> Bool {
        let place = try makingPlace(of: change, followingLast: true)
        guard let old = place.inode else {
            let new = try handle.makeDirectory(for: change.path, in: place.directory)
            try enter(new, mode: mode, place, change)
            return true
        }
        guard old.isDirectory else {
            throw problem(
                change, "there is something that is not a directory", "choose another path, or remove it first")
        }
        guard !old.has(change, mode: mode) else { return false }
        try setAttributes(of: old, mode: mode, change)
        return true
    }

    private func putLink(to target: String, _ change: TreeChange) throws(Failure) -> Bool {
        let place = try makingPlace(of: change, followingLast: false)
        if let old = place.inode {
            try checkNotDirectory(old, change, "a link")
            if old.isLink, try handle.linkTarget(of: old) == target {
                if old.user == change.user, old.group == change.group { return false }
                if old.raw.i_links_count == 1 {
                    try setAttributes(of: old, mode: old.mode, change)
                    return true
                }
            }
            try release(old, at: place)
        }
        let new = try handle.makeLink(to: target, for: change.path, in: place.directory)
        // The mode of a link means nothing; the kernel shows 0777 (symlink(7)).
        try enter(new, mode: 0o777, place, change)
        return true
    }

    // MARK: What an edit takes away

    private func rename(to name: String, _ change: TreeChange) throws(Failure) -> Bool {
        try checkName(name, change)
        let place = try handle.place(of: change.path, followingLast: false)
        guard let place, place.name != "." else { throw problem(change, "there is nothing to rename") }
        let taken = try handle.lookup(name, in: place.directory) != nil
        guard let inode = place.inode else {
            guard taken else { throw problem(change, "there is nothing to rename to \"\(name)\"") }
            return false
        }
        guard name != place.name else { return false }
        guard !taken else { throw problem(change, "the name \"\(name)\" is taken", "remove one of the two first") }
        try checkDirectory(place.directory, change)
        try handle.link(name, to: inode, in: place.directory)
        try handle.unlink(place.name, from: place.directory)
        var renamed = inode
        renamed.setChanged(handle.time)
        try handle.write(renamed)
        return true
    }

    private func remove(_ change: TreeChange) throws(Failure) -> Bool {
        let place = try handle.place(of: change.path, followingLast: false)
        guard let place, let old = place.inode else { return false }
        if old.isDirectory {
            guard place.name != "." else { throw problem(change, "the root directory cannot be removed") }
            guard try handle.names(in: old.number).isEmpty else {
                throw problem(change, "the directory is not empty", "remove what is in it first")
            }
        }
        try checkDirectory(place.directory, change)
        try release(old, at: place)
        if old.isDirectory { try handle.countSubdirectory(-1, of: place.directory) }
        return true
    }

    // MARK: Parts of a change

    /// Takes a name from what is at `place`, which loses its last name, or one of several that it counts rightly.
    private func release(_ old: Ext4Inode, at place: Ext4Place) throws(Failure) {
        if !old.isDirectory, old.raw.i_links_count > 1,
            let problem = try handle.refusal({ () throws(Failure) in try handle.checkNames(of: old) })
        {
            throw problem
        }
        try handle.unlink(place.name, from: place.directory)
        try handle.release(old)
    }

    /// Where a change goes, with the directories above it made.
    private func makingPlace(of change: TreeChange, followingLast: Bool) throws(Failure) -> Ext4Place {
        let place = try handle.place(of: change.path, followingLast: followingLast) { directory, name throws(Failure) in
            try checkDirectory(directory, change)
            try checkName(name, change)
            var new = try handle.makeDirectory(for: change.path, in: directory)
            new.mode = 0o755
            new.setCreated(handle.time)
            try handle.write(new)
            try handle.link(name, to: new, in: directory)
            return new.number
        }
        guard let place else { throw problem(change, "a directory above it is missing") }
        try checkDirectory(place.directory, change)
        // The last component of a link's target, when the link is what the path leads through.
        if place.inode == nil { try checkName(place.name, change) }
        return place
    }

    private func enter(_ inode: Ext4Inode, mode: UInt16, _ place: Ext4Place, _ change: TreeChange) throws(Failure) {
        var inode = inode
        inode.mode = mode
        inode.user = change.user
        inode.group = change.group
        inode.setCreated(handle.time)
        setModified(&inode, change)
        try handle.write(inode)
        try handle.link(place.name, to: inode, in: place.directory)
    }

    private func setAttributes(of inode: Ext4Inode, mode: UInt16, _ change: TreeChange) throws(Failure) {
        var inode = inode
        inode.mode = mode
        inode.user = change.user
        inode.group = change.group
        setModified(&inode, change)
        try handle.write(inode)
    }

    private func setModified(_ inode: inout Ext4Inode, _ change: TreeChange) {
        if let time = change.modified { inode.setModified(time) }
        inode.setChanged(handle.time)
    }

    private func checkPath(_ change: TreeChange) throws(Failure) {
        guard change.path.begins(with: "/") else { throw problem(change, "the path must start with \"/\"") }
        let parts = Ext4Handle.components(change.path)
        for part in parts { try checkName(part, change) }
        guard parts.isEmpty else { return }
        // The root directory can get another mode.
        if case .directory = change.action { return }
        throw problem(change, "the root directory can only stay a directory")
    }

    /// 255 bytes are what the length field of a directory entry holds (kernel, ext4/directory.rst).
    private func checkName(_ name: String, _ change: TreeChange) throws(Failure) {
        guard !name.isEmpty, name != ".", name != "..", name.utf8.count <= Int(EXT2_NAME_LEN),
            !name.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "/") })
        else {
            throw problem(
                change, "\"\(name)\" is not a file name",
                "a name has 1 to 255 bytes, no \"/\" and no zero byte, and is not \".\" or \"..\"")
        }
    }

    /// Names of an encrypted directory cannot be made without its key; those of a casefolded one compare by rules of
    /// Unicode that libext2fs leaves to others.
    private func checkDirectory(_ directory: UInt32, _ change: TreeChange) throws(Failure) {
        let inode = try handle.inode(directory)
        if inode.has(EXT4_ENCRYPT_FL) { throw problem(change, "its directory is encrypted") }
        if inode.has(EXT4_CASEFOLD_FL) { throw problem(change, "its directory ignores case (casefold)") }
        guard checked.insert(directory) else { return }
        if let problem = try handle.refusal({ () throws(Failure) in try handle.checkEntries(ofDirectory: directory) }) {
            throw problem
        }
    }

    private func checkNotDirectory(_ inode: Ext4Inode, _ change: TreeChange, _ wanted: String) throws(Failure) {
        guard inode.isDirectory else { return }
        throw problem(change, "it is a directory, and \(wanted) cannot replace it", "choose another path")
    }

    private func problem(_ change: TreeChange, _ reason: String, _ hint: String? = nil) -> Failure {
        Failure(.badFileName, "\(handle.name): \(change.path): \(reason)", hint: hint)
    }
}

extension Ext4Inode {
    fileprivate func has(_ change: TreeChange, mode: UInt16) -> Bool {
        self.mode == mode & 0o7777 && user == change.user && group == change.group
            && (change.modified == nil || change.modified == modified)
    }
}

/// Inode numbers that are noted once.
private final class CheckedDirectories {
    private var numbers: Set<UInt32> = []

    func insert(_ number: UInt32) -> Bool { numbers.insert(number).inserted }
}
