import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct WriteCommandTests {
    let harness = CommandHarness()

    @Test func `a recipe and a zipped image become a verified card that mtools reads`() async throws {
        try harness.prepare()
        let outcome = await harness.run("write", "--recipe", "red01.yaml", "--yes", "card.img")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let card = Mtools(image: harness.scratch["card.img"])
        let userData = try card.text(of: "user-data")
        #expect(userData.hasPrefix("#cloud-config\n"))
        #expect(userData.contains("red01"))
        #expect(try card.contents(of: "kernel7.img") == Array("sample kernel\n".utf8))
        for secret in ["black pearl", "correct horse battery"] {
            #expect(!FileManager.default.contains(secret, in: harness.scratch["card.img"]))
        }
        let fsck = try OutsideTool("sh").run([
            "-c",
            "dd if=\(harness.scratch["card.img"]) bs=1M skip=4 count=64 status=none of=\(harness.scratch["boot.fat"])"
                + " && fsck.fat -n \(harness.scratch["boot.fat"])",
        ])
        #expect(fsck.succeeded, "\(fsck.text)")
    }

    @Test(arguments: SampleImage.allCases)
    func `a card of every system is sound, and configuring it again changes nothing`(_ image: SampleImage) async throws
    {
        try harness.prepare(image, recipe: CommandHarness.recipe(for: image))
        let written = await harness.run("write", "--recipe", "red01.yaml", "--yes", "card.img")
        #expect(written.status == 0, "\(written.errors)")
        let partitions = try partitions(of: "card.img")
        for (checker, partition) in zip([["fsck.fat", "-n"], ["e2fsck", "-fn"]], partitions) {
            let check = try OutsideTool(checker[0]).run([checker[1], partition.string])
            #expect(check.succeeded, "\(check.text) \(check.errors)")
        }
        for secret in ["black pearl", "correct horse battery"] {
            #expect(!FileManager.default.contains(secret, in: harness.scratch["card.img"]))
        }
        let before = harness.scratch.read("card.img")
        let outcome = await harness.run("configure", "--recipe", "red01.yaml", "card.img")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("nothing to change"))
        #expect(harness.scratch.read("card.img") == before)
    }

    @Test(arguments: [["--compare", "never"], ["--compare=always"], ["--whole", "--wipe"]])
    func `however a card is written, it is the same`(_ options: [String]) async throws {
        try harness.prepare()
        #expect(await harness.run("write", "--recipe", "red01.yaml", "--yes", "plain.img").status == 0)
        let outcome = await harness.run(
            list: ["write", "--recipe", "red01.yaml", "--yes", "--json", "card.img"] + options)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("\"comparing\"") == (options == ["--compare=always"]))
        #expect(harness.scratch.read("card.img") == harness.scratch.read("plain.img"))
    }

    @Test func `an unknown way of comparing is refused by name`() async throws {
        let outcome = await harness.run("write", "--recipe", "red01.yaml", "--compare", "maybe", "card.img")
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("'maybe'") && outcome.errors.contains("'never'"))
    }

    @Test
    func
        `where cloud-init takes all settings, only the clock, secrets and what runs before cloud-init are outside the boot partition`()
        async throws
    {
        try harness.prepare()
        #expect(await harness.run("write", "--recipe", "red01.yaml", "--yes", "card.img").status == 0)
        let image = harness.scratch.read("sample.img")
        let card = harness.scratch.read("card.img")
        #expect(image.count == card.count)
        let start = Int(SampleImage.bootStart)
        #expect(image[..<start] == card[..<start])

        var trees: [String] = []
        for name in ["sample.img", "card.img"] {
            let tree = harness.scratch["tree-\(name)"].string
            try FileManager.default.createDirectory(atPath: tree, withIntermediateDirectories: true)
            let dump = try OutsideTool("debugfs").run([
                "-R", "rdump / \(tree)", try partitions(of: name)[1].string,
            ])
            #expect(dump.succeeded, "\(dump.errors)")
            trees.append(tree)
        }
        let differences = try OutsideTool("diff").run(["-rq", "--no-dereference"] + trees).text.split(separator: "\n")
        #expect(!differences.isEmpty)
        // `diff -q` names what differs, or "Only in DIRECTORY: NAME".
        let allowed = [
            "fake-hwclock.data", "/timesync", "/usr/local: lib", "/usr/local/lib",
            "sysinit.target.wants: piflash-seed.service", "/etc: piflash", "/etc/wpa_supplicant/wpa_supplicant.conf",
            "/etc/systemd/system: piflash-seed.service", "/etc/systemd/system: sysinit.target.wants",
        ]
        for line in differences { #expect(allowed.contains { line.contains($0) }, "\(line)") }
    }

    /// The two partitions of the image `name`, each as a separate file.
    private func partitions(of name: String) throws -> [FilePath] {
        let table = try OutsideTool("sfdisk").run(["--dump", harness.scratch[name].string])
        #expect(table.succeeded, "\(table.errors)")
        let ranges = table.text.matches(of: /start= *(\d+), size= *(\d+)/)
        return try ranges.enumerated().map { index, range in
            let file = harness.scratch["\(name).p\(index + 1)"]
            let copy = try OutsideTool("dd").run([
                "if=\(harness.scratch[name])", "of=\(file)", "bs=512", "skip=\(range.1)", "count=\(range.2)",
                "status=none",
            ])
            #expect(copy.succeeded, "\(copy.errors)")
            return file
        }
    }

    @Test func `a mistake in the recipe costs nothing and exits with 2`() async throws {
        try harness.prepare(
            recipe: CommandHarness.recipe.replacingOccurrences(of: "hostname: red01", with: "hostnme: red01"))
        let outcome = await harness.run("write", "--recipe", "red01.yaml", "--yes", "card.img")
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("red01.yaml:2:1:"))
        #expect(outcome.errors.contains("hostname"))
        #expect((try? harness.scratch["card.img"].stat()) == nil)
    }

    @Test func `a mistyped device never becomes a file`() async throws {
        try harness.prepare()
        let outcome = await harness.run("write", "--recipe", "red01.yaml", "--yes", "/dev/piflash-test-no-such-device")
        #expect(outcome.status == 3)
        #expect((try? FilePath("/dev/piflash-test-no-such-device").stat()) == nil)
    }

    @Test func `the image that a card is made from is never written over`() async throws {
        try harness.prepare(
            recipe: CommandHarness.recipe.replacingOccurrences(of: "sample.img.zip", with: "sample.img"))
        let before = harness.scratch.read("sample.img")
        let outcome = await harness.run("write", "--recipe", "red01.yaml", "--yes", "./sample.img")
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("which the card is made from"))
        #expect(harness.scratch.read("sample.img") == before)
    }

    @Test func `without a yes nothing is written`() async throws {
        try harness.prepare()
        harness.scratch.write("precious", to: "card.img")
        let outcome = await harness.run("write", "--recipe", "red01.yaml", "card.img", answers: ["no"])
        #expect(outcome.status == 1)
        #expect(harness.scratch.read("card.img") == Array("precious".utf8))
        let silent = await harness.run("write", "--recipe", "red01.yaml", "card.img")
        #expect(silent.status == 2)
        #expect(silent.errors.contains("--yes"))
    }

    @Test func `a second card is written without unpacking again`() async throws {
        try harness.prepare()
        #expect(
            await harness.run("write", "--json", "--recipe", "red01.yaml", "--yes", "a.img").output.contains(
                "unpacking"))
        let second = await harness.run("write", "--json", "--recipe", "red01.yaml", "--yes", "b.img")
        #expect(!second.output.contains("\"phase\":\"unpacking\""))
        #expect(harness.scratch.read("a.img") == harness.scratch.read("b.img"))
    }

    @Test func `a truncated archive is refused and leaves no card`() async throws {
        try harness.prepare()
        let whole = harness.scratch.read("sample.img.zip")
        harness.scratch.write(Array(whole[..<(whole.count * 2 / 3)]), to: "sample.img.zip")
        let outcome = await harness.run("write", "--recipe", "red01.yaml", "--yes", "card.img")
        #expect(outcome.status == 1)
        #expect((try? harness.scratch["card.img"].stat()) == nil)
    }

    @Test func `no secret shows in any output`() async throws {
        try harness.prepare()
        var text = ""
        for arguments in [
            ["check", "red01.yaml"], ["render", "--contents", "--recipe", "red01.yaml"],
            ["write", "--json", "--recipe", "red01.yaml", "--yes", "card.img"], ["inspect", "card.img"],
            ["configure", "--recipe", "red01.yaml", "card.img"],
        ] {
            let outcome = await harness.run(list: arguments)
            text += outcome.output + outcome.errors
        }
        let changed = await harness.run(
            "render", "--recipe", "red01.yaml", "--diff", "card.img", environment: ["PI_PASSWORD": "another one"])
        text += changed.output + changed.errors
        #expect(changed.output.contains("root partition: /etc/piflash/settings"))
        for secret in ["black pearl", "correct horse", "another one", CommandHarness.token] {
            #expect(!text.contains(secret), "\(secret) was shown")
        }
    }
}

extension FileManager {
    /// Whether the bytes of `text` are anywhere in the file.
    func contains(_ text: String, in path: FilePath) -> Bool {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path.string), options: .mappedIfSafe) else {
            return false
        }
        return data.range(of: Data(text.utf8)) != nil
    }
}
