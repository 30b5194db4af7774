public import Diagnostics
import Storage
public import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A boot partition that the user has mounted, through its directory.
///
/// Names are found without regard to case, as the mounted FAT finds them. Links are never followed: a FAT has none, so
/// one would lead out of the tree.
public struct MountedDirectory: WritableFileTree {
    public let path: FilePath

    public init(_ path: FilePath) throws(Failure) {
        let type: FileType
        do { type = try path.stat().type } catch { throw .system("opening \(path)", error) }
        guard type == .directory else {
            throw Failure(.notADirectory, severity: .usage, "\"\(path)\" is not a directory")
        }
        self.path = path
    }

    public var name: String { path.string }

    /// A directory does not tell its volume's label.
    public var label: String? { nil }

    public func list(_ path: String) throws(Failure) -> [FileEntry]? {
        guard let directory = try find(path), try directory.lstat()?.type == .directory else { return nil }
        var entries: [FileEntry] = []
        for name in try names(in: directory) {
            guard let status = try directory.appending(name).lstat() else { continue }
            switch status.type {
            case .directory: entries.append(FileEntry(name: name, isDirectory: true, size: 0))
            case .regular: entries.append(FileEntry(name: name, isDirectory: false, size: status.size))
            default: continue
            }
        }
        return entries
    }

    public func read(_ path: String) throws(Failure) -> [UInt8]? {
        guard let file = try find(path), try file.lstat()?.type == .regular else { return nil }
        let image = try ImageFile(opening: file)
        return try image.bytes(at: 0, count: Int(image.size))
    }

    public mutating func write(_ contents: [UInt8], to path: String) throws(Failure) {
        if try read(path) == contents { return }
        let parts = path.split(separator: "/").map(String.init)
        guard let last = parts.last else { throw Failure(.badFileName, "an empty path names no file") }
        for part in parts { try LongName.check(part) }
        var directory = self.path
        for part in parts.dropLast() {
            let next = try entry(part, in: directory) ?? directory.appending(part)
            if mkdir(next.string, 0o755) != 0, errno != EEXIST {
                throw .system("making \(next)", Errno(rawValue: errno))
            }
            guard try next.lstat()?.type == .directory else {
                throw Failure(.notADirectory, "\"\(next)\" is not a directory")
            }
            directory = next
        }
        let target = try entry(last, in: directory) ?? directory.appending(last)
        try replace(target, with: contents, in: directory)
    }

    public mutating func remove(_ path: String) throws(Failure) {
        guard let file = try find(path) else { return }
        guard unlink(file.string) == 0 || errno == ENOENT else {
            throw .system("deleting \(file)", Errno(rawValue: errno))
        }
    }

    /// Writes a file beside the old one and renames it into place, so that a full volume or a pulled card loses nothing.
    private func replace(_ target: FilePath, with contents: [UInt8], in directory: FilePath) throws(Failure) {
        let temporary = directory.appending("piflash.tmp")
        do {
            let file = try FileDescriptor.open(
                temporary, .writeOnly, options: [.create, .truncate, .noFollow, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            try file.closeAfter {
                _ = try file.writeAll(contents)
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
            guard rename(temporary.string, target.string) == 0 else { throw Errno(rawValue: errno) }
            let folder = try FileDescriptor.open(directory, .readOnly, options: [.directory, .closeOnExec])
            try folder.closeAfter { guard fsync(folder.rawValue) == 0 else { throw Errno(rawValue: errno) } }
        } catch {
            unlink(temporary.string)
            let reason = error as? Errno ?? .ioError
            throw .system(
                "writing \(target)", reason,
                hint: reason == .noSpace ? "the boot partition is full: nothing was replaced" : nil)
        }
    }

    private func find(_ path: String) throws(Failure) -> FilePath? {
        var current = self.path
        for part in path.split(separator: "/") {
            guard let next = try entry(String(part), in: current) else { return nil }
            current = next
        }
        return current
    }

    private func entry(_ name: String, in directory: FilePath) throws(Failure) -> FilePath? {
        guard try directory.lstat()?.type == .directory else { return nil }
        let lower = name.lowercased()
        return try names(in: directory).first { $0.lowercased() == lower }.map { directory.appending($0) }
    }

    private func names(in directory: FilePath) throws(Failure) -> [String] {
        guard let stream = opendir(directory.string) else {
            throw .system("listing \(directory)", Errno(rawValue: errno))
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

extension FilePath {
    /// What the path names, without following a link; nil when it names nothing.
    fileprivate func lstat() throws(Failure) -> Stat? {
        do { return try stat(followTargetSymlink: false) } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw .system("looking at \(self)", error)
        }
    }
}

extension Failure.Code {
    public static let notADirectory = Failure.Code("filesystems.not-a-directory")
}
