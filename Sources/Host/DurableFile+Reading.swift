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
        /// Anything that ends: a pipe (as in `<(command)`) is read until its writers close it, a file of /proc, whose
        /// size is 0, until its end. A directory is a failure.
        case any
    }

    /// In bytes: more than any file that piflash reads into memory, except images.
    package static let defaultLimit = 256 << 20

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
            case .tooLong: throw Failure(.system, "reading \(path): it is longer than \(formatBytes(Int64(limit)))")
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
            case .notRegular: throw .invalidArgument
            case .tooLong: throw .fileTooLarge
            }
        }
    }

    private enum ReadError: Error {
        case errno(Errno), notRegular, tooLong
    }

    private static func read(
        _ path: String, in directory: CInt, followingLinks: Bool, limit: Int, kind: Kind
    ) throws(ReadError) -> [UInt8] {
        var flags = O_RDONLY | O_CLOEXEC
        if !followingLinks { flags |= O_NOFOLLOW }
        // Opening a pipe would wait for its other end before it could be refused.
        if kind == .regular { flags |= O_NONBLOCK }
        let raw = openat(directory, path, flags)
        guard raw >= 0 else { throw .errno(.current) }
        let file = FileDescriptor(rawValue: raw)
        defer { try? file.close() }
        do {
            let status = try file.stat()
            guard kind == .any || status.type == .regular else { throw ReadError.notRegular }
            // The reported size saves growing; the end is where read(2) says so.
            var contents: [UInt8] = []
            contents.reserveCapacity(Int(min(Int64(limit), max(0, status.size))) + 1)
            var part = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = try part.withUnsafeMutableBytes { try file.read(into: $0) }
                guard count > 0 else { return contents }
                guard contents.count + count <= limit else { throw ReadError.tooLong }
                contents += part[..<count]
            }
        } catch {
            throw error as? ReadError ?? .errno(error as? Errno ?? .ioError)
        }
    }
}

extension Failure.Code {
    /// A path that should name a regular file names something else.
    package static let notAFile = Failure.Code("storage.not-a-file")
}
