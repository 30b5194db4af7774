import Diagnostics
import Host
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// An flock(2) on an open file, given back with its owner. The kernel gives it back too when the process dies.
final class FileLock: Sendable {
    enum Mode: Sendable { case shared, exclusive }

    let descriptor: FileDescriptor

    /// Locks the file at `path`, made when missing. Returns nil when another process holds it and `waiting` is false.
    init?(_ path: FilePath, _ mode: Mode, waiting: Bool, user: InvokingUser) throws(Failure) {
        do {
            descriptor = try FileDescriptor.open(
                path, .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite])
        } catch { throw .system("opening \(path)", error as? Errno ?? .ioError) }
        do { try user.own(path) } catch { throw .system("giving \(path) to its user", error) }
        guard try Self.lock(descriptor, mode, waiting: waiting, path: path) else {
            try? descriptor.close()
            return nil
        }
    }

    /// Locks a file that is there already; nil when it is not, or when another process holds it.
    init?(existing path: FilePath, _ mode: Mode) throws(Failure) {
        do { descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec]) } catch {
            if error as? Errno == .noSuchFileOrDirectory { return nil }
            throw .system("opening \(path)", error as? Errno ?? .ioError)
        }
        guard try Self.lock(descriptor, mode, waiting: false, path: path) else {
            try? descriptor.close()
            return nil
        }
    }

    deinit { try? descriptor.close() }

    private static func lock(_ file: FileDescriptor, _ mode: Mode, waiting: Bool, path: FilePath) throws(Failure)
        -> Bool
    {
        let operation = (mode == .shared ? LOCK_SH : LOCK_EX) | (waiting ? 0 : LOCK_NB)
        while flock(file.rawValue, operation) != 0 {
            switch Errno(rawValue: errno) {
            case .interrupted: continue
            case .wouldBlock: return false
            default: throw .system("locking \(path)", Errno(rawValue: errno))
            }
        }
        return true
    }
}
