package import Diagnostics
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// The files of a private directory. `name` is always a name in the directory, never a path.
extension PrivateDirectory {
    /// What a file is opened for.
    package enum Access: Sendable {
        case read
        /// To read and write; it is made if it is missing.
        case change
        /// To read, and to write at its end; it is made if it is missing.
        case append
        /// To read and write; it must not exist yet.
        case create

        fileprivate var flags: CInt {
            switch self {
            case .read: O_RDONLY
            case .change: O_RDWR | O_CREAT
            case .append: O_RDWR | O_CREAT | O_APPEND
            case .create: O_RDWR | O_CREAT | O_EXCL
            }
        }
    }

    /// Opens the regular file `name`, which nobody else can have changed; nil if it does not exist. Never waits: a FIFO or
    /// a device is refused like a link.
    ///
    /// - Parameter isKey: Whether others may not even have been able to read it.
    package func openFile(_ name: String, _ access: Access, isKey: Bool = false) throws(Failure) -> FileDescriptor? {
        let raw = openat(
            descriptor.rawValue, name, access.flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600 as mode_t)
        guard raw >= 0 else {
            let reason = Errno.current
            if reason == .noSuchFileOrDirectory, access == .read { return nil }
            if access != .create, let status = status(of: name), status.type != .regular {
                throw .misplaced(path.appending(name), status.type, isDirectory: false)
            }
            throw .system("opening \(path.appending(name))", reason)
        }
        let file = FileDescriptor(rawValue: raw)
        do {
            let status = try file.stat()
            guard case .state = use else {
                guard status.type == .regular else {
                    throw Failure.misplaced(path.appending(name), status.type, isDirectory: false)
                }
                return file
            }
            try FileTrust.check(status, isKey ? .key : .record, at: path.appending(name))
            file.closeToOthers(status)
            return file
        } catch {
            try? file.close()
            throw .system("opening \(path.appending(name))", error)
        }
    }

    /// The contents of the file `name`; nil if it does not exist.
    ///
    /// - Parameter limit: In bytes; a longer file is refused before it is read.
    package func read(_ name: String, limit: Int = 1 << 20, isKey: Bool = false) throws(Failure) -> [UInt8]? {
        guard let file = try openFile(name, .read, isKey: isKey) else { return nil }
        defer { try? file.close() }
        return try file.readAll(path.appending(name), limit: limit)
    }

    /// Replaces the file `name`, or makes it: see ``DurableFile``.
    package func replace(_ name: String, with contents: [UInt8], mode: UInt16 = 0o600) throws(Failure) {
        do throws(Errno) { try DurableFile.replace(name, in: descriptor, with: contents, mode: mode) } catch {
            throw .system("writing \(path.appending(name))", error)
        }
    }

    /// Makes the file `name`; false, and nothing changes, if there is something of that name already: see
    /// ``DurableFile``.
    package func keep(_ name: String, with contents: [UInt8]) throws(Failure) -> Bool {
        do throws(Errno) {
            return try DurableFile.keep(name, in: descriptor, with: contents, mode: 0o600)
        } catch {
            throw .system("writing \(path.appending(name))", error)
        }
    }

    /// Waits until the complete, open file `old` is on the medium, and gives it the name `new`, which lasts when this
    /// returns.
    package func rename(_ old: String, _ file: FileDescriptor, to new: String) throws(Failure) {
        do {
            try file.synchronize()
            // A user who can write to the directory could have put another file there.
            guard isName(old, of: file) else { throw Failure.vanished(path.appending(old)) }
            guard renameat(descriptor.rawValue, old, descriptor.rawValue, new) == 0 else { throw Errno.current }
            try DurableFile.synchronize(directory: descriptor)
        } catch {
            throw .system("renaming \(path.appending(old)) to \(new)", error)
        }
    }

    /// Removes the file `name`, or the link; nothing if there is none.
    package func remove(_ name: String) { _ = unlinkat(descriptor.rawValue, name, 0) }

    /// What is known of the file `name`, or of the link; nil if there is none.
    package func status(of name: String) -> Stat? {
        var status = Glibc.stat()
        guard fstatat(descriptor.rawValue, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return Stat(rawValue: status)
    }

    /// Whether `name` is that of the open file `file` now.
    package func isName(_ name: String, of file: FileDescriptor) -> Bool {
        guard let own = try? file.stat(), let named = status(of: name) else { return false }
        return own.inode == named.inode && own.deviceID == named.deviceID
    }

    /// The time of the last change of the file `name` becomes now.
    package func touch(_ name: String) { _ = utimensat(descriptor.rawValue, name, nil, AT_SYMLINK_NOFOLLOW) }

    /// The names in the directory, in no order.
    package var names: [String] {
        // A descriptor of its own: reading moves its position.
        let raw = openat(descriptor.rawValue, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard raw >= 0 else { return [] }
        guard let stream = fdopendir(raw) else {
            close(raw)
            return []
        }
        defer { closedir(stream) }
        var found: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { found.append(name) }
        }
        return found
    }
}
