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
        guard let directory = try ZipDirectory(of: ImageFile(opening: harness.scratch[name])),
            let entry = directory.entries.first(where: { $0.name == entry })
        else { return nil }
        return try directory.deflatedEntry(for: entry)
    }

    @Test(arguments: [
        "zip -q x.zip small.img", "echo a > README && zip -q x.zip README small.img", "zip -q -fd x.zip small.img",
        "zip -q x.zip small.img && printf 'PK\\005\\006 in a comment' | zip -q -z x.zip",
        "mkdir d && cp small.img d/Größe.img && mv d/Größe.img Größe.img && zip -q -9 x.zip small.img Größe.img",
    ]) func `a plain entry is found, with the data that zipinfo reports`(_ command: String) throws {
        try harness.shell(command)
        let found = try #require(try entry("x.zip"))
        #expect(found.size == Int64(600 * 512))
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
        // Twice the same name; another number of entries than the directory's end says, 10 bytes into it.
        "zip -q x.zip small.img && cp small.img tmall.img && zip -q x.zip tmall.img && sed -i s/tmall/small/g x.zip",
        "zip -q x.zip small.img && printf '\\002' | dd of=x.zip bs=1 seek=$(($(stat -c %s x.zip) - 12)) conv=notrunc",
    ]) func `entries that are not plain are left to libarchive`(_ command: String) throws {
        try harness.shell(command)
        #expect(try entry("x.zip") == nil)
    }

    @Test func `its entries are those that libarchive finds`() throws {
        try harness.shell(
            "mkdir -p d/e && cp small.img d/e/Größe.img && touch README && ln -s small.img link.img"
                + " && zip -q -y -r x.zip small.img d README link.img && LC_ALL=C.UTF-8 zip -q -y -r u.zip d README link.img"
                + " && zip -q -k dos.zip small.img README && zip -q -P secret s.zip small.img README")
        for name in ["x.zip", "u.zip", "dos.zip", "s.zip"] {
            let source = try ImageSource(harness.scratch[name])
            let found = try #require(try ZipDirectory(of: ImageFile(opening: source.path))).entries
            var reader = try ArchiveReader(source, members: true)
            var expected: [String: ArchiveEntry] = [:]
            while let entry = try reader.next() { expected[entry.name] = entry }
            #expect(found.count > 1 && found.map(\.name).sorted() == expected.keys.sorted(), "\(name)")
            for entry in found {
                let other = try #require(expected[entry.name])
                #expect(entry.isFile == other.isFile, "\(name): \(entry)")
                if entry.isFile { #expect(entry.size == other.size, "\(name): \(entry)") }
                if entry.isFile, entry.size != 0 {
                    #expect(entry.isEncrypted == other.isEncrypted, "\(name): \(entry)")
                }
            }
        }
    }

    @Test func `a directory that contradicts the entry's header is not used`() throws {
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

    @Test func `a damaged directory causes no crash`() throws {
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
