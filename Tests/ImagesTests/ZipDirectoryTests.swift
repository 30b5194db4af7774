import Diagnostics
@testable import Images
import Storage
import SystemPackage
import TestSupport
import Testing

/// Which entries are inflated here, and which are left to libarchive.
@Suite struct ZipDirectoryTests {
    let harness = CacheHarness(empty: ())
    init() { harness.makeSmallImage() }

    func entry(_ name: String, named entry: String = "small.img") throws -> ZipDirectory.DeflatedEntry? {
        try ZipDirectory(of: ImageFile(opening: harness.scratch[name]))?.deflatedEntry(named: entry, size: 600 * 512)
    }

    @Test(arguments: [
        "zip -q x.zip small.img", "echo a > README && zip -q x.zip README small.img", "zip -q -fd x.zip small.img",
        "zip -q x.zip small.img && printf 'PK\\005\\006 in a comment' | zip -q -z x.zip",
        "mkdir d && cp small.img d/Größe.img && mv d/Größe.img Größe.img && zip -q -9 x.zip small.img Größe.img",
    ]) func `a plain entry is found, and its data is what the directory says`(_ command: String) throws {
        try harness.shell(command)
        let found = try #require(try entry("x.zip"))
        #expect(found.size == 600 * 512)
        // zipinfo as the oracle: "… CRC-32 … compressed size".
        let listing = try OutsideTool("zipinfo").run(["-v", harness.scratch["x.zip"].string, "small.img"]).text
        #expect(listing.contains(String(found.checksum, radix: 16)))
        #expect(listing.contains("\(found.range.count) bytes"))
    }

    @Test(arguments: [
        "zip -q -0 x.zip small.img", "zip -q -P secret x.zip small.img", "zip -q -fz x.zip small.img",
        "cat small.img | zip -q x.zip -", "cp small.img other.img && zip -q x.zip other.img",
        // Something between the directory and its end, and after it.
        "zip -q x.zip small.img && printf more >> x.zip",
        // Of another size than libarchive has found.
        "truncate -s 1M small.img && zip -q x.zip small.img",
    ]) func `what is not plain is left to libarchive`(_ command: String) throws {
        try harness.shell(command)
        #expect(try entry("x.zip") == nil)
    }

    @Test func `a directory that contradicts the entry's header is not believed`() throws {
        try harness.shell("zip -q x.zip small.img")
        let whole = harness.scratch.read("x.zip")
        #expect(try entry("x.zip") != nil)
        // In the header: flags, method, length of the name, the name; its signature.
        for place in [6, 8, 26, 30, 0] {
            var bytes = whole
            bytes[place] ^= 8
            harness.scratch.write(bytes, to: "contradiction.zip")
            #expect(try entry("contradiction.zip") == nil, "byte \(place)")
        }
    }

    @Test func `any archive at all can be looked at`() throws {
        try harness.shell("zip -q x.zip small.img")
        let whole = harness.scratch.read("x.zip")
        let directory = whole.count - 22 - 46 - 30
        var random = SplitMix64(seed: 21)
        for _ in 0..<300 {
            var bytes = whole
            for _ in 0..<3 {
                bytes[Int.random(in: directory..<whole.count, using: &random)] =
                    [0, 0xFF, 0x7F].randomElement(using: &random) ?? 0
            }
            harness.scratch.write(bytes, to: "any.zip")
            if let found = try entry("any.zip") {
                #expect(found.range.lowerBound >= 0 && found.range.upperBound <= Int64(whole.count))
            }
        }
    }
}
