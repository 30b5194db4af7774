import Diagnostics
import Filesystems
import Foundation
import Storage
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Images

/// Archives that vendors and users bring, and that are not just one compressed image.
@Suite struct UncommonArchiveTests {
    let harness = CacheHarness(empty: ())
    let image: [UInt8]
    init() { image = harness.makeSmallImage() }

    /// Each packs small.img into "x".
    @Test(arguments: [
        "7z a -bd x.7z small.img && mv x.7z x",
        "echo a > README.md && 7z a -bd -m0=lzma x.7z README.md small.img && mv x.7z x",
        "tar cf x small.img", "echo a > readme.txt && tar czf x readme.txt small.img", "tar cJf x small.img",
        "tar cjf x small.img", "tar c small.img | zstd -q > x", "tar c small.img | lz4 -q > x", "lz4 -q small.img x",
        "tar --format=v7 -cf - small.img | cat > y; tar --format=pax -czf x small.img",
        "pzstd -q -p 2 -o x small.img",
        // Skippable frames: the user's own, of no bytes and of 300, as RFC 8878 has them.
        "(printf 'Q*M\\030\\000\\000\\000\\000_*M\\030\\054\\001\\000\\000'; head -c 300 /dev/zero; zstd -q -c small.img) > x",
        "zip -q x.zip small.img && mv x.zip x", "(gzip -c small.img; head -c 5000 /dev/zero) > x",
        "(xz -c small.img; head -c 4096 /dev/zero) > x",
        "(bzip2 -c small.img; head -c 3 /dev/zero) > x",
    ])
    func `an image is unpacked from whatever holds one`(_ command: String) throws {
        try harness.shell(command)
        let unpacked = try harness.unpack(harness.scratch["x"])
        #expect(try unpacked.digest == harness.sha256("small.img"))
        #expect(try ImageSource(harness.scratch["x"]).format != .raw)
    }

    @Test(arguments: [
        ("7z a -bd -mm=Deflate64 x.zip small.img", "x.zip", "unzip"),
        (
            "head -c 300000000 /dev/urandom | cat small.img - | zstd -q --long=28 -1 > x.zst", "x.zst",
            "zstd -d --long=31"
        ),
        ("printf 'LZIP\\001' | cat - small.img > x.lz", "x.lz", "lzip -dk"),
        ("printf 'Rar!\\032\\007\\001' | cat - small.img > x.rar", "x.rar", "7z x"),
        ("xz --format=lzma -k small.img && mv small.img.lzma x.lzma", "x.lzma", "unlzma -k"),
    ])
    func `what cannot be unpacked is not called damaged, and the way out is named`(
        _ command: String, _ name: String, _ program: String
    ) throws {
        try harness.shell(command)
        let failure = #expect(throws: Failure.self) { try harness.unpack(harness.scratch[name]) }
        let text = failure?.description ?? ""
        #expect(text.contains("cannot unpack") && text.contains("unpack it with `\(program)`"), "\(text)")
        #expect(text.contains(harness.scratch[name].string) && !text.contains("damaged"), "\(text)")
        #expect(harness.files == [])
    }

    @Test(arguments: [
        ("recovery.img recovery7.img recovery.rfs bootcode.bin riscos-boot.bin", "NOOBS or PINN"),
        ("bootcode.bin recovery7l.img recovery.img os/list.json", "NOOBS or PINN"),
        ("recovery.bin pieeprom.bin pieeprom.sig", "boot EEPROM"), ("recovery.bin", "boot EEPROM"),
        ("bootcode.bin start.elf kernel.img config.txt", "boot partition"),
        ("fw/start4.elf fw/kernel8.img fw/cmdline.txt", "boot partition"),
    ])
    func `files for a card are not taken for an image`(_ files: String, _ what: String) throws {
        try harness.shell(
            "mkdir c && cd c && for f in \(files); do mkdir -p $(dirname $f); echo a > $f; done; zip -q -r ../x.zip .")
        let failure = #expect(throws: Failure.self) { try harness.unpack(harness.scratch["x.zip"]) }
        #expect(failure?.code == .notAnImage && failure?.message.contains(what) == true, "\(failure as Any)")
        #expect(failure?.message.contains("several") == false && failure?.hint != nil)
    }

    @Test func `an image beside a boot partition's files is found`() throws {
        try harness.shell(
            "echo a > bootcode.bin && echo b > kernel.img && zip -q x.zip bootcode.bin kernel.img small.img")
        #expect(try harness.unpack(harness.scratch["x.zip"]).digest == harness.sha256("small.img"))
    }

