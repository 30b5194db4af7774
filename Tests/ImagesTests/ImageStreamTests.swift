import Diagnostics
import Filesystems
import Foundation
import Host
@testable import Images
import Storage
import SystemPackage
import TestSupport
import Testing

/// Reading an image while it is unpacked.
@Suite struct ImageStreamTests {
    let harness = CacheHarness(empty: ())

    private func open(
        _ name: String, sha256: String? = nil, isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(Failure) -> ImageStream {
        try harness.cache().open(
            at: harness.scratch[name], sha256: sha256, validate: { (_, _) throws(Failure) in }, events: { _ in },
            isCancelled: isCancelled)
    }

    private func pack() throws -> [UInt8] {
        let bytes = harness.makeSmallImage(sectors: 9000)
        for (name, command) in [
            ("small.zip", "zip -q1 small.zip small.img"), ("small.img.gz", "gzip -k1 small.img"),
            ("small.img.xz", "xz -k0 small.img"), ("blocks.xz", "xz -0 --block-size=400000 -c small.img >blocks.xz"),
            ("small.img.bz2", "bzip2 -k1 small.img"),
        ] {
            try SharedFiles.copy("9000 sectors \(name)", to: harness.scratch[name]) { path in
                let maker = CacheHarness(empty: ())
                maker.makeSmallImage(sectors: 9000)
                try maker.shell("\(command) && mv \(name) '\(path)'")
            }
        }
        return bytes
    }

    @Test(arguments: ["small.img", "small.zip", "small.img.xz", "blocks.xz", "small.img.gz", "small.img.bz2"])
    func `reads during unpacking return the image, which is then in the cache`(_ name: String) throws {
        let bytes = try pack()
        let opened = try open(name)
        #expect(opened.store.size == Int64(bytes.count))
        #expect(try opened.store.bytes(at: 2_000_001, count: 3) == Array(bytes[2_000_001..<2_000_004]))
        #expect(try opened.store.bytes(at: 0, count: bytes.count) == bytes)
        try opened.check()
        let base = try opened.finish()
        #expect(try base.digest == harness.sha256("small.img"))
        #expect(harness.files == ["\(base.digest).img", "\(base.digest).json"])
        // What is finished is not cancelled.
        opened.cancel()
        #expect(harness.files.count == 2)
        #expect(try opened.store.bytes(at: 0, count: bytes.count) == bytes)
        let again = try open(name)
        #expect(again.wasComplete)
        #expect(again.finished?.digest == base.digest)
    }

    @Test func `zip and xz give the size beforehand, and other formats do not`() throws {
        let count = Int64(try pack().count)
        for (name, size) in [
            ("small.img", count), ("small.zip", count), ("small.img.xz", count), ("blocks.xz", count),
            ("small.img.gz", nil), ("small.img.bz2", nil),
        ] {
            let source = try ImageSource(harness.scratch[name])
            #expect(try ArchivedImage.find(in: source).size == size, "\(name)")
        }
    }

    @Test func `readers wait for their own bytes only`() throws {
        let file = try GrowingFile(at: harness.scratch["growing"], size: 4 << 20)
        let store = GrowingStore(file, size: 4 << 20, name: "small.zip")
        var random = SplitMix64(seed: 3)
        let bytes = random.bytes(4 << 20)
        let reads = (0..<40).map { _ in
            let start = Int.random(in: 0..<bytes.count, using: &random)
            return start..<min(start + Int.random(in: 1...100_000, using: &random), bytes.count)
        }
        let threads = try reads.map { read in
            try WorkerThread {
                Result { () throws(Failure) in
                    (try store.bytes(at: Int64(read.lowerBound), count: read.count), file.count)
                }
            }
        }
        for start in stride(from: 0, to: bytes.count, by: 300_000) {
            let piece = start..<min(start + 300_000, bytes.count)
            try bytes[piece].withUnsafeBytes { try file.write($0, at: Int64(start)) }
            file.grow(to: Int64(piece.upperBound))
        }
        file.complete()
        for (read, thread) in zip(reads, threads) {
            let (found, count) = try thread.join().get()
            #expect(found == Array(bytes[read]))
            #expect(count >= Int64(read.upperBound))
        }
        #expect(#expect(throws: Failure.self) { try store.bytes(at: (4 << 20) - 1, count: 2) }?.code == .outOfBounds)
    }

    @Test func `waiting readers get the decoder's own failure`() throws {
        let file = try GrowingFile(at: harness.scratch["growing"], size: 1 << 20)
        let store = GrowingStore(file, size: 1 << 20, name: "small.zip")
        let threads = try (0..<5).map { number in
            try WorkerThread { Result { () throws(Failure) in try store.bytes(at: Int64(number) << 16, count: 900) } }
        }
        file.abandon(.damagedArchive("small.zip", "wrong CRC-32"))
        for thread in threads {
            let failure = #expect(throws: Failure.self) { try thread.join().get() }
            #expect(failure?.message.contains("wrong CRC-32") == true)
        }
        let short = try GrowingFile(at: harness.scratch["short"], size: 1 << 20)
        short.grow(to: 1000)
        short.complete()
        let failure = #expect(throws: Failure.self) {
            try GrowingStore(short, size: 1 << 20, name: "small.zip").bytes(at: 0, count: 1001)
        }
        #expect(failure?.code == .truncatedArchive)
    }

