import Diagnostics
import Foundation
import Host
@testable import Images
import Storage
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Several runs, killed runs, full disks and damaged files.
@Suite struct SharedCacheTests {
    let harness = CacheHarness(empty: ())
    init() { harness.makeSmallImage() }

    var images: FilePath { harness.scratch["cache/piflash/images"] }

    /// The key under which a source is locked.
    func key(_ path: FilePath) -> String { Data(path.string.utf8).sha256 }

    /// The lock at `path`.
    func held(_ path: FilePath) throws -> FileLock {
        let directory = try #require(try PrivateDirectory.open(path.removingLastComponent()))
        let name = try #require(path.lastComponent?.string)
        return try whenNoChildHoldsIt { try FileLock.take(name, in: directory, .exclusive) }
    }

    @Test func `two sources of one image share it, also while it is in use`() throws {
        try harness.shell("xz -k small.img && gzip -k small.img")
        let first = try harness.unpack(harness.scratch["small.img.xz"])
        let inode = try first.path.stat().inode
        let second = try harness.unpack(harness.scratch["small.img.gz"])
        #expect(first.path == second.path)
        #expect(try second.path.stat().inode == inode)
        #expect(harness.files == ["\(first.digest).img", "\(first.digest).json"])
        #expect(first.sourceDigest != second.sourceDigest)
    }

    @Test func `only the user can read the cache, and nobody writes an image`() throws {
        let image = try harness.unpack(harness.scratch["small.img"])
        #expect(try image.path.stat().permissions == [.ownerRead])
        for directory in [images, harness.scratch["cache/piflash/sources"]] {
            #expect(try directory.stat().permissions == [.ownerReadWriteExecute])
        }
    }

    @Test func `a raw image is copied, so that nobody changes it while cards are written`() throws {
        let image = try harness.unpack(harness.scratch["small.img"])
        harness.scratch.write([UInt8](repeating: 0, count: 1024), to: "small.img")
        #expect(try image.store.bytes(at: 510, count: 2) == [0x55, 0xAA])
        #expect(image.size == 600 * 512)
    }

