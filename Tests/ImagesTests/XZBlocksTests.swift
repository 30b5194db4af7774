import Diagnostics
@testable import Images
import Storage
import SystemPackage
import TestSupport
import Testing

/// .xz files decoded by several threads, with xz as the oracle.
@Suite struct XZBlocksTests {
    let harness = CacheHarness(empty: ())
    let image: [UInt8]
    init() { image = harness.makeSmallImage(sectors: 2000) }

    /// What the file `name` unpacks to, and with how many threads; nil if one thread is as fast.
    func unpack(_ name: String, processors: Int = 4) throws -> (bytes: [UInt8], threads: Int)? {
        guard let blocks = try XZBlocks(ImageSource(harness.scratch[name]), processors: processors) else { return nil }
        let file = try GrowingFile(at: harness.scratch["unpacked"])
        try blocks.unpack(to: file) { (_) throws(Failure) in }
        file.complete()
        try file.synchronize()
        let digest = try file.digest()
        #expect(try digest == harness.sha256("unpacked"))
        return (harness.scratch.read("unpacked"), blocks.threads)
    }

    static let packings: [(command: String, blocks: Int)] = [
        ("xz -0 --block-size=64KiB -c small.img > x.xz", 16),
        ("xz -6 --block-size=100001 -c small.img > x.xz", 11),
        ("xz -0 -C none --block-size=600KiB -c small.img > x.xz", 2),
        ("xz -0 -C crc32 --block-size=300KiB -c small.img > x.xz", 4),
        ("xz -0 -C crc64 --block-size=300KiB -c small.img > x.xz", 4),
        ("xz -0 -C sha256 --block-size=300KiB -c small.img > x.xz", 4),
        ("xz -0 --block-list=1,2,300000,4000,0 -c small.img > x.xz", 5),
        ("xz -0 --x86 --delta=dist=4 --lzma2=dict=64KiB --block-size=512KiB -c small.img > x.xz", 2),
        ("(head -c 1000 small.img | xz -6; tail -c +1001 small.img | xz -0 -C sha256) > x.xz", 2),
        (
            "(head -c 1000 small.img | xz; head -c 400 /dev/zero; xz </dev/null; tail -c +1001 small.img | xz"
                + " --block-size=600KiB -0; head -c 4 /dev/zero) > x.xz", 3
        ),
    ]

    @Test(arguments: packings.map(\.command)) func `blocks of every kind are unpacked in order`(_ command: String)
        throws
    {
        try harness.shell(command)
        let blocks = try #require(Self.packings.first { $0.command == command }?.blocks)
        #expect(try XZIndex(of: ImageFile(opening: harness.scratch["x.xz"]))?.blocks.count == blocks)
        let expected = try OutsideTool("xz").run(["-dc", harness.scratch["x.xz"].string]).output
        for processors in [2, 4, 16] {
            let found = try #require(try unpack("x.xz", processors: processors))
            #expect(found.bytes == image)
            #expect(found.bytes == expected)
            #expect(found.threads == min(processors, blocks, found.threads))
        }
    }

    @Test func `a single block, a single processor or a large dictionary use one thread`() throws {
        try harness.shell(
            "xz -kc small.img > one.xz && xz -0 --block-size=600KiB -c small.img > two.xz"
                + " && xz -9 --block-size=600KiB -c small.img > large.xz")
        #expect(try unpack("one.xz") == nil)
        #expect(try unpack("two.xz", processors: 1) == nil)
        #expect(try unpack("large.xz") == nil)
        #expect(try unpack("two.xz")?.threads == 2)
        #expect(try ImageSource(harness.scratch["one.xz"]).packing().blocks == 1)
        #expect(try ImageSource(harness.scratch["large.xz"]).packing() == .init(format: .xz, blocks: 2, threads: 1))
    }

    @Test func `blocks that need more memory than the first one wait for each other`() throws {
        try harness.shell(
            "(head -c 1000 small.img | xz -0; for at in 1 2 3 4; do"
                + " tail -c +1001 small.img | tail -c +$((at * 200000 - 199999)) | head -c 200000 | xz -9; done;"
                + " tail -c +801001 small.img | xz -0) > x.xz")
        #expect(try unpack("x.xz")?.bytes == image)
    }

    @Test func `random damage is found, or does no harm`() throws {
        try harness.shell("xz -0 --block-size=200KiB -k small.img")
        let whole = harness.scratch.read("small.img.xz")
        var random = SplitMix64(seed: 5)
        var found = 0
        for round in 0..<120 {
            var bytes = whole
            // Every other one near the end, where the index is.
            let lowest = round % 2 == 0 ? 6 : whole.count - 120
            bytes[Int.random(in: lowest..<whole.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            harness.scratch.write(bytes, to: "damaged.xz")
            do {
                // Nil: left to libarchive, which has its own tests.
                guard let unpacked = try unpack("damaged.xz") else { continue }
                #expect(unpacked.bytes == image, "round \(round)")
            } catch let failure as Failure {
                found += 1
                #expect(failure.code == .corruptArchive, "round \(round): \(failure)")
            }
        }
        #expect(found > 30)
    }

    @Test func `an archive that is truncated anywhere has no index`() throws {
        try harness.shell("xz -0 --block-size=200KiB -k small.img")
        let whole = harness.scratch.read("small.img.xz")
        for cut in Set(1...40).union(stride(from: 41, to: whole.count - 12, by: 5003)) {
            harness.scratch.write(Array(whole.dropLast(cut)), to: "cut.xz")
            #expect(try XZIndex(of: ImageFile(opening: harness.scratch["cut.xz"])) == nil, "\(cut)")
        }
    }

    @Test func `work that is stopped ends all threads, with the reason`() throws {
        try harness.shell(
            "for i in 1 2 3 4 5 6 7 8; do cat small.img small.img; done > big && xz -1 --block-size=1MiB big")
        let blocks = try #require(try XZBlocks(ImageSource(harness.scratch["big.xz"]), processors: 4))
        let file = try GrowingFile(at: harness.scratch["unpacked"])
        let failure = #expect(throws: Failure.self) {
            try blocks.unpack(to: file) { (_) throws(Failure) in throw Failure(.cancelled, "stopped") }
        }
        #expect(failure?.message == "stopped")
        #expect(file.count < 16 * 2000 * 512)
    }
}
