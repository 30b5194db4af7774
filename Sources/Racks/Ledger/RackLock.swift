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
    private let lock: FileLock
    package let ledger: LedgerWriter

    /// - Parameter since: When this run began; another batch shows it.
    package init(_ state: RackState, since: String) throws(Failure) {
        try DurableFile.makeDirectories(state.directory, mode: 0o700)
        lock = try Self.lock(state, since: since)
        ledger = try LedgerWriter(state)
    }

    /// What the process that works on the rack's cards wrote about itself; nil if there is no such process.
    static func holder(of state: RackState) -> String? {
        let path = lockPath(of: state)
        guard FileLock.isHeld(path) else { return nil }
        return said(at: path)
    }

    private static func lockPath(of state: RackState) -> FilePath { state.directory.appending("ledger.lock") }

    private static func said(at path: FilePath) -> String {
        let text = String(decoding: (try? DurableFile.read(path, limit: 1 << 20, kind: .regular)) ?? [], as: UTF8.self)
        return String(text.prefix(200).filter { !$0.isNewline })
    }

    private static func lock(_ state: RackState, since: String) throws(Failure) -> FileLock {
        let path = lockPath(of: state)
        var lock = try take(path, state)
        // A process that only asks whether there is a batch has the lock for an instant.
        for _ in 0..<5 where lock == nil {
            usleep(20_000)
            lock = try take(path, state)
        }
        guard let lock else {
            let holder = said(at: path)
            throw Failure(
                .ledgerHeld, "another piflash works on this rack's cards" + (holder.isEmpty ? "" : ": \(holder)"),
                hint: "wait until it is done, or stop it")
        }
        do {
            try lock.descriptor.resize(to: 0)
            _ = try lock.descriptor.writeAll(Array("process \(getpid()), since \(since)".utf8))
        } catch { throw .system("writing \(path)", error) }
        return lock
    }

    private static func take(_ path: FilePath, _ state: RackState) throws(Failure) -> FileLock? {
        do { return try FileLock.take(path, .exclusive) } catch {
            throw Failure(
                .system, error.message, hint: "the rack's directory must be writable: its state is kept there",
                cause: error.cause)
        }
    }
}

extension Failure.Code {
    /// Somebody else writes cards of the same rack.
    package static let ledgerHeld = Failure.Code("fleet.ledger-held")
}
