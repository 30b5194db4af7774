import Diagnostics
import Glibc
import Storage
import SystemPackage

/// An open directory, whose names are reached through its descriptor: whatever is renamed or linked meanwhile, nothing
/// outside of it is touched. Closed with its owner.
final class OpenDirectory {
    /// For messages only.
    let path: FilePath
    private let descriptor: FileDescriptor

    private static let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC

    init(path: FilePath) throws(Failure) {
        let raw = Glibc.open(path.string, Self.flags)
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
        // A descriptor of its own, since closing the stream closes it.
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

    /// What a name stands for, without following a link; nil when there is none.
    func status(of name: String) throws(Failure) -> Stat? {
        do {
            return try Stat(
                FilePath(name), relativeTo: descriptor, flags: .symlinkNoFollow)
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw failure("looking at", name, error)
        }
    }

    /// The directory of that name; nil when it is none, or a link.
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

    func contents(of name: String) throws(Failure) -> [UInt8] {
        do {
            let raw = openat(descriptor.rawValue, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard raw >= 0 else { throw Errno(rawValue: errno) }
            let file = FileDescriptor(rawValue: raw)
            return try file.closeAfter {
                var result: [UInt8] = []
                var part = [UInt8](repeating: 0, count: 1 << 16)
                while true {
                    let count = try part.withUnsafeMutableBytes { try file.read(into: $0) }
                    guard count > 0 else { return result }
                    result += part[..<count]
                }
            }
        } catch {
            throw failure("reading", name, error as? Errno ?? .ioError)
        }
    }

    /// Writes a file called `temporary` and renames it to `name`: until its contents are on the medium, what was there
    /// before stays.
    func replace(_ name: String, with contents: [UInt8], by temporary: String) throws(Failure) {
        let directory = descriptor.rawValue
        unlinkat(directory, temporary, 0)
        do {
            let raw = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
            guard raw >= 0 else { throw Errno(rawValue: errno) }
            let file = FileDescriptor(rawValue: raw)
            try file.closeAfter {
                _ = try file.writeAll(contents)
                guard fsync(raw) == 0 else { throw Errno(rawValue: errno) }
            }
            guard renameat(directory, temporary, directory, name) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            unlinkat(directory, temporary, 0)
            let reason = error as? Errno ?? .ioError
            let isFull = reason == .noSpace
            throw Failure(
                isFull ? .filesystemFull : .system,
                "writing \(path.appending(name)): \(reason.description.lowercased())",
                hint: isFull ? "the boot partition is full: nothing was replaced" : nil, cause: reason)
        }
        try synchronize()
    }

    func remove(_ name: String, isDirectory: Bool) throws(Failure) {
        guard unlinkat(descriptor.rawValue, name, isDirectory ? AT_REMOVEDIR : 0) == 0 || errno == ENOENT else {
            throw failure("deleting", name, Errno(rawValue: errno))
        }
        try synchronize()
    }

    /// Waits until the names are on the medium. A file system that cannot say so answers EINVAL (fsync(2)).
    private func synchronize() throws(Failure) {
        while fsync(descriptor.rawValue) != 0, errno != EINVAL {
            guard errno == EINTR else { throw failure("flushing", nil, Errno(rawValue: errno)) }
        }
    }

    private func failure(_ activity: String, _ name: String?, _ reason: Errno) -> Failure {
        .system("\(activity) \(name.map { path.appending($0) } ?? path)", reason)
    }
}
