import Diagnostics
import Filesystems
import Foundation
import Images
import Storage
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct ImageCacheTests {
    let harness: CacheHarness
    init() throws { harness = try CacheHarness() }

    static let packings: [(name: String, command: String)] = [
        ("sample.img.zip", "zip -q -1 sample.img.zip sample.img"),
        ("zip64.zip", "zip -q -1 -fz zip64.zip sample.img"),
        (
            "streamed.zip",
            "cat sample.img | zip -q -1 > streamed.zip && printf '@ -\\n@=sample.img\\n' | zipnote -w streamed.zip"
        ),
        ("sample.img.xz", "xz -k -0 sample.img"),
        ("blocks.xz", "xz -c -0 --block-size=8MiB sample.img > blocks.xz"),
        ("sample.img.gz", "gzip -k -1 sample.img"),
        ("sample.img.bz2", "bzip2 -k -1 sample.img"),
        ("sample.img.zst", "zstd -q -1 -k sample.img"),
        ("misnamed.zip", "xz -c -0 sample.img > misnamed.zip"),
        ("sample.img", "true"),
    ]

    /// Packs the sample image, as the command of that name does.
    private func pack(_ name: String) throws {
        let command = try #require(Self.packings.first { $0.name == name }?.command)
        guard name != "sample.img" else { return }
        try SharedFiles.copy("packed \(name)", to: harness.scratch[name]) { path in
            try CacheHarness().shell("\(command) && mv \(name) '\(path)'")
        }
    }

    @Test(arguments: packings.map(\.name))
    func `each format unpacks to the image, byte for byte and sparse`(_ name: String) throws {
        try pack(name)
        let image = try harness.image(harness.scratch[name])
        #expect(try harness.isSample(image))
        #expect(try image.digest == harness.sha256("sample.img"))
        #expect(try image.sourceDigest == harness.sha256(name))
        #expect(try image.path.stat().sizeAllocated < 20 << 20)
    }

    @Test func `a second run does not unpack again, unless the source was touched`() throws {
        try pack("sample.img.zip")
        let path = harness.scratch["sample.img.zip"]
        let first = try harness.image(path).digest
        #expect(harness.unpacked)
        #expect(try harness.image(path).digest == first)
        #expect(!harness.unpacked)
        try harness.shell("touch sample.img.zip")
        #expect(try harness.image(path).digest == first)
        #expect(harness.unpacked)
    }

    @Test func `an entry that was damaged in the cache is not used`() throws {
        try pack("sample.img.gz")
        let path = harness.scratch["sample.img.gz"]
        let stored = try harness.image(path).path
        chmod(stored.string, 0o600)
        let file = try FileDescriptor.open(stored, .writeOnly)
        try file.closeAfter { _ = try file.writeAll(toAbsoluteOffset: 5_000_000, [1, 2, 3]) }
        let again = try harness.image(path)
        #expect(harness.unpacked)
        #expect(try harness.isSample(again))
    }

    @Test(arguments: ["zip", "xz", "gz", "bz2", "zst"], [0.05, 0.4, 0.7, 0.95, 0.999])
    func `a truncated archive never becomes an image`(_ ending: String, _ part: Double) throws {
        try pack("sample.img.\(ending)")
        let whole = harness.scratch.read("sample.img.\(ending)")
        let path = harness.scratch.write(Array(whole.prefix(Int(Double(whole.count) * part))), to: "cut")
        let failure = #expect(throws: Failure.self) { try harness.image(path) }
        #expect(failure?.hint != nil)
        #expect(harness.files == [])
    }

    @Test(arguments: ["zip", "xz", "gz", "bz2", "zst"])
    func `a flipped byte in the data is found`(_ ending: String) throws {
        // Hard to compress, so that the flipped byte is in the data and not in a header.
        try harness.shell("dd if=/dev/urandom of=sample.img bs=1M seek=20 count=4 conv=notrunc status=none")
        try harness.shell(Self.packings.first { $0.name == "sample.img.\(ending)" }?.command ?? "false")
        var bytes = harness.scratch.read("sample.img.\(ending)")
        bytes[bytes.count / 2] ^= 0x10
        let path = harness.scratch.write(bytes, to: "flipped")
        let failure = #expect(throws: Failure.self) { try harness.image(path) }
        #expect([.corruptArchive, .truncatedArchive].contains(failure?.code))
        #expect(harness.files == [])
    }

    @Test func `an encrypted archive is refused as such`() throws {
        try harness.shell("zip -q -1 -P secret locked.zip sample.img")
        #expect(
            #expect(throws: Failure.self) { try harness.image(harness.scratch["locked.zip"]) }?.code
                == .encryptedArchive)
    }

    @Test(arguments: [
        ("<!DOCTYPE html><html>Not found</html>", "web page"), ("", "empty"), ("just some text\n", "text file"),
    ])
    func `a file that is not an image is refused, and named for what it is`(_ contents: String, _ called: String) throws
    {
        let path = harness.scratch.write(contents, to: "download.img.zip")
        let failure = #expect(throws: Failure.self) { try harness.image(path) }
        #expect(failure?.code == .notAnImage)
        #expect(failure?.message.contains(called) == true)
    }

    @Test func `a compressed file that is not a disk image is refused`() throws {
        try harness.shell("tar cf x.tar recipe 2>/dev/null; seq 100000 > text && gzip -k text && zip -q text.zip text")
        for name in ["text.gz", "text.zip"] {
            let failure = #expect(throws: Failure.self) { try harness.image(harness.scratch[name]) }
            #expect(failure?.hint != nil)
        }
        #expect(harness.files == [])
    }

    @Test func `the only disk image among several entries is chosen, and two are refused`() throws {
        try harness.shell(
            "echo read me > README.txt && mkdir -p __MACOSX && echo x > __MACOSX/._sample.img"
                + " && zip -q -1 one.zip README.txt __MACOSX/._sample.img sample.img"
                + " && cp sample.img other.img && zip -q -1 two.zip sample.img other.img && zip -q none.zip README.txt")
        #expect(try harness.isSample(harness.image(harness.scratch["one.zip"])))
        let two = #expect(throws: Failure.self) { try harness.image(harness.scratch["two.zip"]) }
        #expect(two?.code == .ambiguousArchive)
        #expect(two?.message.contains("\"other.img\"") == true)
        let none = #expect(throws: Failure.self) { try harness.image(harness.scratch["none.zip"]) }
        #expect(none?.message.contains("no disk image") == true)
    }

    @Test func `names that are not ASCII are read in any locale`() throws {
        try harness.shell("cp sample.img Größe.img && zip -q -1 named.zip Größe.img")
        #expect(try harness.isSample(harness.image(harness.scratch["named.zip"])))
    }

    @Test func `the recipe's checksum may be the archive's or the image's, and nothing else`() throws {
        try pack("sample.img.gz")
        let path = harness.scratch["sample.img.gz"]
        let wrong = String(repeating: "0", count: 64)
        #expect(#expect(throws: Failure.self) { try harness.image(path, sha256: wrong) }?.code == .wrongChecksum)
        #expect(harness.files == [])
        _ = try harness.image(path, sha256: harness.sha256("sample.img.gz").uppercased())
        _ = try harness.image(path, sha256: harness.sha256("sample.img"))
        #expect(!harness.unpacked)
        #expect(#expect(throws: Failure.self) { try harness.image(path, sha256: wrong) }?.code == .wrongChecksum)
    }

    @Test func `an image whose partitions run past its end is refused`() throws {
        try harness.shell("truncate -s 50M sample.img && gzip -k -1 sample.img")
        let failure = #expect(throws: Failure.self) { try harness.image(harness.scratch["sample.img.gz"]) }
        #expect(failure?.code == .partitionPastEnd)
        #expect(harness.files == [])
    }

    @Test(arguments: ["sample.img.gz", "sample.img.zip", "blocks.xz", "sample.img.bz2", "sample.img"], [0, 1, 3])
    func `stopping leaves nothing behind`(_ name: String, _ after: Int) throws {
        try pack(name)
        // Threads of their own decode these blocks: how often they ask depends on who is faster.
        let after = name == "blocks.xz" ? min(after, 1) : after
        let asked = Mutex(0)
        let failure = #expect(throws: Failure.self) {
            try harness.image(
                harness.scratch[name],
                isCancelled: {
                    asked.withLock {
                        $0 += 1
                        return $0 > after
                    }
                })
        }
        #expect(failure?.code == .cancelled)
        #expect(harness.files == [])
    }

    @Test func `what a killed run left is overwritten`() throws {
        try pack("sample.img.gz")
        _ = try harness.image(harness.scratch["sample.img.gz"])
        for name in harness.files {
            try FileManager.default.removeItem(atPath: harness.scratch["cache/piflash/images/\(name)"].string)
        }
        let key =
            try FileManager.default.contentsOfDirectory(atPath: harness.scratch["cache/piflash/sources"].string)
            .first { $0.hasSuffix(".json") }?.dropLast(5) ?? ""
        harness.scratch.write("half an image", to: "cache/piflash/images/\(key).part")
        #expect(try harness.isSample(harness.image(harness.scratch["sample.img.gz"])))
        #expect(!harness.files.contains { $0.hasSuffix(".part") })
    }

    @Test func `the image that was unused for longest is removed first, and one in use stays`() throws {
        try harness.shell("gzip -c -1 sample.img > a.gz")
        let used = try harness.image(harness.scratch["a.gz"])
        for name in ["b", "c"] {
            try harness.shell(
                "echo \(name) | dd of=sample.img bs=1 seek=90000000 conv=notrunc status=none; gzip -c -1 sample.img > \(name).gz"
            )
        }
        let b = try harness.image(harness.scratch["b.gz"]).digest
        // A limit that no image keeps: whatever is not in use goes.
        let c = try harness.image(harness.scratch["c.gz"], limit: 1)
        #expect(harness.files.filter { $0.hasSuffix(".img") } == ["\(c.digest).img", "\(used.digest).img"].sorted())
        #expect(harness.events.withLock { $0.contains(.evicted(digest: b)) })
        #expect(try used.store.bytes(at: 510, count: 2) == [0x55, 0xAA])
    }

    @Test func `simultaneous runs unpack an image only once`() async throws {
        try pack("sample.img.gz")
        let path = harness.scratch["sample.img.gz"]
        let cache = harness.cache()
        let unpackings = try await withThrowingTaskGroup(of: (Bool, String).self) { group in
            for _ in 0..<4 {
                group.addTask {
                    try await withCheckedThrowingContinuation { continuation in
                        Thread {
                            var unpacked = false
                            continuation.resume(
                                with: Result {
                                    let image = try cache.image(
                                        at: path, sha256: nil, validate: { (_, _) throws(Failure) in },
                                        events: { if case .unpacking = $0 { unpacked = true } }, isCancelled: { false })
                                    return (unpacked, image.digest)
                                })
                        }.start()
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(unpackings.filter(\.0).count == 1)
        #expect(Set(unpackings.map(\.1)).count == 1)
    }
}
