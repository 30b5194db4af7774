import Host
import Diagnostics
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// An open directory, whose names are reached through its descriptor: even if names change or become
/// links meanwhile, nothing outside of it is touched. Closed with its owner.
final class OpenDirectory {
    /// For messages only.
    let path: FilePath
    private let descriptor: FileDescriptor

    private static let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC

    init(path: FilePath) throws(Failure) {
        let raw = openat(AT_FDCWD, path.string, Self.flags)
        guard raw >= 0 else { throw .system("opening \(path)", Errno(rawValue: errno)) }
        self.path = path
        descriptor = FileDescriptor(rawValue: raw)
    }

    private init(_ descriptor: FileDescriptor, path: FilePath) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { try? descriptor.close() }

    /// The names in the directory, sorted, without "." and "..".
    func names() throws(Failure) -> [String] {
        // A second descriptor, since closing the stream closes it.
        let own = openat(descriptor.rawValue, ".", Self.flags)
        guard own >= 0, let stream = fdopendir(own) else {
            let reason = Errno(rawValue: errno)
            if own >= 0 { close(own) }
            throw failure("listing", nil, reason)
        }
        defer { closedir(stream) }
        let nameOffset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            // Not through the field's type, whose 256 bytes a long FAT name in UTF-8 can pass.
            let start = UnsafeRawPointer(entry).advanced(by: nameOffset).assumingMemoryBound(to: CChar.self)
            let name = String(cString: start)
            if name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw failure("listing", nil, Errno(rawValue: errno)) }
        return names.sorted()
    }

    /// The name in the directory that FAT takes for `name`; the one spelled the same, if there is one.
    func find(_ name: String) throws(Failure) -> String? {
        guard name != ".", name != ".." else { return nil }
        let wanted = FoldedName(name)
        let found = try names().filter { FoldedName($0) == wanted }
        return found.first { $0.utf8.elementsEqual(name.utf8) } ?? found.first
    }

    /// The status of a name, without following a link; nil if there is none.
    func status(of name: String) throws(Failure) -> Stat? {
        do {
            return try Stat(
                FilePath(name), relativeTo: descriptor, flags: .symlinkNoFollow)
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw failure("reading the status of", name, error)
        }
    }

    /// The directory of that name; nil if it is not a directory, or a link.
    func directory(_ name: String) throws(Failure) -> OpenDirectory? {
        let raw = openat(descriptor.rawValue, name, Self.flags | O_NOFOLLOW)
        if raw >= 0 { return OpenDirectory(FileDescriptor(rawValue: raw), path: path.appending(name)) }
        guard [ENOTDIR, ELOOP, ENOENT].contains(errno) else { throw failure("opening", name, Errno(rawValue: errno)) }
        return nil
    }

    func makeDirectory(_ name: String) throws(Failure) -> OpenDirectory {
        guard mkdirat(descriptor.rawValue, name, 0o755) == 0 else {
            throw failure("making", name, Errno(rawValue: errno))
        }
        try synchronize()
        guard let made = try directory(name) else { throw failure("opening", name, .notDirectory) }
        return made
    }

    /// The contents of a regular file; a link is a failure.
    func contents(of name: String) throws(Failure) -> [UInt8] {
        do { return try DurableFile.read(name, in: descriptor) } catch { throw failure("reading", name, error) }
    }

    /// Replaces or makes the file `name` through one called `temporary`, as ``DurableFile`` does.
    func replace(_ name: String, with contents: [UInt8], by temporary: String) throws(Failure) {
        do {
            try DurableFile.replace(name, in: descriptor, with: contents, mode: 0o644, temporary: temporary)
        } catch {
            let isFull = error == .noSpace
            throw Failure(
                isFull ? .filesystemFull : .system,
                "writing \(path.appending(name)): \(error.description.lowercased())",
                hint: isFull ? "the boot partition is full: nothing was replaced" : nil, cause: error)
        }
    }

    func remove(_ name: String, isDirectory: Bool) throws(Failure) {
        guard unlinkat(descriptor.rawValue, name, isDirectory ? AT_REMOVEDIR : 0) == 0 || errno == ENOENT else {
            throw failure("deleting", name, Errno(rawValue: errno))
        }
        try synchronize()
    }

    private func synchronize() throws(Failure) {
        do { try DurableFile.synchronize(directory: descriptor) } catch { throw failure("flushing", nil, error) }
    }

    private func failure(_ activity: String, _ name: String?, _ reason: Errno) -> Failure {
        .system("\(activity) \(name.map { path.appending($0) } ?? path)", reason)
    }
}
