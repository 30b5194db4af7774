package import Diagnostics
import Host
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Keeps all other batches from the cards of a rack, and has the ledger open for this one. The lock is that of the file
/// `.piflash/ledger.lock`, which the kernel releases when the process ends.
package final class RackLock: Sendable {
    private let lock: FileDescriptor
    package let ledger: LedgerWriter

    /// - Parameter since: When this run began; another batch shows it.
    package init(_ state: RackState, since: String) throws(Failure) {
        try state.user.makeDirectories(state.directory, mode: 0o700)
        lock = try Self.lock(state, since: since)
        do throws(Failure) {
            ledger = try LedgerWriter(state)
        } catch {
            try? lock.close()
            throw error
        }
    }

    deinit { try? lock.close() }

    /// What the process that works on the rack's cards said of itself; nil when there is none.
    static func holder(of state: RackState) -> String? {
        let path = lockPath(of: state)
        guard let lock = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec]) else { return nil }
        defer { try? lock.close() }
        // A shared lock: two that look at once do not see each other.
        guard flock(lock.rawValue, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK else { return nil }
        return said(at: path)
    }

    private static func lockPath(of state: RackState) -> FilePath { state.directory.appending("ledger.lock") }

    private static func said(at path: FilePath) -> String {
        let text = String(decoding: (try? FileContents.read(path)) ?? [], as: UTF8.self)
        return String(text.prefix(200).filter { !$0.isNewline })
    }

    private static func lock(_ state: RackState, since: String) throws(Failure) -> FileDescriptor {
        let path = lockPath(of: state)
        let lock = try LedgerWriter.open(path, .readWrite, append: false)
        do {
            var tries = 0
            while flock(lock.rawValue, LOCK_EX | LOCK_NB) != 0 {
                let reason = Errno(rawValue: errno)
                if reason == .interrupted { continue }
                // Who only looks whether somebody is there has it for an instant.
                if reason == .wouldBlock, tries < 5 {
                    tries += 1
                    usleep(20_000)
                    continue
                }
                guard reason == .wouldBlock else { throw reason }
                let holder = said(at: path)
                throw Failure(
                    .ledgerHeld,
                    "another piflash works on this rack's cards" + (holder.isEmpty ? "" : ": \(holder)"),
                    hint: "wait until it is done, or stop it")
            }
            try state.user.own(path)
            try lock.resize(to: 0)
            _ = try lock.writeAll(Array("process \(getpid()), since \(since)".utf8))
            return lock
        } catch {
            try? lock.close()
            throw error as? Failure ?? .system("locking \(path)", error as? Errno ?? .ioError)
        }
    }
}

extension Failure.Code {
    /// Somebody else writes cards of the same rack.
    package static let ledgerHeld = Failure.Code("fleet.ledger-held")
}