    @Test func `an archive whose damage shows only at its end leaves nothing in the cache`() throws {
        _ = try pack()
        var archive = harness.scratch.read("small.zip")
        let directory = try #require(archive.indices.last { archive[$0...].starts(with: [0x50, 0x4B, 0x01, 0x02]) })
        archive[directory + 16] ^= 1
        harness.scratch.write(archive, to: "small.zip")
        let failure = #expect(throws: Failure.self) {
            // It may be known when this returns, or later.
            _ = try open("small.zip").finish()
        }
        #expect(failure?.code == .corruptArchive)
        #expect(failure?.message.contains("CRC") == true)
        #expect(harness.files == [])
    }

    @Test func `the source's checksum is verified first; another one may be the image's, or is wrong`() throws {
        let bytes = try pack()
        let opened = try open("small.zip", sha256: try harness.sha256("small.zip").uppercased())
        #expect(try opened.store.bytes(at: 0, count: bytes.count) == bytes)
        _ = try opened.finish()
        let inner = try harness.sha256("small.img")
        let image = try open("blocks.xz", sha256: inner)
        #expect(image.wasComplete, "an image with an unproved checksum was handed out")
        #expect(image.finished?.digest == inner)
        let before = harness.files
        for name in ["small.img", "small.img.xz"] {
            let failure = #expect(throws: Failure.self) { try open(name, sha256: String(repeating: "0", count: 64)) }
            #expect(failure?.code == .wrongChecksum)
        }
        #expect(harness.files == before)
    }

    @Test(arguments: ["small.img", "small.zip", "small.img.xz", "blocks.xz"])
    func `after a stop at any moment, the complete image is in the cache or nothing is left`(_ name: String) throws {
        let bytes = try pack()
        var random = SplitMix64(seed: 8)
        for round in 0..<12 {
            let opened = try open(name)
            let wanted = Int.random(in: 0...bytes.count, using: &random)
            #expect(try opened.store.bytes(at: 0, count: wanted) == Array(bytes[..<wanted]))
            if round % 4 == 0 { usleep(UInt32.random(in: 0...20_000, using: &random)) }
            opened.cancel()
            if let base = opened.finished {
                #expect(harness.files == ["\(base.digest).img", "\(base.digest).json"])
                try FileManager.default.removeItem(atPath: harness.scratch["cache"].string)
            } else {
                #expect(harness.files == [])
                #expect(!opened.wasComplete)
                #expect(#expect(throws: Failure.self) { try opened.finish() }?.code == .cancelled)
                #expect(throws: Failure.self) { try opened.check() }
                // A reader meets the reason, unless all its bytes had come.
                do throws(Failure) {
                    #expect(try opened.store.bytes(at: 0, count: bytes.count).elementsEqual(bytes))
                } catch {
                    #expect(error.code == .cancelled)
                }
            }
        }
    }

    @Test func `the user can stop unpacking`() throws {
        _ = try pack()
        let failure = #expect(throws: Failure.self) {
            _ = try open("small.zip", isCancelled: { true }).finish()
        }
        #expect(failure?.code == .cancelled)
        #expect(harness.files == [])
    }

    // MARK: The partition table

    /// The table as read while `bytes` are written in pieces of 4 MiB, and how many were written by then.
    private func table(_ bytes: [UInt8]) throws -> (PartitionTable, Int64) {
        let size = Int64(bytes.count)
        let file = try GrowingFile(at: harness.scratch["growing"], size: size)
        let image = ImageStream(
            UnpackingBeginning(file: file, size: size, packed: nil), of: "/some/image.zip", work: UnpackingWork())
        let reader = try WorkerThread {
            Result { () throws(Failure) in (try image.partitionTable(), image.available) }
        }
        var start = 0
        while start < bytes.count, reader.value(within: 1) == nil {
            let piece = start..<min(start + (4 << 20), bytes.count)
            try bytes[piece].withUnsafeBytes { try file.write($0, at: Int64(start)) }
            file.grow(to: Int64(piece.upperBound))
            start = piece.upperBound
        }
        file.complete()
        return try reader.join().get()
    }

    @Test func `the partition table is read when the beginning of the last partition is there`() throws {
        try SampleImage.hypriot.make(at: harness.sample)
        let bytes = harness.scratch.read("sample.img")
        let whole = try PartitionTable.read(harness.sample)
        let last = try #require(whole.partitions.last).range.lowerBound + (16 << 20)
        #expect(last < bytes.count)
        let file = try GrowingFile(at: harness.scratch["growing"], size: Int64(bytes.count))
        let image = ImageStream(
            UnpackingBeginning(file: file, size: Int64(bytes.count), packed: nil), of: "/some/image.zip",
            work: UnpackingWork())
        let reader = try WorkerThread { Result { () throws(Failure) in try image.partitionTable() } }
        try bytes[..<Int(last)].withUnsafeBytes { try file.write($0, at: 0) }
        file.grow(to: last)
        #expect(reader.value(within: 400) == whole)
        file.abandon(Failure(.cancelled, "the test is over"))
    }

    @Test(arguments: [
        // Logical partitions; the first table is at 8 MiB, the second one behind the first.
        "label: dos\nstart=2048, size=4096, type=c\nstart=16384, size=73728, type=f\nstart=18432, size=8192, type=83\nstart=65536, size=8192, type=83\n",
        "label: gpt\nstart=2048, size=4096\nstart=65536, size=8192\n",
    ])
    func `a table with late parts is read completely`(_ script: String) throws {
        harness.scratch.write([UInt8](repeating: 0, count: 48 << 20), to: "late.img")
        try harness.shell("printf '\(script.replacing("\n", with: "\\n"))' | sfdisk -q late.img")
        try harness.shell(
            "mkfs.ext4 -q p.img 3M && dd if=p.img of=late.img bs=1M seek=32 conv=notrunc status=none")
        let whole = try PartitionTable.read(harness.scratch["late.img"])
        #expect(whole.partitions.contains { $0.filesystem?.type == "ext4" })
        #expect(try table(harness.scratch.read("late.img")).0 == whole)
        guard whole.kind == .gpt else { return }
        // Its first copy is damaged: only the end of the image tells.
        try harness.shell("printf XXXX | dd of=late.img bs=1 seek=520 conv=notrunc status=none")
        let (backup, available) = try table(harness.scratch.read("late.img"))
        #expect(try backup == PartitionTable.read(harness.scratch["late.img"]))
        #expect(available == 48 << 20)
    }

    @Test func `an image without a partition table is refused, and named`() throws {
        let failure = #expect(throws: Failure.self) { try table([UInt8](repeating: 0, count: 20 << 20)) }
        #expect(failure?.code == .noPartitionTable)
        #expect(failure?.message.hasPrefix("/some/image.zip has no partition table") == true)
    }
}

extension WorkerThread {
    /// Its result, if there is one within so many rounds of 50 ms.
    fileprivate func value(within rounds: Int) -> Value? {
        var asked = 0
        let value = try? value {
            asked += 1
            return asked > rounds
        }
        return value ?? nil
    }
}
