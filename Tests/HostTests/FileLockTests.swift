import Diagnostics
import Foundation
import Host
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct FileLockTests {
    private let scratch: ScratchDirectory
    private let directory: PrivateDirectory

    init() throws {
        scratch = ScratchDirectory()
        directory = try PrivateDirectory.make(scratch.path)
    }

    @Test func `a lock excludes others until its owner is gone`() throws {
        var lock = try FileLock.take("lock", in: directory, .exclusive)
        #expect(lock != nil)
        #expect(try FileLock.take("lock", in: directory, .exclusive) == nil)
        #expect(try FileLock.take(existing: "lock", in: directory, .shared) == nil)
        #expect(try FileLock.isHeld("lock", in: directory))
        #expect(UInt16(try scratch["lock"].stat().permissions.rawValue) & 0o777 == 0o600)
        lock = nil
        #expect(try !FileLock.isHeld("lock", in: directory))
        let readers = [
            try FileLock.take(existing: "lock", in: directory, .shared),
            try FileLock.take(existing: "lock", in: directory, .shared),
        ]
        #expect(!readers.contains { $0 == nil })
        #expect(try FileLock.take("lock", in: directory, .exclusive) == nil)
        withExtendedLifetime(readers) {}
    }

    @Test func `a file that must exist is not made`() throws {
        #expect(try FileLock.take(existing: "missing", in: directory, .exclusive) == nil)
        #expect(try !FileLock.isHeld("missing", in: directory))
        #expect(throws: (any Error).self) { try scratch["missing"].stat() }
        #expect(throws: Failure.self) { try FileLock.take("no/directory", in: directory, .exclusive) }
    }

    @Test func `a waiting lock gets its turn`() throws {
        let directory = directory
        let first = try FileLock.take("lock", in: directory, .exclusive)
        let isTaken = Mutex(false)
        try withThrowingThread {
            let second = try FileLock.wait(for: "lock", in: directory, .exclusive)
            isTaken.withLock { $0 = true }
            withExtendedLifetime(second) {}
        } meanwhile: {
            usleep(100_000)
            #expect(!isTaken.withLock { $0 })
            try? #require(first).descriptor.unlock()
        }
        #expect(isTaken.withLock { $0 })
    }

    @Test func `a name that has passed to another file is not locked`() throws {
        scratch.write("old", to: "a")
        let file = try FileDescriptor.open(scratch["a"], .readOnly)
        defer { try? file.close() }
        #expect(directory.isName("a", of: file))
        scratch.write("new", to: "b")
        #expect(rename(scratch["b"].string, scratch["a"].string) == 0)
        #expect(!directory.isName("a", of: file))
    }

    /// Runs `work` on a thread, `meanwhile` on this one, and waits for both.
    private func withThrowingThread(
        _ work: @escaping @Sendable () throws -> Void, meanwhile: () -> Void
    ) throws {
        let thread = try WorkerThread<Bool> {
            do { try work() } catch { return .failure(error as? Failure ?? Failure(.system, "\(error)")) }
            return .success(true)
        }
        meanwhile()
        _ = try thread.join().get()
    }
}
