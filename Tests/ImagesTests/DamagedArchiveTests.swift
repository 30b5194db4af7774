import Diagnostics
import Foundation
import Images
import Storage
import SystemPackage
import TestSupport
import Testing

/// What the archive formats promise, tested byte by byte on small archives, without reading the partition table.
@Suite struct DamagedArchiveTests {
    let harness = CacheHarness(empty: ())
    let image: [UInt8]
    init() { image = harness.makeSmallImage() }

    static let packers = [
        "zip": "zip -q small.zip small.img", "stored.zip": "zip -q -0 small.stored.zip small.img",
        "streamed.zip": "cat small.img | zip -q - - > small.streamed.zip", "xz": "xz -c small.img > small.xz",
        "blocks.xz": "xz -c -0 --block-size=64KiB small.img > small.blocks.xz",
        "twice.xz": "(head -c 100000 small.img | xz; tail -c +100001 small.img | xz) > small.twice.xz",
        "streams.xz": "(head -c 100000 small.img | xz -0 --block-size=32KiB; head -c 8 /dev/zero;"
            + " tail -c +100001 small.img | xz -0 -C sha256) > small.streams.xz",
        "gz": "gzip -c small.img > small.gz",
        "twice.gz": "(head -c 100000 small.img | gzip; tail -c +100001 small.img | gzip) > small.twice.gz",
        "bz2": "bzip2 -c small.img > small.bz2",
        "twice.bz2": "(head -c 100000 small.img | bzip2; tail -c +100001 small.img | bzip2) > small.twice.bz2",
        "zst": "zstd -q -c small.img > small.zst", "lz4": "lz4 -q -c small.img > small.lz4",
        "7z": "7z a -bd small.7z small.img", "tar.gz": "tar czf small.tar.gz small.img",
        "tar.xz": "echo a > README && tar cJf small.tar.xz README small.img",
    ]
    static let endings = packers.keys.sorted()

    func pack(_ ending: String) throws -> [UInt8] {
        try harness.shell(Self.packers[ending] ?? "false")
        return harness.scratch.read("small.\(ending)")
    }

    @Test(arguments: endings) func `an archive cut at any place never becomes an image`(_ ending: String) throws {
        let whole = try pack(ending)
        #expect(try harness.unpack(harness.scratch["small.\(ending)"]).size == Int64(image.count))
        try FileManager.default.removeItem(atPath: harness.scratch["cache"].string)
        let cuts = Set(0..<25).union((1...25).map { whole.count - $0 })
            .union(stride(from: 25, to: whole.count - 25, by: max(1, whole.count / 30)))
        for cut in cuts.sorted() {
            let path = harness.scratch.write(Array(whole.prefix(cut)), to: "cut")
            do {
                let size = try harness.unpack(path).size
                Issue.record("\(ending), \(cut) of \(whole.count) bytes: unpacked to \(size)")
            } catch let failure {
                #expect(
                    [.truncatedArchive, .corruptArchive, .notAnImage].contains(failure.code),
                    "\(ending), \(cut) bytes: \(failure)")
                #expect(failure.hint != nil, "\(ending), \(cut) bytes: \(failure)")
            }
        }
        #expect(harness.files == [])
    }

    /// A flip in the archive's metadata (a time, a name) may do no harm; any other must be found.
    @Test(arguments: endings) func `a flipped bit never changes the image`(_ ending: String) throws {
        let whole = try pack(ending)
        let digest = try harness.sha256("small.img")
        var found = 0
        let places = Set(0..<30).union((1...25).map { whole.count - $0 })
            .union(stride(from: 30, to: whole.count - 25, by: max(1, whole.count / 40)))
        for place in places.sorted() {
            var bytes = whole
            bytes[place] ^= 1 << UInt8(place % 8)
            let path = harness.scratch.write(bytes, to: "flipped")
            do { #expect(try harness.unpack(path).digest == digest, "\(ending), byte \(place)") } catch let failure {
                found += 1
                #expect(failure.code != .system, "\(ending), byte \(place): \(failure)")
            }
        }
        #expect(found > places.count / 2)
        #expect(harness.files.filter { $0.hasSuffix(".img") }.count <= 1)
    }

    @Test func `bytes after the end of a stream are refused`() throws {
        for (ending, _) in Self.packers where !["zip", "gz", "7z"].contains(where: ending.hasSuffix) {
            let path = harness.scratch.write(try pack(ending) + Array("<html>".utf8), to: "longer")
            let code = #expect(throws: Failure.self) { try harness.unpack(path) }?.code
            #expect([.corruptArchive, .truncatedArchive].contains(code), "\(ending)")
        }
    }
}
