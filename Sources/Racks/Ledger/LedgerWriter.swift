package import Diagnostics
import Host
import Storage
import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A rack's ledger, open for appending. A batch and commands for single cards may have it open at the same time: each takes
/// the kernel's lock on the file (flock(2)) while it appends.
package final class LedgerWriter: Sendable {
    private let file: FileDescriptor
    private let path: FilePath
    /// The kernel's lock belongs to the open file and does not keep two threads apart.
    private let turn = Mutex(())

    /// Opens the ledger, or makes it, and cuts off an incomplete last line that a crash left.
    package init(_ state: RackState) throws(Failure) {
        try DurableFile.makeDirectories(state.directory, mode: 0o700)
        path = state.ledgerPath
        do {
            file = try FileDescriptor.open(
                path, .readWrite, options: [.create, .append, .closeOnExec], permissions: [.ownerReadWrite])
        } catch {
            throw .system(
                "opening \(path)", error, hint: "the rack's directory must be writable: its state is kept there")
        }
        do {
            try alone { _ in }
            // The name of a new ledger must survive a crash, too.
            try DurableFile.synchronize(directoryAt: state.directory)
        } catch {
            throw error as? Failure ?? .system("opening \(path)", error as? Errno ?? .ioError)
        }
    }

    deinit { try? file.close() }

    /// Returns when the entry is on the disk. If it cannot be written, nothing of it stays in the file.
    package func append(_ entry: LedgerEntry) throws(Failure) {
        do {
            let line = try LedgerLine.encode(entry)
            try alone { end in
                do {
                    try file.writeAll(line)
                    try file.synchronize()
                } catch {
                    try? file.resize(to: end)
                    throw error
                }
            }
        } catch {
            throw .system("writing \(path)", error as? Errno ?? .ioError)
        }
    }

    /// Runs `body` with the length of all complete lines, while nobody else appends.
    private func alone(_ body: (Int64) throws -> Void) throws {
        try turn.withLock { _ in
            _ = try file.lock(.exclusive, waiting: true)
            defer { file.unlock() }
            try body(try wholeLength())
        }
    }

    /// Cuts off an incomplete last line.
    private func wholeLength() throws -> Int64 {
        let length = try file.seek(offset: 0, from: .end)
        var last: UInt8 = 0
        let isWhole = try withUnsafeMutableBytes(of: &last) { byte in
            try length == 0 || file.read(fromAbsoluteOffset: length - 1, into: byte) == 1
        }
        if isWhole, length == 0 || last == UInt8(ascii: "\n") { return length }
        let bytes = try DurableFile.read(path, kind: .regular) ?? []
        let end = Int64(bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0)
        try file.resize(to: end)
        return end
    }
}
