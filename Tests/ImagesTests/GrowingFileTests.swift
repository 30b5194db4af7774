import Diagnostics
import Foundation
import Host
@testable import Images
import Storage
import SystemPackage
import TestSupport
import Testing

@Suite struct GrowingFileTests {
    let harness = CacheHarness(empty: ())

    @Test func `bytes can be read once all bytes before them are written, in any order`() throws {
        let file = try GrowingFile(at: harness.scratch["growing"])
        var random = SplitMix64(seed: 1)
        let bytes = random.bytes(3 << 20)
        let reader = try WorkerThread { Result { () throws(Failure) in try file.digest() } }
        let pieces = stride(from: 0, to: bytes.count, by: 100_000).map { $0..<min($0 + 100_000, bytes.count) }
        for piece in pieces.shuffled(using: &random) {
            try bytes[piece].withUnsafeBytes { try file.write($0, at: Int64(piece.lowerBound)) }
            #expect(file.count == 0)
        }
        file.grow(to: Int64(bytes.count))
        #expect(try file.wait(for: 1) == Int64(bytes.count))
        file.complete()
        let digest = try reader.join().get()
        try file.synchronize()
        #expect(try digest == harness.sha256("growing"))
        #expect(harness.scratch.read("growing") == bytes)
    }

    @Test(arguments: [0, 1, 65_535, 1 << 20, 1 << 20 + 1, 3_500_000])
    func `the digest is that of the file, with holes at both ends`(_ size: Int) throws {
        let file = try GrowingFile(at: harness.scratch["growing"])
        var bytes = [UInt8](repeating: 0, count: size)
        if size > 2_000_000 { bytes[2_000_000] = 1 }
        let reader = try WorkerThread { Result { () throws(Failure) in try file.digest() } }
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
        file.grow(to: Int64(size))
        file.complete()
        let digest = try reader.join().get()
        try file.synchronize()
        #expect(try digest == harness.sha256("growing"))
        #expect(harness.scratch.read("growing") == bytes)
    }

    /// An .xz may say that one of its blocks is that large; tmpfs, like XFS and Btrfs, lets the next one be written.
    @Test func `bytes may be written far behind all others`() throws {
        let path = FilePath("/dev/shm/piflash-growing-\(UInt64.random(in: .min ... .max))")
        let file = try GrowingFile(at: path)
        defer { try? FileManager.default.removeItem(atPath: path.string) }
        let place: Int64 = 1 << 60
        try [UInt8](repeating: 7, count: 4096).withUnsafeBytes { try file.write($0, at: place) }
        #expect(!file.isHole(at: place) && file.isHole(at: place - 1) && file.isHole(at: 0))
    }

    @Test func `readers of an abandoned file are woken, and readers of a complete file get its bytes`() throws {
        let file = try GrowingFile(at: harness.scratch["growing"])
        let reader = try WorkerThread { Result { () throws(Failure) in try file.digest() } }
        file.grow(to: 100)
        file.abandon(Failure(.truncatedArchive, "cut off"))
        #expect(#expect(throws: Failure.self) { try reader.join().get() }?.message == "cut off")
        #expect(#expect(throws: Failure.self) { try file.wait(for: 1) }?.code == .truncatedArchive)
        let whole = try GrowingFile(at: harness.scratch["whole"])
        whole.grow(to: 10)
        whole.complete()
        whole.abandon(Failure(.truncatedArchive, "cut off"))
        #expect(try whole.wait(for: 100) == 10)
    }

    @Test func `a thread's value is returned, unless its caller stops waiting`() throws {
        let gate = Monitor(false)
        let thread = try WorkerThread { gate.wait { $0 ? Result<Int, Failure>.success(7) : nil } }
        var asked = 0
        #expect(
            try thread.value {
                asked += 1
                return asked > 3
            } == nil)
        gate.update { $0 = true }
        #expect(try thread.value { false } == 7)
        #expect(gate.wait(milliseconds: 1) { $0 ? nil : 1 } == nil)
    }

    @Test func `the slots of a ring carry every byte once, in order`() throws {
        let file = try GrowingFile(at: harness.scratch["stream"])
        let writer = try StreamWriter(to: file)
        var random = SplitMix64(seed: 2)
        let bytes = random.bytes(11_000_000)
        var done = 0
        while done < bytes.count {
            let count = min(Int.random(in: 1...2_500_000, using: &random), bytes.count - done)
            try bytes[done..<(done + count)].withUnsafeBytes { try writer.append($0) }
            done += count
        }
        #expect(writer.count == Int64(bytes.count))
        #expect(writer.head == Array(bytes.prefix(StreamWriter.headSize)))
        try writer.finish()
        #expect(file.count == Int64(bytes.count))
        try file.synchronize()
        #expect(harness.scratch.read("stream") == bytes)
    }

    @Test(arguments: [0, 1_048_575, 1_048_576, 2_500_000])
    func `a byte that the disk did not keep is found by both digests`(_ place: Int) throws {
        var random = SplitMix64(seed: 2)
        let bytes = random.bytes(3 << 20)
        let file = try GrowingFile(at: harness.scratch["growing"])
        for start in stride(from: 0, to: bytes.count, by: 700_000) {
            try bytes[start..<min(start + 700_000, bytes.count)].withUnsafeBytes {
                try file.write($0, at: Int64(start))
            }
        }
        try file.descriptor.writeAll(toAbsoluteOffset: Int64(place), [bytes[place] ^ 1])
        file.grow(to: Int64(bytes.count))
        file.complete()
        let whole = #expect(throws: Failure.self) { try file.digest() }
        let chunks = #expect(throws: Failure.self) { try file.chunkDigests() }
        for failure in [whole, chunks] { #expect(failure?.code == .corruptCache && failure?.hint != nil) }
    }
}
