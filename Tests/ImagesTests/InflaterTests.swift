import Diagnostics
@testable import Images
import Storage
import SystemPackage
import TestSupport
import Testing

/// Both inflaters against gzip and zip, whichever of them piflash uses on this machine.
@Suite struct InflaterTests {
    enum Engine: String, CaseIterable {
        case fastest, zlib
        var type: any Inflater.Type { self == .fastest ? FastestInflater.self : ZlibInflater.self }
    }

    let harness = CacheHarness(empty: ())

    /// What all members of the gzip file `name` unpack to.
    func gunzip(_ name: String, _ engine: Engine) throws -> [UInt8] {
        try written { writer in
            _ = try GzipFile(ImageSource(harness.scratch[name])).unpack(to: writer, with: engine.type) {
                (_) throws(Failure) in
            }
        }
    }

    func written(_ body: (StreamWriter) throws -> Void) throws -> [UInt8] {
        let file = try GrowingFile(at: harness.scratch["unpacked"])
        let writer = try StreamWriter(to: file)
        do {
            try body(writer)
            try writer.finish()
        } catch {
            writer.stop()
            throw error
        }
        try file.synchronize()
        return harness.scratch.read("unpacked")
    }

    /// Bytes of which about half compress well.
    func mixed(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        var bytes: [UInt8] = []
        while bytes.count < count {
            let length = Int.random(in: 1...9000, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes += random.bytes(length)
            case 1: bytes += repeatElement(UInt8.random(in: 0...255, using: &random), count: length)
            default:
                let earlier = Array(bytes.suffix(length))
                bytes += earlier
            }
        }
        return Array(bytes.prefix(count))
    }

    @Test(
        arguments: Engine.allCases,
        [0, 1, 511, 32767, 32768, 65535, 65536, 262_143, 262_144, 1 << 20 - 1, 1 << 20, 1 << 20 + 1, 3_000_001])
    func `gzip files of any size are unpacked, stored or compressed`(_ engine: Engine, _ size: Int) throws {
        let bytes = mixed(size, seed: UInt64(size))
        harness.scratch.write(bytes, to: "plain")
        var random = SplitMix64(seed: 7)
        harness.scratch.write(random.bytes(size), to: "noise")
        try harness.shell("gzip -1 -k plain && gzip -9 -c plain > best.gz && gzip -1 -k noise")
        #expect(try gunzip("plain.gz", engine) == bytes)
        #expect(try gunzip("best.gz", engine) == bytes)
        #expect(try gunzip("noise.gz", engine) == harness.scratch.read("noise"))
    }

    /// Bytes that do not pack, so that each member's trailer falls on another place of the 256 KiB that are read at
    /// once.
    @Test(arguments: Engine.allCases) func `an end at any place of the input is found`(_ engine: Engine) throws {
        var random = SplitMix64(seed: 11)
        for size in stride(from: 262_144 - 64, to: 262_144 - 16, by: 1) {
            let bytes = random.bytes(size)
            harness.scratch.write(bytes, to: "x")
            try harness.shell("rm -f x.gz && gzip -1 -n x && printf hello | gzip >> x.gz")
            #expect(try gunzip("x.gz", engine) == bytes + Array("hello".utf8), "\(size)")
        }
    }

    @Test(arguments: Engine.allCases)
    func `every field of a gzip header is skipped, in every member`(_ engine: Engine) throws {
        try harness.shell(
            """
            cat > make.py <<'END'
            import zlib, struct
            def member(data, flags):
                header = struct.pack('<BBBBIBB', 0x1f, 0x8b, 8, flags, 0, 0, 3)
                if flags & 4: header += struct.pack('<H', 300) + b'\\0\\x1f\\x8b' * 100
                if flags & 8: header += b'image.img\\0'
                if flags & 16: header += b'a comment' * 1000 + b'\\0'
                if flags & 2: header += struct.pack('<H', zlib.crc32(header) & 0xffff)
                packer = zlib.compressobj(wbits=-15)
                body = packer.compress(data) + packer.flush()
                return header + body + struct.pack('<II', zlib.crc32(data), len(data))
            open('all.gz', 'wb').write(b''.join(member(b'member %d\\n' % flags * 1000, flags) for flags in range(32)))
            END
            /usr/bin/python3 make.py && gzip -dc all.gz > all
            """)
        let whole = harness.scratch.read("all")
        #expect(whole.count > 32 * 9000)
        #expect(try gunzip("all.gz", engine) == whole)
    }

    @Test(arguments: Engine.allCases)
    func `random damage to a gzip file is found, or does no harm`(_ engine: Engine) throws {
        let bytes = mixed(300_000, seed: 3)
        harness.scratch.write(bytes, to: "x")
        try harness.shell("gzip -k x && head -c 1000 x | gzip >> x.gz && head -c 1000 x >> x")
        let packed = harness.scratch.read("x.gz")
        let whole = harness.scratch.read("x")
        var random = SplitMix64(seed: 99)
        for round in 0..<90 {
            var damaged = packed
            if round % 3 == 0 {
                damaged.removeLast(Int.random(in: 1..<packed.count - 40, using: &random))
            } else {
                // The signature stays: without it the file is no gzip file at all.
                for _ in 0..<round % 3 {
                    damaged[Int.random(in: 2..<packed.count, using: &random)] ^= UInt8.random(
                        in: 1...255, using: &random)
                }
            }
            harness.scratch.write(damaged, to: "damaged.gz")
            do {
                let found = try gunzip("damaged.gz", engine)
                #expect(round % 3 != 0 || found.count == bytes.count, "round \(round)")
                #expect(found == whole || found == bytes, "round \(round)")
            } catch let failure as Failure {
                #expect([.corruptArchive, .truncatedArchive].contains(failure.code), "round \(round): \(failure)")
                if round % 3 == 0 { #expect(failure.code == .truncatedArchive, "round \(round): \(failure)") }
            }
        }
    }

    @Test(arguments: Engine.allCases) func `bytes after a zip entry's data are not part of it`(_ engine: Engine) throws
    {
        let bytes = mixed(300_000, seed: 5)
        harness.scratch.write(bytes, to: "x.img")
        harness.scratch.write(mixed(5000, seed: 6), to: "y.txt")
        try harness.shell("zip -q x.zip y.txt x.img y.txt && zip -q -9 streamed.zip -fd y.txt x.img")
        for name in ["x.zip", "streamed.zip"] {
            let source = try ImageSource(harness.scratch[name])
            let directory = try #require(try ZipDirectory(of: ImageFile(opening: source.path)))
            let listed = try #require(directory.entries.first { $0.name == "x.img" && $0.size == 300_000 })
            let entry = try #require(try directory.deflatedEntry(for: listed))
            let found = try written {
                try entry.unpack(from: source, to: $0, with: engine.type) { (_) throws(Failure) in }
            }
            #expect(found == bytes)
            #expect(try OutsideTool("unzip").run(["-p", source.path.string, "x.img"]).output == found)
        }
    }
}
