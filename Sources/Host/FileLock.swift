package import Diagnostics
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// The kernel's lock on an open file (flock(2)), given back with its owner. The kernel gives it back too when the process
/// ends.
///
/// It belongs to the open file, not to the process or the name: two threads exclude each other as two processes do, and a
/// file that is renamed stays locked.
package final class FileLock: Sendable {
    package enum Mode: Sendable { case shared, exclusive }

    /// The locked file, open to read and, unless it was there already, to write.
    package let descriptor: FileDescriptor

    private init(holding descriptor: FileDescriptor) { self.descriptor = descriptor }

    deinit { try? descriptor.close() }

    /// Locks the file at `path`, which is made if it is missing; nil if another has the lock.
    package static func take(_ path: FilePath, _ mode: Mode) throws(Failure) -> FileLock? {
        let lock = try make(path)
        return try lock.acquire(mode, path, waiting: false) ? lock : nil
    }

    /// Locks the file at `path`, which is made if it is missing, and waits while another has the lock.
    package static func wait(for path: FilePath, _ mode: Mode) throws(Failure) -> FileLock {
        let lock = try make(path)
        _ = try lock.acquire(mode, path, waiting: true)
        return lock
    }

    /// Locks a file that must exist; nil if it does not, if another has the lock, or if the name has passed to another
    /// file meanwhile.
    package static func take(existing path: FilePath, _ mode: Mode) throws(Failure) -> FileLock? {
        let lock: FileLock
        do { lock = FileLock(holding: try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])) } catch {
            if error as? Errno == .noSuchFileOrDirectory { return nil }
            throw .system("opening \(path)", error)
        }
        guard try lock.acquire(mode, path, waiting: false), lock.descriptor.isNamed(by: path) else { return nil }
        return lock
    }

    /// Whether another has an exclusive lock on the file at `path` now. Two that ask at once do not see each other.
    package static func isHeld(_ path: FilePath) -> Bool {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec]) else { return false }
        defer { try? file.close() }
        return (try? file.lock(.shared, waiting: false)) == false
    }

    private static func make(_ path: FilePath) throws(Failure) -> FileLock {
        let lock: FileLock
        do {
            lock = FileLock(
                holding: try FileDescriptor.open(
                    path, .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite]))
        } catch { throw .system("opening \(path)", error) }
        return lock
    }

    private func acquire(_ mode: Mode, _ path: FilePath, waiting: Bool) throws(Failure) -> Bool {
        do { return try descriptor.lock(mode, waiting: waiting) } catch { throw .system("locking \(path)", error) }
    }
}

extension FileDescriptor {
    /// Locks this open file until ``unlock()`` or until it is closed. False if another has the lock, which only happens
    /// if this call does not wait.
    package func lock(_ mode: FileLock.Mode, waiting: Bool) throws(Errno) -> Bool {
        let operation = (mode == .shared ? LOCK_SH : LOCK_EX) | (waiting ? 0 : LOCK_NB)
        while flock(rawValue, operation) != 0 {
            switch Errno.current {
            case .interrupted: continue
            case .wouldBlock: return false
            default: throw .current
            }
        }
        return true
    }

    package func unlock() { _ = flock(rawValue, LOCK_UN) }

    /// Whether `path` names this open file now.
    package func isNamed(by path: FilePath) -> Bool {
        guard let own = try? stat(), let named = try? path.stat() else { return false }
        return own.inode == named.inode && own.deviceID == named.deviceID
    }
}
