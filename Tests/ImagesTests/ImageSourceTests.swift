import Host
import Diagnostics
import Images
import Storage
import SystemPackage
import TestSupport
import Testing

/// Which files are images, and what other files are called.
@Suite struct ImageSourceTests {
    let harness = CacheHarness(empty: ())
    init() { harness.makeSmallImage() }

    func refusal(_ name: String) -> Failure? {
        #expect(throws: Failure.self) { try harness.unpack(harness.scratch[name]) }
    }

    @Test func `an image without a typical name is found among the files that vendors add`() throws {
        try harness.shell(
            "cp small.img 2016-05-27-raspbian-jessie && touch README LICENSE.txt x.bmap x.img.sha256 .hidden"
                + " && mkdir -p __MACOSX boot.img.d && cp small.img __MACOSX/small.img && ln -s small.img link.img"
                + " && zip -q -y -r one.zip 2016-05-27-raspbian-jessie README LICENSE.txt x.bmap x.img.sha256 .hidden"
                + " __MACOSX boot.img.d link.img")
        #expect(try harness.unpack(harness.scratch["one.zip"]).digest == harness.sha256("small.img"))
    }

    @Test func `a compressed image in an archive is refused, and named`() throws {
        try harness.shell("gzip -k small.img && zip -q outer.zip small.img.gz")
        let byName = refusal("outer.zip")
        #expect(byName?.code == .ambiguousArchive)
        #expect(byName?.message.contains("\"small.img.gz\"") == true)
        try harness.shell("mv small.img.gz wrong.img && zip -q misnamed.zip wrong.img")
        let byContent = refusal("misnamed.zip")
        #expect(byContent?.code == .notAnImage)
        #expect(byContent?.message.contains("compressed twice (gzip)") == true)
    }

    @Test func `the refusal of an archive without an image lists its contents`() throws {
        try harness.shell("echo a > setup.exe && echo b > data.cab && zip -q setup.zip setup.exe data.cab")
        #expect(refusal("setup.zip")?.message.contains("\"setup.exe\", \"data.cab\"") == true)
        try harness.shell("mkdir -p d && zip -q -r directory.zip d")
        #expect(refusal("directory.zip")?.message.contains("it is empty") == true)
    }

    @Test(arguments: [
        ("it is compressed twice (tar)", "tar cf y.img small.img && tar czf x y.img"),
        ("it is a web page", "printf '\\357\\273\\277\\n <HTML lang=de>' > x"),
        ("it is a text file", "printf 'Gr\\303\\266\\303\\237e' > x"),
        ("it is an empty zip archive", "printf 'PK\\005\\006' > x && head -c 18 /dev/zero >> x"),
        ("it starts with zeros", "head -c 1M /dev/zero > x"),
        ("it starts with zeros", "head -c 1M /dev/zero | xz > x"),
        ("it has no partition table", "head -c 1M /dev/zero | tr '\\000' '\\001' > x"),
        // With a boot sector of its own, as Debian's installers have.
        ("CD image", "cp small.img x && printf '\\001CD001' | dd of=x bs=1 seek=32768 conv=notrunc status=none"),
        (
            "CD image",
            "printf '\\001CD001' | dd of=small.img bs=1 seek=32768 conv=notrunc status=none && xz -c small.img > x"
        ),
    ]) func `a file that is not an image is refused, and named for what it is`(_ called: String, _ command: String)
        throws
    {
        try harness.shell(command)
        let failure = refusal("x")
        #expect(failure?.code == .notAnImage)
        #expect(failure?.message.contains(called) == true, "\(failure?.message ?? "")")
        #expect(failure?.hint != nil)
        #expect(harness.files == [])
    }

    @Test func `only a regular file is opened`() throws {
        try harness.shell("mkdir directory && mkfifo pipe")
        for name in ["directory", "pipe"] { #expect(refusal(name)?.code == .notAFile) }
        #expect(refusal("missing")?.message.contains("no such file") == true)
    }

    @Test func `an image that ends inside a sector is truncated`() throws {
        try harness.shell("truncate -s -100 small.img && xz -k small.img")
        for name in ["small.img", "small.img.xz"] {
            #expect(refusal(name)?.code == .truncatedArchive)
        }
    }

    @Test func `a path of any bytes can be opened`() throws {
        try harness.shell("xz -c small.img > 'Größe $x \"q\".img'")
        #expect(try harness.unpack(harness.scratch["Größe $x \"q\".img"]).sourceName == "Größe $x \"q\".img")
    }
}
