import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct OtherCommandTests {
    let harness = CommandHarness()

    @Test func `inspect shows which node a card is for, as text and as JSON`() async throws {
        try harness.prepare()
        #expect(await harness.run("write", "-r", "red01.yaml", "--yes", "card.img").status == 0)
        let text = await harness.run("inspect", "card.img")
        #expect(text.output.contains("node     red01"))
        #expect(text.output.contains("2026-02-02T02:40:00Z"))
        let json = await harness.run("inspect", "--json", "card.img")
        let record = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        #expect(record?["node"] as? String == "red01")
    }

    @Test func `inspect shows what the first boot reported on the card`() async throws {
        try harness.prepare()
        #expect(await harness.run("write", "-r", "red01.yaml", "--yes", "card.img").status == 0)
        #expect(!(await harness.run("inspect", "card.img").output.contains("first boot")))
        harness.scratch.write(
            "node: red01\nstate: working\nstep: joining the swarm\nsince: 2026-02-01T10:00:00Z\n"
                + "account: locked\nclock: set back by 3 hours\nrepaired: sshd\nwaiting for: manager red00\nlast error: \u{1B}[31mno route\n",
            to: "status.txt")
        // The boot partition begins where sfdisk says.
        let table = try OutsideTool("sfdisk").run(["--json", harness.scratch["card.img"].string]).text
        let start = try #require(table.firstMatch(of: /"start": *(\d+)/).flatMap { Int($0.1) })
        let copied = try OutsideTool("mcopy").run([
            "-i", "\(harness.scratch["card.img"])@@\(start * 512)", harness.scratch["status.txt"].string,
            "::piflash/status.txt",
        ])
        #expect(copied.succeeded, "\(copied.errors)")
        let text = await harness.run("inspect", "card.img")
        #expect(
            text.output.contains("first boot  working: joining the swarm, waiting for manager red00 ([31mno route)"),
            "\(text.output)")
        #expect(text.output.contains("2026-02-01T10:00:00Z"))
        #expect(text.output.contains(/clock +set back by 3 hours\n/) && text.output.contains(/repaired +sshd\n/))
        #expect(!text.output.contains("\u{1B}"))
        let json = await harness.run("inspect", "--json", "card.img")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(object["node"] as? String == "red01")
        #expect((object["first_boot"] as? [String: String])?["state"] == "working")
        #expect(
            object["first_boot"] as? [String: String] == [
                "state": "working", "step": "joining the swarm", "since": "2026-02-01T10:00:00Z",
                "waiting_for": "manager red00", "last_error": "[31mno route", "clock": "set back by 3 hours",
                "repaired": "sshd",
            ])
    }

    @Test func `inspect says when piflash has nothing to do with a card`() async throws {
        try SampleImage.ubuntu.make(at: harness.scratch["plain.img"])
        let outcome = await harness.run("inspect", "plain.img")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("piflash did not write this card"))
    }

    @Test func `a changed recipe changes only boot files, also in a mounted directory`() async throws {
        try harness.prepare(.raspberryPiOS)
        #expect(await harness.run("write", "-r", "red01.yaml", "--yes", "card.img").status == 0)
        let out = harness.scratch["mounted"]
        try FileManager.default.createDirectory(atPath: out.string, withIntermediateDirectories: true)
        let copied = try OutsideTool("sh").run(
            ["-c", "mcopy -s -i \"$0@@4M\" '::*' \"$1\"", harness.scratch["card.img"].string, out.string],
            environment: ["MTOOLS_SKIP_CHECK": "1"])
        #expect(copied.succeeded)
        // Without the root partition, what is not for all goes over the boot partition, until the first boot.
        let moved = await harness.run("configure", "-r", "red01.yaml", "mounted")
        #expect(moved.status == 0 && moved.output.contains("user-data"), "\(moved.errors)")
        #expect(await harness.run("configure", "-r", "red01.yaml", "mounted").output.contains("nothing to change"))
        harness.scratch.write(
            CommandHarness.recipe.replacingOccurrences(of: "arch=armv7", with: "arch=arm64"), to: "red01.yaml")
        for target in ["card.img", "mounted"] {
            let changed = await harness.run("configure", "-r", "red01.yaml", target)
            #expect(changed.status == 0, "\(changed.errors)")
            #expect(changed.output.contains("user-data"))
            #expect(await harness.run("configure", "-r", "red01.yaml", target).output.contains("nothing to change"))
        }
        let files = [
            harness.scratch.read("mounted/user-data"),
            try Mtools(image: harness.scratch["card.img"]).contents(of: "user-data"),
        ].map { String(decoding: $0, as: UTF8.self) }
        #expect(files.map { $0.contains("arch=arm64") } == [true, true])
        #expect(files.map { $0.contains("/etc/piflash/settings\"") } == [true, false])
    }

    @Test func `render writes a tree that its owner alone can read`() async throws {
        try harness.prepare()
        let outcome = await harness.run("render", "-r", "red01.yaml", "--into", "tree")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            String(decoding: harness.scratch.read("tree/node/etc/docker/daemon.json"), as: UTF8.self).contains(
                "overlay2"))
        #expect(try harness.scratch["tree/boot/user-data"].stat().permissions == .ownerReadWrite)
        #expect(await harness.run("render", "-r", "red01.yaml", "--into", "tree").status == 2)
    }

    @Test(arguments: [SampleImage.hypriot, .raspberryPiOS])
    func `the difference to a card shows neither its secrets nor the recipe's`(_ image: SampleImage) async throws {
        try harness.prepare(image)
        let recipe = CommandHarness.recipe + "\nfirst_boot: { files: [{ path: /etc/key, content: \"some text\" }] }\n"
        harness.scratch.write(recipe, to: "red01.yaml")
        #expect(await harness.run("write", "-r", "red01.yaml", "--yes", "card.img").status == 0)
        // A boot partition without its root partition holds the secrets until the first boot.
        let out = harness.scratch["mounted"]
        try FileManager.default.createDirectory(atPath: out.string, withIntermediateDirectories: true)
        let copied = try OutsideTool("sh").run(
            ["-c", "mcopy -s -i \"$0@@4M\" '::*' \"$1\"", harness.scratch["card.img"].string, out.string],
            environment: ["MTOOLS_SKIP_CHECK": "1"])
        #expect(copied.succeeded)
        #expect(await harness.run("configure", "-r", "red01.yaml", "mounted").status == 0)
        let files = ["user-data", "network-config"].map { harness.scratch.read("mounted/\($0)") }
        let before = files.map { String(decoding: $0, as: UTF8.self) }.joined()
        harness.scratch.write(
            recipe.replacingOccurrences(of: "!env PI_PASSWORD", with: "another password")
                .replacingOccurrences(of: "!env WIFI", with: "another passphrase"), to: "red01.yaml")
        let outcome = await harness.run("render", "-r", "red01.yaml", "--diff", "mounted")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("card: user-data"))
        #expect(!outcome.output.contains("$6$") && !outcome.output.contains("$y$"))
        #expect(!outcome.output.contains("another pass"))
        // Neither a key in clear, nor a file that holds one, in base64.
        let secrets = before.matches(of: /[0-9a-f]{64}|\$(6|y)\$[^"]+|"[A-Za-z0-9+\/]{200,}={0,2}"/).map {
            String($0.0)
        }
        #expect(secrets.count > 1)
        var shown = secrets.filter { outcome.output.contains($0.trimmingCharacters(in: ["\""])) }
        // The program is not a secret, and the same before and after.
        shown.removeAll {
            Data(base64Encoded: $0.trimmingCharacters(in: ["\""]))?.starts(with: Data("#!".utf8)) == true
        }
        #expect(shown == [])
    }

    @Test func `an image of another system is refused by name before anything is written`() async throws {
        try harness.prepare(.raspbianJessie)
        let mtools = try OutsideTool("sh").run(
            [
                "-c",
                "cd \"$0\" && mkdir apks && touch .alpine-release && mcopy -s -i sample.img@@4M apks .alpine-release ::"
                    + " && gzip -k -1 sample.img",
                harness.scratch.path.string,
            ], environment: ["MTOOLS_SKIP_CHECK": "1"])
        #expect(mtools.succeeded, "\(mtools.errors)")
        harness.scratch.write(
            CommandHarness.recipe.replacingOccurrences(of: "sample.img.zip", with: "sample.img.gz"), to: "red01.yaml")
        let outcome = await harness.run("write", "-r", "red01.yaml", "--yes", "card.img")
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("Alpine"))
        #expect((try? harness.scratch["card.img"].stat()) == nil)
    }

    @Test func `a boot partition that is too full is refused`() async throws {
        try harness.prepare()
        let filled = try OutsideTool("sh").run(
            [
                "-c",
                "cd \"$0\" && head -c 62M /dev/zero > big; mcopy -i sample.img@@4M big :: ; head -c 4k /dev/zero > small;"
                    + " n=0; while mcopy -i sample.img@@4M small ::small$n 2>/dev/null; do n=$((n+1)); done; gzip -k -1 sample.img",
                harness.scratch.path.string,
            ], environment: ["MTOOLS_SKIP_CHECK": "1"])
        #expect(filled.succeeded, "\(filled.errors)")
        harness.scratch.write(
            CommandHarness.recipe.replacingOccurrences(of: "sample.img.zip", with: "sample.img.gz"), to: "red01.yaml")
        let outcome = await harness.run("write", "-r", "red01.yaml", "--yes", "card.img")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("is full"))
        #expect((try? harness.scratch["card.img"].stat()) == nil)
    }

    @Test func `stopping says what the card is and how to go on`() async throws {
        try harness.prepare()
        #expect(await harness.run("write", "-r", "red01.yaml", "--yes", "warm.img").status == 0)
        let outcome = await harness.run(
            list: ["write", "--json", "-r", "red01.yaml", "--yes", "card.img"], isCancelled: { true })
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("stopped"))
        #expect(outcome.errors.contains("same command"))
        #expect(outcome.output.contains("\"event\":\"failed\""))
        #expect((try? harness.scratch["card.img"].stat()) == nil)
    }

    @Test func `a loop device becomes a card, and is refused while it is mounted`() async throws {
        try harness.prepare()
        let loop = try harness.loopDevice(bytes: 128 << 20)
        let written = await harness.run("write", "-r", "red01.yaml", "--yes", loop.path.string)
        #expect(written.status == 0, "\(written.errors)")
        #expect(await harness.run("inspect", loop.path.string).output.contains("red01"))
        #expect(
            await harness.run("configure", "-r", "red01.yaml", "--yes", loop.path.string).output.contains(
                "nothing to change"))
        let listed = await harness.run("devices", "--json")
        #expect(listed.output.contains(loop.path.string))
    }

    @Test func `a card that is too small is refused`() async throws {
        try harness.prepare()
        let loop = try harness.loopDevice(bytes: 64 << 20)
        let outcome = await harness.run("write", "-r", "red01.yaml", "--yes", loop.path.string)
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("too small"))
    }
}