    @Test func `a run waits for another run on the same source, and can be stopped meanwhile`() throws {
        _ = try harness.unpack(harness.scratch["small.img"])
        let lockPath = harness.scratch["cache/piflash/sources/\(key(harness.scratch["small.img"])).lock"]
        let other = try held(lockPath)
        harness.events.withLock { $0 = [] }
        let harness = harness
        let failure = #expect(throws: Failure.self) {
            try harness.cache().image(
                at: harness.scratch["small.img"], sha256: nil, validate: { (_, _) throws(Failure) in },
                events: { event in harness.events.withLock { $0.append(event) } },
                isCancelled: { harness.events.withLock { !$0.isEmpty } })
        }
        #expect(failure?.code == .cancelled)
        #expect(harness.events.withLock { $0 } == [.waiting])
        withExtendedLifetime(other) {}
    }

    @Test func `another process's lock is honoured`() throws {
        let path = harness.scratch["small.img"]
        _ = try harness.unpack(path)
        let lockPath = harness.scratch["cache/piflash/sources/\(key(path)).lock"]
        let harness = harness
        Thread {
            try? harness.shell("(flock 9; echo > locked; sleep 1; echo > unlocked) 9>'\(lockPath)'")
        }.start()
        for _ in 1...500 where access(harness.scratch["locked"].string, F_OK) != 0 { usleep(10_000) }
        var events: [ImageEvent] = []
        _ = try harness.cache().image(
            at: path, sha256: nil, validate: { (_, _) throws(Failure) in }, events: { events.append($0) },
            isCancelled: { false })
        #expect(events == [.waiting])
        #expect(access(harness.scratch["unlocked"].string, F_OK) == 0)
    }

    @Test func `files of killed runs are removed, and files of a running one are not`() throws {
        _ = try harness.unpack(harness.scratch["small.img"])
        harness.scratch.write("half", to: "cache/piflash/images/dead.part")
        harness.scratch.write("half", to: "cache/piflash/images/alive.part")
        let living = try held(harness.scratch["cache/piflash/sources/alive.lock"])
        _ = try harness.unpack(harness.scratch["small.img"])
        #expect(harness.files.filter { $0.hasSuffix(".part") } == ["alive.part"])
        withExtendedLifetime(living) {}
    }

    @Test func `an image with records that a crash has damaged is unpacked again`() throws {
        let path = harness.scratch["small.img"]
        let digest = try harness.unpack(path).digest
        let note = "cache/piflash/images/\(digest).json"
        try FileManager.default.removeItem(atPath: harness.scratch[note].string)
        #expect(try harness.unpack(path).digest == digest)
        for torn in [note, "cache/piflash/sources/\(key(path)).json"] {
            let whole = harness.scratch.read(torn)
            harness.scratch.write(Array(whole.prefix(20)), to: torn)
            #expect(try harness.unpack(path).digest == digest)
            #expect(harness.scratch.read(torn).count >= whole.count - 2)
        }
    }

    @Test func `a refused image leaves nothing, and is validated again the next time`() throws {
        for _ in 1...2 {
            let failure = #expect(throws: Failure.self) {
                try harness.cache().image(
                    at: harness.scratch["small.img"], sha256: nil,
                    validate: { (_, _) throws(Failure) in throw Failure(Failure.Code("test.refused"), "no") },
                    events: { _ in },
                    isCancelled: { false })
            }
            #expect(failure?.code.rawValue == "test.refused")
            #expect(harness.files == [])
        }
    }

    @Test func `a source that changes while it is unpacked is not trusted`() throws {
        let path = harness.scratch["small.img"]
        let failure = #expect(throws: Failure.self) {
            try harness.cache().image(
                at: path, sha256: nil,
                validate: { (_, _) throws(Failure) in harness.scratch.write("other", to: "small.img") },
                events: { _ in }, isCancelled: { false })
        }
        #expect(failure?.message.contains("changed while it was unpacked") == true)
        #expect(harness.files == [])
    }

    @Test func `the file system is not filled: what cannot fit is refused, and costs no other image`() throws {
        try harness.shell("xz -k small.img")
        let old = try harness.unpack(harness.scratch["small.img"]).digest
        let files = harness.files
        #expect(files.contains("\(old).img"))
        let failure = #expect(throws: Failure.self) {
            try harness.unpack(harness.scratch["small.img.xz"], reserve: .max / 2)
        }
        #expect(failure?.code == .cacheFull)
        #expect(failure?.hint?.contains("XDG_CACHE_HOME") == true)
        #expect(harness.files == files)
    }

    /// A cache in a file system of 16 MiB, with an image of 6 MiB in it.
    private func withSmallCache(_ body: (_ old: String) throws -> Void) throws {
        let cache = harness.scratch["cache"].string
        try harness.shell("mkdir cache && mount -t tmpfs -o size=16m,mode=700 small '\(cache)'")
        defer { try? harness.shell("umount '\(cache)'") }
        harness.makeSmallImage(sectors: 6 << 11)
        try body(try harness.unpack(harness.scratch["small.img"]).digest)
    }

    @Test(arguments: ["gz", "bz2", "zst", "xz", "zip"])
    func `an image that unpacks to more than there is room for costs no other image`(_ ending: String) throws {
        try withSmallCache { old in
            // A boot sector, and 100 MiB of anything but zeros.
            try harness.shell(
                "(head -c 510 /dev/zero; printf '\\125\\252'; head -c 100M /dev/zero | tr '\\0' x) > bomb.img"
                    + " && \(Self.packing(ending, "bomb.img"))")
            let failure = #expect(throws: Failure.self) { try harness.unpack(harness.scratch["bomb.img.\(ending)"]) }
            #expect(failure?.code == .cacheFull)
            #expect(harness.files == ["\(old).img", "\(old).json"])
        }
    }

    @Test(arguments: ["gz", "bz2", "zst", "xz", "zip"])
    func `what is no image costs no other image, however long it is`(_ ending: String) throws {
        try withSmallCache { old in
            try harness.shell(
                "head -c 100M /dev/zero | tr '\\0' x > film.img && \(Self.packing(ending, "film.img"))")
            #expect(throws: Failure.self) { try harness.unpack(harness.scratch["film.img.\(ending)"]) }
            #expect(harness.files == ["\(old).img", "\(old).json"])
        }
    }

    @Test(arguments: ["gz", "xz", "zip", "img"])
    func `for an image that fits, the images that are not used make room`(_ ending: String) throws {
        try withSmallCache { old in
            var bytes = harness.makeSmallImage(sectors: 12 << 11)
            bytes[20_000] = 1
            harness.scratch.write(bytes, to: "big.img")
            if ending != "img" { try harness.shell(Self.packing(ending, "big.img")) }
            let image = try harness.unpack(harness.scratch[ending == "img" ? "big.img" : "big.img.\(ending)"])
            #expect(try image.store.bytes(at: 0, count: bytes.count) == bytes)
            #expect(!harness.files.contains("\(old).img"))
        }
    }

    private static func packing(_ ending: String, _ name: String) -> String {
        switch ending {
        case "gz": "gzip -1 \(name)"
        case "bz2": "bzip2 -1 \(name)"
        case "zst": "zstd -q --rm \(name)"
        case "xz": "xz -0 \(name)"
        default: "zip -q -1 -m \(name).zip \(name)"
        }
    }

    @Test func `a full disk is reported as full`() throws {
        // /dev/full answers every write with ENOSPC (full(4)).
        let writer = try StreamWriter(to: GrowingFile(at: "/dev/full"))
        let failure = #expect(throws: Failure.self) {
            try [UInt8](repeating: 1, count: 1 << 20).withUnsafeBytes { try writer.append($0) }
            try writer.finish()
        }
        #expect(failure?.code == .cacheFull)
        #expect(failure?.hint?.contains("XDG_CACHE_HOME") == true)
    }

    @Test func `holes that an archive leaves out read as zeros, and count in the digest`() throws {
        let file = try GrowingFile(at: harness.scratch["sparse"])
        let writer = try StreamWriter(to: file)
        try [UInt8]("head".utf8).withUnsafeBytes { try writer.append($0) }
        try writer.skip(to: 5_000_000)
        try [UInt8]("tail".utf8).withUnsafeBytes { try writer.append($0) }
        try writer.finish()
        file.complete()
        let digest = try file.digest()
        try file.synchronize()
        try harness.shell("printf head > dense && truncate -s 5000000 dense && printf tail >> dense")
        #expect(try OutsideTool("cmp").run([harness.scratch["dense"].string, file.path.string]).succeeded)
        #expect(try digest == harness.sha256("dense"))
        #expect(try file.path.stat().sizeAllocated <= 2 * 65536)
        #expect(writer.head.count == StreamWriter.headSize)
    }
}
