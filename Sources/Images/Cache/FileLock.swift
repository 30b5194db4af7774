import Diagnostics
import Host
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// An flock(2) on an open file, given back with its owner. The kernel gives it back too when the process dies.
///
/// It belongs to the open file, not to the process or the name: two threads exclude each other as two processes do, and
/// a file that is renamed stays locked.
final class FileLock: Sendable {
    enum Mode: Sendable { case shared, exclusive }

    let descriptor: FileDescriptor

    private init(holding descriptor: FileDescriptor) { self.descriptor = descriptor }

    deinit { try? descriptor.close() }

    /// Locks the file at `path`, made when missing; nil when somebody else holds it.
    static func take(_ path: FilePath, _ mode: Mode, user: InvokingUser) throws(Failure) -> FileLock? {
        let lock: FileLock
        do {
            lock = FileLock(
                holding: try FileDescriptor.open(
                    path, .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite]))
        } catch { throw .system("opening \(path)", error as? Errno ?? .ioError) }
        do { try user.own(path) } catch { throw .system("giving \(path) to its user", error) }
        return try lock.acquire(mode, path) ? lock : nil
    }

    /// Locks a file that is there already; nil when it is not, when somebody else holds it, or when the name has meanwhile
    /// passed to another file.
    static func take(existing path: FilePath, _ mode: Mode) throws(Failure) -> FileLock? {
        let lock: FileLock
        do { lock = FileLock(holding: try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])) } catch {
            if error as? Errno == .noSuchFileOrDirectory { return nil }
            throw .system("opening \(path)", error as? Errno ?? .ioError)
        }
        guard try lock.acquire(mode, path), let held = try? lock.descriptor.stat(), let named = try? path.stat(),
            held.inode == named.inode, held.deviceID == named.deviceID
        else { return nil }
        return lock
    }

    private func acquire(_ mode: Mode, _ path: FilePath) throws(Failure) -> Bool {
        while flock(descriptor.rawValue, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0 {
            switch Errno(rawValue: errno) {
            case .interrupted: continue
            case .wouldBlock: return false
            default: throw .system("locking \(path)", Errno(rawValue: errno))
            }
        }
        return true
    }
}
