public import Diagnostics
import Host
import Storage
import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Appends to a rack's ledger. There is one writer at a time: it holds `.piflash/ledger.lock`, which the kernel takes back
/// when the process dies.
public final class LedgerWriter: Sendable {
    private let lock: FileDescriptor
    private let file: FileDescriptor
    private let path: FilePath
    /// The ledger's length. Appending is one at a time.
    private let length: Mutex<Int64>

    /// - Parameter since: What the next one is told of this writer: when it began.
    public init(_ state: RackState, since: String) throws(Failure) {
        try state.user.makeDirectories(state.directory, mode: 0o700)
        path = state.ledgerPath
        lock = try Self.lock(state, since: since)
        do throws(Failure) {
            file = try Self.open(path, .readWrite, append: true)
        } catch {
            try? lock.close()
            throw error
        }
        length = Mutex(0)
        do {
            try state.user.own(path)
            let bytes = try FileContents.read(path) ?? []
            let end = Int64(bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0)
            if end != Int64(bytes.count) { try file.resize(to: end) }
            length.withLock { $0 = end }
            // The new name must survive a crash too.
            let folder = try FileDescriptor.open(state.directory, .readOnly, options: [.directory, .closeOnExec])
            _ = fsync(folder.rawValue)
            try folder.close()
        } catch let failure as Failure {
            throw failure
        } catch {
            throw .system("opening \(path)", error as? Errno ?? .ioError)
        }
    }

    deinit {
        try? file.close()
        try? lock.close()
    }

    /// Returns when the entry is on the disk. One that could not be written leaves nothing behind.
    public func append(_ entry: LedgerEntry) throws(Failure) {
        do {
            let line = try LedgerLine.encode(entry)
            try length.withLock { length in
                do {
                    try file.writeAll(line)
                    guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
                    length += Int64(line.count)
                } catch {
                    try? file.resize(to: length)
                    throw error
                }
            }
        } catch {
            throw .system("writing \(path)", error as? Errno ?? .ioError)
        }
    }

    private static func lock(_ state: RackState, since: String) throws(Failure) -> FileDescriptor {
        let path = state.directory.appending("ledger.lock")
        let lock = try open(path, .readWrite, append: false)
        do {
            while flock(lock.rawValue, LOCK_EX | LOCK_NB) != 0 {
                let reason = Errno(rawValue: errno)
                if reason == .interrupted { continue }
                guard reason == .wouldBlock else { throw reason }
                let holder = String(decoding: try FileContents.read(path) ?? [], as: UTF8.self)
                throw Failure(
                    .ledgerHeld,
                    "another piflash works on this rack's cards"
                        + (holder.isEmpty ? "" : ": \(holder.prefix(200).filter { !$0.isNewline })"),
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

    private static func open(
        _ path: FilePath, _ mode: FileDescriptor.AccessMode, append: Bool
    ) throws(Failure) -> FileDescriptor {
        do {
            return try FileDescriptor.open(
                path, mode, options: append ? [.create, .append, .closeOnExec] : [.create, .closeOnExec],
                permissions: [.ownerReadWrite])
        } catch {
            throw .system(
                "opening \(path)", error as? Errno ?? .ioError,
                hint: "the rack's directory must be writable: its state is kept there")
        }
    }
}

extension Failure.Code {
    /// Somebody else writes cards of the same rack.
    public static let ledgerHeld = Failure.Code("fleet.ledger-held")
}
