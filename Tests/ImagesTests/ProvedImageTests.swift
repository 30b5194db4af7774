import Diagnostics
import Foundation
import Host
@testable import Images
import Storage
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// What leaves the cache is what was unpacked into it, or nothing.
@Suite struct ProvedImageTests {
    let harness = CacheHarness(empty: ())
    let bytes: [UInt8]

    /// Several chunks, and a part of one.
    init() throws {
        bytes = harness.makeSmallImage(sectors: 4 * 512 + 100)
        try harness.shell("gzip -k small.img")
    }

    private var source: FilePath { harness.scratch["small.img.gz"] }

    /// Changes a byte of the file at `path` as a dying disk does: size and times stay.
    private func rot(_ path: FilePath, at offset: Int) throws {
        try harness.shell(
            "touch -r '\(path)' stamp && chmod 600 '\(path)' && printf x"
                + " | dd of='\(path)' bs=1 seek=\(offset) conv=notrunc status=none && touch -r stamp '\(path)'"
                + " && chmod 400 '\(path)'")
    }

    private func all(_ image: Image) throws -> [UInt8] { try image.store.bytes(at: 0, count: Int(image.size)) }

    @Test func `all ways to read give the bytes of the image`() throws {
        let image = try harness.unpack(source)
        #expect(try all(image) == bytes)
        var random = SplitMix64(seed: 7)
        for _ in 0..<200 {
            let start = Int(random.next() % UInt64(bytes.count))
            let count = Int(random.next() % UInt64(min(bytes.count - start, 700_000))) + 1
            let range = start..<min(start + count, bytes.count)
            #expect(try image.store.bytes(at: Int64(start), count: range.count).elementsEqual(bytes[range]))
        }
        #expect(throws: Failure.self) { try image.store.bytes(at: image.size - 1, count: 2) }
    }

    @Test(arguments: [0, 9999, (256 << 10) - 1, 256 << 10, 700_000, 4 * 512 * 512 + 99 * 512])
    func `a cached image that rots is unpacked again, and nobody sees the wrong byte`(_ place: Int) throws {
        let first = try harness.unpack(source)
        let (path, inode) = (first.path, try first.path.stat().inode)
        try rot(path, at: place)
        let image = try harness.unpack(source)
        #expect(try image.store.path.stat().inode == inode, "nothing shows on the outside")
        #expect(try image.store.bytes(at: Int64(place), count: 1) == [bytes[place]])
        #expect(try all(image) == bytes)
        #expect(try OutsideTool("cmp").run([harness.scratch["small.img"].string, path.string]).succeeded)
        #expect(try path.stat().inode != inode)
        // The run that had it open is not wrong either.
        #expect(try all(first) == bytes)
        #expect(harness.files == ["\(image.digest).img", "\(image.digest).json"])
    }

    @Test func `what rots after it was proved is found when it is read again`() throws {
        let image = try harness.unpack(source)
        #expect(try all(image) == bytes)
        try rot(image.path, at: 300_000)
        #expect(try all(image) == bytes)
    }

    @Test func `an image that rots without its source is a failure, and is not used again`() throws {
        let image = try harness.unpack(source)
        let stamped = try source.stat()
        try rot(image.path, at: 300_000)
        try harness.shell("mv small.img.gz elsewhere")
        let failure = #expect(throws: Failure.self) { try all(image) }
        #expect(failure?.code == .corruptCache)
        #expect(failure?.message.contains("was damaged") == true && failure?.hint != nil)
        #expect(throws: Failure.self) { try image.store.bytes(at: 300_000, count: 1) }
        #expect(try image.store.bytes(at: 0, count: 512).elementsEqual(bytes[..<512]))
        try harness.shell("mv elsewhere small.img.gz")
        #expect(try source.stat().inode == stamped.inode)
        #expect(try all(harness.unpack(source)) == bytes)
    }

    @Test func `an image that rots after its source was replaced by another is a failure`() throws {
        let image = try harness.unpack(source)
        try rot(image.path, at: 300_000)
        try harness.shell("printf other > small.img.gz")
        #expect(#expect(throws: Failure.self) { try all(image) }?.code == .corruptCache)
    }

    @Test func `many readers of a rotten image unpack it once, and all get the right bytes`() async throws {
        let image = try harness.unpack(source)
        for place in [100, 300_000, 800_000] { try rot(image.path, at: place) }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 { group.addTask { try all(image) == bytes } }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(harness.files == ["\(image.digest).img", "\(image.digest).json"])
    }

    @Test func `a damaged partition table is unpacked again before it is believed`() throws {
        let harness = try CacheHarness()
        try harness.shell("gzip -k sample.img")
        let path = harness.scratch["sample.img.gz"]
        let first = try harness.image(path)
        let table = try first.partitionTable()
        // The first sector of the second partition, in the MBR's second entry.
        for (place, byte) in [(446 + 16 + 8, "\\001"), (446 + 16 + 9, "\\377")] {
            try harness.shell(
                "touch -r '\(first.path)' stamp && chmod 600 '\(first.path)' && printf '\(byte)'"
                    + " | dd of='\(first.path)' bs=1 seek=\(place) conv=notrunc status=none"
                    + " && touch -r stamp '\(first.path)' && chmod 400 '\(first.path)'")
        }
        let again = try harness.image(path)
        #expect(try again.partitionTable() == table)
        #expect(try harness.isSample(again))
        #expect(try ImageStream(again).partitionTable() == table)
    }

    @Test func `an entry that somebody else has made is refused, and so is a cache`() throws {
        let image = try harness.unpack(source)
        let note = "cache/piflash/images/\(image.digest).json"
        // A record of somebody else's is not read: the image is unpacked again.
        #expect(chown(harness.scratch[note].string, 4242, 4242) == 0)
        try rot(image.path, at: 300_000)
        #expect(try all(harness.unpack(source)) == bytes)
        #expect(try harness.scratch[note].stat().userID.rawValue == geteuid())
        #expect(chown(image.path.string, 4242, 4242) == 0)
        let theirs = #expect(throws: Failure.self) { try harness.unpack(source) }
        #expect(theirs?.severity == .refused && theirs?.message.contains("belongs to user 4242") == true)
        for directory in ["cache/piflash/images", "cache/piflash/sources", "cache/piflash"] {
            #expect(chown(harness.scratch[directory].string, 4242, 4242) == 0)
            let failure = #expect(throws: Failure.self) { try harness.unpack(source) }
            #expect(failure?.severity == .refused && failure?.message.contains(directory) == true)
            #expect(failure?.hint?.contains("XDG_CACHE_HOME") == true)
            #expect(chown(harness.scratch[directory].string, geteuid(), getegid()) == 0)
            #expect(chmod(harness.scratch[directory].string, 0o777) == 0)
            #expect(#expect(throws: Failure.self) { try harness.unpack(source) }?.severity == .refused)
            #expect(chmod(harness.scratch[directory].string, 0o700) == 0)
        }
    }

    @Test func `a cache of an older piflash, which has no digests of chunks, is unpacked again`() throws {
        let image = try harness.unpack(source)
        let note = harness.scratch["cache/piflash/images/\(image.digest).json"]
        let old = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: note.string)))
        var fields = try #require(old as? [String: Any])
        fields["chunks"] = nil
        try JSONSerialization.data(withJSONObject: fields).write(to: URL(fileURLWithPath: note.string))
        #expect(chmod(note.string, 0o600) == 0)
        #expect(try all(harness.unpack(source)) == bytes)
        #expect(harness.scratch.read("cache/piflash/images/\(image.digest).json").count > 200)
    }
}
