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
    /// In bytes, of a line with its line end. A line holds some names, digests and the reason of a failure.
    private static let lineLimit: Int64 = 1 << 20

    private let directory: PrivateDirectory
    private let file: FileDescriptor
    private let path: FilePath
    /// The kernel's lock belongs to the open file and does not keep two threads apart.
    private let turn = Mutex(())

    /// Opens the ledger, or makes it, and cuts off an incomplete last line that a crash left.
    package convenience init(_ state: RackState) throws(Failure) {
        let directory = try state.made()
        try self.init(in: directory, state)
    }

    init(in directory: PrivateDirectory, _ state: RackState) throws(Failure) {
        self.directory = directory
        path = directory.path.appending(Ledger.name)
        let opened = try state.writing { () throws(Failure) in try directory.openFile(Ledger.name, .append) }
        guard let opened else { throw Failure(.system, "\(path) is gone", hint: "try again") }
        file = opened
        do {
            try alone { _ in }
            // The name of a new ledger must survive a crash, too.
            try DurableFile.synchronize(directory: directory.descriptor)
        } catch {
            throw error as? Failure ?? .system("opening \(path)", error as? Errno ?? .ioError)
        }
    }

    deinit { try? file.close() }

    /// The last event of the card of `node`.
    func last(of node: String) throws(Failure) -> LedgerEntry? { try Ledger(in: directory).last(of: node) }

    /// Returns when the entry is on the disk. If it cannot be written, nothing of it stays in the file.
    package func append(_ entry: LedgerEntry) throws(Failure) {
        do {
            let line = try LedgerLine.encode(entry)
            try alone { end in
                do {
                    try file.writeAll(bytes: line)
                    try file.synchronize()
                } catch {
                    try? file.resize(to: end)
                    throw error
                }
            }
        } catch {
            throw .system("writing \(path)", error)
        }
    }

    /// Runs `body` with the length of all complete lines, while nobody else appends.
    private func alone(_ body: (Int64) throws -> Void) throws {
        try turn.withLock { _ in
            _ = try file.lock(.exclusive, waiting: true)
            defer { file.unlock() }
            // What is added to a ledger that was moved away, no later run finds.
            guard directory.isName(Ledger.name, of: file) else {
                throw Failure(
                    .system, "the ledger \(path) was moved or replaced", hint: "put it back, and run the command again")
            }
            try body(try wholeLength())
        }
    }

    /// Cuts off an incomplete last line.
    private func wholeLength() throws -> Int64 {
        let length = try file.seek(offset: 0, from: .end)
        guard length <= Int64(Ledger.limit) else {
            throw Failure(
                .system, "\(path) is longer than \(formatBytes(Int64(Ledger.limit)))",
                hint: "it is not a ledger, or a very old one: move it away; the cards count as not written then")
        }
        let start = max(0, length - Self.lineLimit)
        var tail = [UInt8](repeating: 0, count: Int(length - start))
        let count = try tail.withUnsafeMutableBytes { bytes in
            try file.readAll(into: bytes, at: start)
        }
        guard count == tail.count else { throw Errno.ioError }
        if tail.last ?? UInt8(ascii: "\n") == UInt8(ascii: "\n") { return length }
        let lineEnd = tail.lastIndex(of: UInt8(ascii: "\n"))
        guard lineEnd != nil || start == 0 else {
            throw Failure(
                .system, "\(path) is damaged: its last line has no end",
                hint: "move it away; the cards count as not written then")
        }
        let end = lineEnd.map { start + Int64($0) + 1 } ?? 0
        try file.resize(to: end)
        return end
    }
}