    @Test func `what a vendor puts behind a gzip stream is reported, and no card gets it`() throws {
        try harness.shell("(gzip -c small.img; printf '{ \"metadata_version\": \"1.1\" }FWx0') > x.img.gz")
        let events = Mutex<[ImageEvent]>([])
        let found = try harness.cache().image(
            at: harness.scratch["x.img.gz"], sha256: nil, validate: { (_, _) throws(Failure) in },
            events: { event in events.withLock { $0.append(event) } }, isCancelled: { false })
        #expect(try found.digest == harness.sha256("small.img"))
        #expect(events.withLock { $0 }.contains(.metadata(bytes: 33)))
    }

    /// The rest of a damaged further member must not be taken for a vendor's: the image would be cut.
    @Test(arguments: ["\\036\\213", "\\037\\212", "\\037", "\\013\\213\\010\\010\\010\\010"])
    func `the rest of a damaged member is damage`(_ rest: String) throws {
        try harness.shell("(gzip -c small.img; printf '\(rest)') > x.gz")
        let code = #expect(throws: Failure.self) { try harness.unpack(harness.scratch["x.gz"]) }?.code
        #expect(code == .corruptArchive)
    }

    @Test func `zeros behind the last sector are no damage, anything else is`() throws {
        for (index, tail) in ["head -c 102 /dev/zero", "printf x", "(head -c 101 /dev/zero; printf x)"].enumerated() {
            try harness.shell("(cat small.img; \(tail)) | xz > x.xz")
            if index == 0 {
                let image = try harness.unpack(harness.scratch["x.xz"])
                #expect(image.size == Int64(self.image.count) + 102)
                continue
            }
            let failure = #expect(throws: Failure.self) { try harness.unpack(harness.scratch["x.xz"]) }
            #expect(failure?.code == .truncatedArchive)
        }
    }

    @Test func `messages about an image name the user's file`() throws {
        try harness.shell("gzip -c small.img > mine.img.gz")
        for _ in 0..<2 {
            let image = try harness.unpack(harness.scratch["mine.img.gz"])
            #expect(image.store.name == harness.scratch["mine.img.gz"].string)
            let failure = #expect(throws: Failure.self) { try image.partitionTable() }
            #expect(failure?.message.contains("mine.img.gz") == true, "\(failure as Any)")
        }
        // The same before it is in the cache, where it has another name.
        try harness.shell("gzip -9 -c small.img > new.img.gz")
        let failure = #expect(throws: Failure.self) {
            try harness.cache().image(
                at: harness.scratch["new.img.gz"], sha256: nil,
                validate: { (path, file) throws(Failure) in
                    _ = try PartitionTable.read(path, name: FilePath(file.name))
                }, events: { _ in }, isCancelled: { false })
        }
        #expect(failure?.message.contains("new.img.gz") == true, "\(failure as Any)")
    }

    /// macOS's Archive Utility and ditto: no zip64, so that numbers are modulo 2^32, and sizes behind the data. The image has
    /// 4 GiB and 64 MiB of zeros, which are made quickly, since a compressor's flush makes its parts independent.
    @Test func `an archive of macOS with more than 4 GiB is whole`() throws {
        try harness.shell(
            """
            /usr/bin/python3 - <<'PROGRAM'
            import struct, zlib
            part, parts = 64 << 20, 65
            zeros = bytes(part)
            first = bytearray(zeros)
            first[510:512] = b"\\x55\\xaa"
            packer = zlib.compressobj(1, zlib.DEFLATED, -15)
            begin = packer.compress(bytes(first)) + packer.flush(zlib.Z_FULL_FLUSH)
            one = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
            data = begin + one * (parts - 1) + packer.flush(zlib.Z_FINISH)
            crc = zlib.crc32(bytes(first))
            for _ in range(parts - 1): crc = zlib.crc32(zeros, crc)
            size = part * parts & 0xFFFFFFFF
            name = b"big.img"
            fields = struct.pack("<HHHHHIIIHH", 20, 8, 8, 0, 0, 0, 0, 0, len(name), 0)
            header = b"PK\\3\\4" + fields + name
            after = b"PK\\7\\10" + struct.pack("<III", crc, len(data), size)
            directory = b"PK\\1\\2" + struct.pack("<HHHHHHIIIHHHHHII", 0x315, 20, 8, 8, 0, 0, crc, len(data), size,
                len(name), 0, 0, 0, 0, 0o100644 << 16, 0) + name
            end = b"PK\\5\\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), len(header + data + after), 0)
            open("mac.zip", "wb").write(header + data + after + directory + end)
            PROGRAM
            """)
        let source = try ImageSource(harness.scratch["mac.zip"])
        let found = try ArchivedImage.find(in: source)
        #expect(found.size == nil)
        let measure = ImageMeasure(limit: .max)
        _ = try Decoding(source: source, image: found, progress: { (_) throws(Failure) in }, isCancelled: { false })
            .run(to: measure)
        #expect(measure.count == 65 << 26 && measure.stored == 4096)
    }
}
