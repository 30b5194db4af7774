package import Diagnostics
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Whole files that survive a power cut: a file has its old contents or its new ones, and a new name stays.
///
/// All steps go through the descriptor of the directory, so that they meet one directory even if its path is renamed or
/// replaced by a link meanwhile:
///
///  1. a temporary file is made in the directory (O_EXCL and O_NOFOLLOW: nothing that is there already is written to)
///     with its mode, before it has any contents;
///  2. the contents are written, and fsync(2) waits until they are on the medium;
///  3. the temporary file gets its name: rename(2) replaces what has the name, link(2) fails if there is something;
///  4. fsync(2) of the directory waits until the name is on the medium.
///
/// If one of the steps 1 to 3 fails, the temporary file is deleted, and the name means what it did before. If step 4 fails,
/// the failure is thrown although the new file is in place: a power cut can still bring the old one back.
package enum DurableFile {
    /// Replaces the file `name` in `directory`, or makes it.
    ///
    /// - Parameters:
    ///   - mode: The permission bits of the new file, less the process's umask.
    ///   - temporary: The name of the temporary file, if it must be one that a later run finds and overwrites. Nil for a
    ///     random one, which no other thread or process uses.
    package static func replace(
        _ name: String, in directory: FileDescriptor, with contents: [UInt8], mode: UInt16,
        temporary: String? = nil
    ) throws(Errno) {
        if let temporary { unlinkat(directory.rawValue, temporary, 0) }
        let temporary = temporary ?? randomName(beside: name)
        do throws(Errno) {
            try make(temporary, in: directory, with: contents, mode: mode)
            guard renameat(directory.rawValue, temporary, directory.rawValue, name) == 0 else { throw .current }
        } catch {
            unlinkat(directory.rawValue, temporary, 0)
            throw error
        }
        try synchronize(directory: directory)
    }

    /// Makes the file `name` in `directory`; false, and nothing changes, if there is something of that name already. Of
    /// several callers at once, one makes the file, and the others find it complete.
    package static func keep(
        _ name: String, in directory: FileDescriptor, with contents: [UInt8], mode: UInt16
    ) throws(Errno) -> Bool {
        let temporary = randomName(beside: name)
        defer { unlinkat(directory.rawValue, temporary, 0) }
        try make(temporary, in: directory, with: contents, mode: mode)
        let isNew = linkat(directory.rawValue, temporary, directory.rawValue, name, 0) == 0
        guard isNew || Errno.current == .fileExists else { throw .current }
        // Also if another caller was first: the name must be on the medium before anyone relies on it.
        try synchronize(directory: directory)
        return isNew
    }

    /// Waits until the names in `directory` are on the medium. A file system that cannot wait for a directory answers
    /// EINVAL (fsync(2)), and has nothing to wait for.
    package static func synchronize(directory: FileDescriptor) throws(Errno) {
        do throws(Errno) { try directory.synchronize() } catch { guard error == .invalidArgument else { throw error } }
    }

    /// Waits until the names in the directory at `path` are on the medium.
    package static func synchronize(directoryAt path: FilePath) throws(Errno) {
        let directory = try open(directory: path)
        defer { try? directory.close() }
        try synchronize(directory: directory)
    }

    static func open(directory path: FilePath) throws(Errno) -> FileDescriptor {
        // A path without a directory in front is in the working directory.
        let path = path.string.isEmpty ? "." : path.string
        return try descriptor(openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    }

    private static func randomName(beside name: String) -> String {
        // A file name has at most 255 bytes (NAME_MAX).
        ".\(name.utf8.count < 200 ? name : "file").\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp"
    }

    /// Steps 1 and 2. Leaves what it made if it fails.
    private static func make(
        _ name: String, in directory: FileDescriptor, with contents: [UInt8], mode: UInt16
    ) throws(Errno) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = try descriptor(openat(directory.rawValue, name, flags, mode_t(mode)))
        do throws(Errno) {
            try file.writeAll(bytes: contents)
            try file.synchronize()
        } catch {
            try? file.close()
            throw error
        }
        do { try file.close() } catch { throw error as? Errno ?? .ioError }
    }

    private static func descriptor(_ raw: CInt) throws(Errno) -> FileDescriptor {
        guard raw >= 0 else { throw .current }
        return FileDescriptor(rawValue: raw)
    }
}

extension DurableFile {
    /// Replaces the file at `path`, or makes it.
    ///
    /// - Parameter mode: Its permission bits, less the process's umask.
    package static func replace(_ path: FilePath, with contents: [UInt8], mode: UInt16 = 0o644) throws(Failure) {
        try inDirectory(of: path) { directory, name throws(Errno) in
            try DurableFile.replace(name, in: directory, with: contents, mode: mode)
        }
    }

    private static func inDirectory<Value>(
        of path: FilePath, _ body: (FileDescriptor, String) throws(Errno) -> Value
    ) throws(Failure) -> Value {
        do throws(Errno) {
            guard let name = path.lastComponent else { throw .isDirectory }
            let directory = try DurableFile.open(directory: path.removingLastComponent())
            defer { try? directory.close() }
            return try body(directory, name.string)
        } catch {
            throw .system("writing \(path)", error)
        }
    }
}
