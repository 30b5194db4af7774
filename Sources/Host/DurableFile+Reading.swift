package import Diagnostics
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

extension DurableFile {
    /// What a file may be, to be read.
    package enum Kind: Sendable {
        /// A regular file, or a link to one. Everything else is a failure, and opening it does not wait.
        case regular
        /// A regular file, or a pipe (as in `<(command)`), which is read until its writers close it. Anything else is a
        /// failure: a device may have no end.
        case any
    }

    /// In bytes: more than any recipe, roster, template or list. What may be longer has its own limit.
    package static let defaultLimit = 64 << 20

    /// The contents of the file at `path`; nil if there is none.
    ///
    /// Reads until the end, whatever size stat(2) reports: a pipe and a file of /proc have none, and another process may
    /// write meanwhile.
    ///
    /// - Parameters:
    ///   - limit: In bytes; a longer file is a failure.
    ///   - kind: What the file may be.
    package static func read(
        _ path: FilePath, limit: Int = defaultLimit, kind: Kind = .any
    ) throws(Failure) -> [UInt8]? {
        do {
            return try read(path.string, in: AT_FDCWD, followingLinks: true, limit: limit, kind: kind)
        } catch {
            switch error {
            case .errno(.noSuchFileOrDirectory): return nil
            case .errno(let reason): throw .system("reading \(path)", reason)
            case .notRegular: throw Failure(.notAFile, "\"\(path)\" is not a regular file")
            case .noWriter: throw Failure(.notAFile, "\"\(path)\" is a FIFO that no program writes to")
            case .tooLong: throw .tooLong(path, limit: limit)
            }
        }
    }

    /// The contents of the regular file `name` in `directory`; a link is a failure (ELOOP).
    package static func read(
        _ name: String, in directory: FileDescriptor, limit: Int = defaultLimit
    ) throws(Errno) -> [UInt8] {
        do throws(ReadError) {
            return try read(name, in: directory.rawValue, followingLinks: false, limit: limit, kind: .regular)
        } catch {
            switch error {
            case .errno(let reason): throw reason
            case .notRegular, .noWriter: throw .invalidArgument
            case .tooLong: throw .fileTooLarge
            }
        }
    }

    private static func read(
        _ path: String, in directory: CInt, followingLinks: Bool, limit: Int, kind: Kind
    ) throws(ReadError) -> [UInt8] {
        // Opening a FIFO would wait for its other end before it could be refused.
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW)
        let raw = openat(directory, path, flags)
        guard raw >= 0 else { throw .errno(.current) }
        let file = FileDescriptor(rawValue: raw)
        defer { try? file.close() }
        do {
            let status = try file.stat()
            switch status.type {
            case .regular: return try file.readToEnd(status, limit: limit)
            case .fifo where kind == .any: return try file.readPipe(limit: limit)
            case .directory where kind == .any: throw Errno.isDirectory
            default: throw ReadError.notRegular
            }
        } catch {
            throw error as? ReadError ?? .errno(error as? Errno ?? .ioError)
        }
    }
}

private enum ReadError: Error {
    case errno(Errno), notRegular, tooLong
    /// A FIFO that nobody writes to.
    case noWriter
}

extension FileDescriptor {
    /// The contents of this open regular file, which is at `path`. A file of more than `limit` bytes is a failure, before
    /// it is read.
    func readAll(_ path: FilePath, limit: Int) throws(Failure) -> [UInt8] {
        do { return try readToEnd(try stat(), limit: limit) } catch {
            guard case .tooLong? = error as? ReadError else { throw .system("reading \(path)", error) }
            throw .tooLong(path, limit: limit)
        }
    }

    fileprivate func readToEnd(_ status: Stat, limit: Int) throws -> [UInt8] {
        guard status.size <= Int64(limit) else { throw ReadError.tooLong }
        // The reported size saves growing; the end is where read(2) says so.
        var contents: [UInt8] = []
        contents.reserveCapacity(Int(max(0, status.size)) + 1)
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try part.withUnsafeMutableBytes { try readPart(into: $0) }
            guard count > 0 else { return contents }
            guard contents.count + count <= limit else { throw ReadError.tooLong }
            contents += part[..<count]
        }
    }

    /// Reads a pipe until its writers close it. The shell opens both ends of `<(command)` before it starts a program, so a
    /// pipe without a writer is a FIFO that somebody made: it is given a second.
    fileprivate func readPipe(limit: Int) throws -> [UInt8] {
        var contents: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        var (hasWriter, waited) = (false, 0)
        while true {
            let count: Int
            do { count = try part.withUnsafeMutableBytes { try readPart(into: $0) } } catch {
                // Its writer has nothing yet.
                guard error as? Errno == .wouldBlock else { throw error }
                hasWriter = true
                var event = pollfd(fd: rawValue, events: Int16(POLLIN), revents: 0)
                _ = poll(&event, 1, 1000)
                continue
            }
            if count > 0 {
                hasWriter = true
                guard contents.count + count <= limit else { throw ReadError.tooLong }
                contents += part[..<count]
                continue
            }
            if hasWriter { return contents }
            var event = pollfd(fd: rawValue, events: Int16(POLLIN), revents: 0)
            // A writer that has come and gone leaves POLLHUP (poll(2)).
            if poll(&event, 1, 0) > 0, Int32(event.revents) & POLLIN == 0 { return contents }
            guard waited < 1000 else { throw ReadError.noWriter }
            usleep(10_000)
            waited += 10
        }
    }
}

extension Failure {
    static func tooLong(_ path: FilePath, limit: Int) -> Failure {
        Failure(.system, "reading \(path): it is longer than \(formatBytes(Int64(limit)))")
    }
}

extension Failure.Code {
    /// A path that should name a regular file names something else.
    package static let notAFile = Failure.Code("storage.not-a-file")
}
