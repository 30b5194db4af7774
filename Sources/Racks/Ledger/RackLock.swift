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
    private static let name = "ledger.lock"

    private let lock: FileLock
    package let ledger: LedgerWriter

    /// - Parameter since: When this run began; another batch shows it.
    package init(_ state: RackState, since: String) throws(Failure) {
        let directory = try state.made()
        lock = try state.writing { () throws(Failure) in try Self.lock(directory, since: since) }
        ledger = try LedgerWriter(in: directory, state)
    }

    /// What the process that works on the rack's cards wrote about itself; nil if there is no such process.
    static func holder(of state: RackState) throws(Failure) -> String? {
        guard let directory = try state.opened(), try FileLock.isHeld(name, in: directory) else { return nil }
        return said(in: directory)
    }

    private static func said(in directory: PrivateDirectory) -> String {
        let text = String(decoding: (try? directory.read(name)) ?? [], as: UTF8.self)
        return String(text.prefix(200).filter { !$0.isNewline })
    }

    private static func lock(_ directory: PrivateDirectory, since: String) throws(Failure) -> FileLock {
        var lock = try FileLock.take(name, in: directory, .exclusive)
        // A process that only asks whether there is a batch has the lock for an instant.
        for _ in 0..<5 where lock == nil {
            usleep(20_000)
            lock = try FileLock.take(name, in: directory, .exclusive)
        }
        guard let lock else {
            let holder = said(in: directory)
            throw Failure(
                .ledgerHeld, "another piflash works on this rack's cards" + (holder.isEmpty ? "" : ": \(holder)"),
                hint: "wait until it is done, or stop it")
        }
        do {
            try lock.descriptor.resize(to: 0)
            try lock.descriptor.writeAll(bytes: Array("process \(getpid()), since \(since)".utf8))
        } catch { throw .system("writing \(directory.path.appending(name))", error) }
        return lock
    }
}

extension Failure.Code {
    /// Somebody else writes cards of the same rack.
    package static let ledgerHeld = Failure.Code("fleet.ledger-held")
}
