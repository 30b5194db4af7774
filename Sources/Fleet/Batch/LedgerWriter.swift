package import Diagnostics
import Host
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A batch's hold on the cards of a rack, and its way to append to their ledger. There is one batch at a time: it holds
/// `.piflash/ledger.lock`, which the kernel takes back when the process dies.
package final class LedgerWriter: Sendable {
    private let lock: FileDescriptor
    private let file: LedgerFile

    /// - Parameter since: What the next one is told of this writer: when it began.
    package init(_ state: RackState, since: String) throws(Failure) {
        try state.user.makeDirectories(state.directory, mode: 0o700)
        lock = try Self.lock(state, since: since)
        do throws(Failure) {
            file = try LedgerFile(state)
        } catch {
            try? lock.close()
            throw error
        }
    }

    deinit { try? lock.close() }

    /// Returns when the entry is on the disk. One that could not be written leaves nothing behind.
    package func append(_ entry: LedgerEntry) throws(Failure) { try file.append(entry) }

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
        let lock = try LedgerFile.open(path, .readWrite, append: false)
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
