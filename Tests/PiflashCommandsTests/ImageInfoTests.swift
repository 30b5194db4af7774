import SystemPackage
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct ImageInfoTests {
    let harness = CommandHarness()

    private func pack(_ sample: SampleImage) throws -> String {
        try sample.make(at: harness.scratch["sample.img"])
        let packed = try OutsideTool("gzip").run(["-1", "-n", harness.scratch["sample.img"].string])
        #expect(packed.succeeded, "\(packed.errors)")
        return "sample.img.gz"
    }

    @Test func `an image is shown as a table`() async throws {
        let outcome = await harness.run("image", "info", try pack(.hypriot2015))
        #expect(outcome.status == 0, "\(outcome.errors)")
        var lines = outcome.output.split(separator: "\n").map(String.init)
        let digest = try #require(lines.firstIndex { $0.hasPrefix("sha256") })
        #expect(lines.remove(at: digest).split(separator: " ").last?.count == 64)
        #expect(
            lines.joined(separator: "\n") == """
                file            sample.img.gz
                packing         gzip
                size            92 MiB (96468992 bytes)
                partitions      NUMBER  TYPE  SIZE    LABEL  FILE SYSTEM
                                1       0xc   64 MiB  -      vfat FAT32
                                2       0x83  24 MiB  -      ext4
                system          Raspbian GNU/Linux 7 (wheezy)
                flavour         HypriotOS of 2015 (occidentalis.txt)
                configured by   occidentalis.txt on the boot partition, read at every boot
                release         20150416-201537
                init            sysvinit 2.88dsf-41+deb7u1
                network         ifupdown
                docker          1.6.0 (docker-hypriot)
                                started by /etc/init.d/docker, with DOCKER_OPTS of /etc/default/docker
                architecture    armv7
                boot partition  mounted at /boot
                has booted      no
                root partition  partition 2, can be edited
                """)
    }

    @Test func `an image is shown as the documented JSON`() async throws {
        let outcome = await harness.run("image", "info", "--json", try pack(.hypriot))
        #expect(outcome.status == 0, "\(outcome.errors)")
        var object = try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: any Sendable])
        #expect((object.removeValue(forKey: "image_sha256") as? String)?.count == 64)
        // The example of the document is this image.
        let document = try DocumentationTests.text("docs/image-info.md")
        let example = try #require(
            document.components(separatedBy: "```json\n").dropFirst().first?.components(separatedBy: "```").first)
        var documented = try #require(
            try JSONSerialization.jsonObject(with: Data(example.utf8)) as? [String: any Sendable])
        documented.removeValue(forKey: "image_sha256")
        documented["file"] = "sample.img.gz"
        documented["packing"] = ["format": "gzip"]
        #expect(NSDictionary(dictionary: object) == NSDictionary(dictionary: documented))
    }

    @Test(arguments: [(["-0"], 1), (["-0", "--block-size=32MiB"], 3)])
    func `an .xz is shown with its blocks`(_ options: [String], _ blocks: Int) async throws {
        try SampleImage.hypriot.make(at: harness.scratch["sample.img"])
        let packed = try OutsideTool("xz").run(options + [harness.scratch["sample.img"].string])
        #expect(packed.succeeded, "\(packed.errors)")
        let table = await harness.run("image", "info", "sample.img.xz")
        #expect(
            table.output.contains(
                blocks == 1
                    ? "packing         xz in a single block, unpacked by one thread\n"
                    : "packing         xz in 3 blocks, unpacked by "))
        let json = await harness.run("image", "info", "--json", "sample.img.xz")
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: any Sendable]
        let packing = object?["packing"] as? [String: any Sendable]
        #expect(packing?["format"] as? String == "xz")
        #expect(packing?["blocks"] as? Int == blocks)
    }

    @Test func `a loop device is read like an image, but for its digest`() async throws {
        try SampleImage.debianRaspi.make(at: harness.scratch["sample.img"])
        let loop = try LoopDevice(over: harness.scratch["sample.img"])
        let outcome = await harness.run("image", "info", loop.path.string)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("Debian for the Raspberry Pi (sysconf.txt)"))
        #expect(!outcome.output.contains("sha256"))
    }

    @Test func `a root partition that cannot be read is said to be so`() async throws {
        try SampleImage.bookworm.make(at: harness.scratch["sample.img"])
        let start = (4 + 128) << 20
        var bytes = harness.scratch.read("sample.img")
        for index in start..<(start + 4096) { bytes[index] = 0 }
        harness.scratch.write(bytes, to: "sample.img")
        let outcome = await harness.run("image", "info", "sample.img")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("root partition  none: partition 2 holds no file system that is known"))
        #expect(outcome.output.contains("docker          not known"))
    }

    @Test func `a file that is not an image, or half of one, is refused with a hint`() async throws {
        harness.scratch.write("just a text", to: "note.img")
        let text = await harness.run("image", "info", "note.img")
        #expect(text.status == 1)
        #expect(text.errors.contains("is not a disk image"))
        #expect(text.errors.contains("hint:"))
        #expect(text.output.isEmpty)

        try SampleImage.hypriot.make(at: harness.scratch["half.img"])
        let cut = try OutsideTool("truncate").run(["-s", "80M", harness.scratch["half.img"].string])
        #expect(cut.succeeded)
        let half = await harness.run("image", "info", "--json", "half.img")
        #expect(half.status == 1)
        #expect(half.errors.contains("truncated"))
        #expect(half.output.isEmpty)

        #expect(await harness.run("image", "info", "missing.img").status == 1)
        #expect(await harness.run("image", "info", ".").status == 2)
        #expect(await harness.run("image", "info").status == 2)
    }

    @Test func `a system that piflash does not know is refused with 3`() async throws {
        try SampleImage.raspbianWheezy.make(at: harness.scratch["sample.img"])
        let start = (4 + 64) << 20
        var bytes = harness.scratch.read("sample.img")
        for index in start..<(start + 4096) { bytes[index] = 0 }
        harness.scratch.write(bytes, to: "sample.img")
        let outcome = await harness.run("image", "info", "sample.img")
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("root partition"))
    }
}
