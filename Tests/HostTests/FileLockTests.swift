import Diagnostics
import Foundation
import Host
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct FileLockTests {
    private let scratch = ScratchDirectory()

    @Test func `a lock excludes others until its owner is gone`() throws {
        var lock = try FileLock.take(scratch["lock"], .exclusive)
        #expect(lock != nil)
        #expect(try FileLock.take(scratch["lock"], .exclusive) == nil)
        #expect(try FileLock.take(existing: scratch["lock"], .shared) == nil)
        #expect(FileLock.isHeld(scratch["lock"]))
        #expect(UInt16(try scratch["lock"].stat().permissions.rawValue) & 0o777 == 0o600)
        lock = nil
        #expect(!FileLock.isHeld(scratch["lock"]))
        let readers = [
            try FileLock.take(existing: scratch["lock"], .shared),
            try FileLock.take(existing: scratch["lock"], .shared),
        ]
        #expect(!readers.contains { $0 == nil })
        #expect(try FileLock.take(scratch["lock"], .exclusive) == nil)
        withExtendedLifetime(readers) {}
    }

    @Test func `a file that must exist is not made`() throws {
        #expect(try FileLock.take(existing: scratch["missing"], .exclusive) == nil)
        #expect(!FileLock.isHeld(scratch["missing"]))
        #expect(throws: (any Error).self) { try scratch["missing"].stat() }
        #expect(throws: Failure.self) { try FileLock.take(scratch["no/directory"], .exclusive) }
    }

    @Test func `a waiting lock gets its turn`() throws {
        let path = scratch["lock"]
        let first = try FileLock.take(path, .exclusive)
        let isTaken = Mutex(false)
        try withThrowingThread {
            let second = try FileLock.wait(for: path, .exclusive)
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
        #expect(file.isNamed(by: scratch["a"]))
        scratch.write("new", to: "b")
        #expect(rename(scratch["b"].string, scratch["a"].string) == 0)
        #expect(!file.isNamed(by: scratch["a"]))
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
