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

    /// Locks the file `name` of `directory`, which is made if it is missing; nil if another has the lock.
    package static func take(
        _ name: String, in directory: PrivateDirectory, _ mode: Mode
    ) throws(Failure) -> FileLock? {
        let lock = try make(name, directory)
        return try lock.acquire(mode, directory.path.appending(name), waiting: false) ? lock : nil
    }

    /// Locks the file `name` of `directory`, which is made if it is missing, and waits while another has the lock.
    package static func wait(
        for name: String, in directory: PrivateDirectory, _ mode: Mode
    ) throws(Failure) -> FileLock {
        let lock = try make(name, directory)
        _ = try lock.acquire(mode, directory.path.appending(name), waiting: true)
        return lock
    }

    /// Locks a file that must exist; nil if it does not, if another has the lock, or if the name has passed to another
    /// file meanwhile.
    package static func take(
        existing name: String, in directory: PrivateDirectory, _ mode: Mode
    ) throws(Failure) -> FileLock? {
        guard let file = try directory.openFile(name, .read) else { return nil }
        let lock = FileLock(holding: file)
        guard try lock.acquire(mode, directory.path.appending(name), waiting: false),
            directory.isName(name, of: lock.descriptor)
        else { return nil }
        return lock
    }

    /// Whether another has an exclusive lock on the file `name` of `directory` now. Two that ask at once do not see each
    /// other.
    package static func isHeld(_ name: String, in directory: PrivateDirectory) throws(Failure) -> Bool {
        guard let file = try directory.openFile(name, .read) else { return false }
        defer { try? file.close() }
        return (try? file.lock(.shared, waiting: false)) == false
    }

    private static func make(_ name: String, _ directory: PrivateDirectory) throws(Failure) -> FileLock {
        guard let file = try directory.openFile(name, .change) else { throw .vanished(directory.path.appending(name)) }
        return FileLock(holding: file)
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
}
