import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import PiflashCommands

/// What strangers write (cards, archives, images, nodes, recipes) is shown, and steers no terminal. ``CommandHarness`` looks
/// at every byte of every command's output; these bring what would be in it.
@Suite struct HostileTextTests {
    let harness = CommandHarness()
    private var scratch: ScratchDirectory { harness.scratch }

    /// A title, a cleared screen, a clipboard, a forged line.
    static let attack = "red01\u{1B}]0;OWNED\u{7}\u{1B}[2J\u{1B}]52;c;aWQ=\u{7}\u{9B}2J\r\u{202E}"
    private static var yaml: String {
        "\"" + attack.unicodeScalars.map { $0.value < 0x7F && $0.value >= 0x20 ? "\($0)" : "\\u" + hex($0) }.joined()
            + "\""
    }
    private static func hex(_ scalar: Unicode.Scalar) -> String {
        let text = String(scalar.value, radix: 16)
        return String(repeating: "0", count: 4 - text.count) + text
    }

    private func replaceRecord() throws {
        let text = """
            {"schema":1,"node":\(Self.yaml),"recipe":\(Self.yaml),"recipeDigest":\(Self.yaml),"writtenAt":"2026-01-01T00:00:00Z",
            "piflash":\(Self.yaml),"image":{"name":\(Self.yaml),"digest":\(Self.yaml)},"files":["user-data"],"rootFiles":[]}
            """
        scratch.write(text, to: "card.json")
        let table = try OutsideTool("sfdisk").run(["--json", scratch["card.img"].string]).text
        let start = try #require(table.firstMatch(of: /"start": *(\d+)/).flatMap { Int($0.1) })
        let copied = try OutsideTool("mcopy").run([
            "-o", "-i", "\(scratch["card.img"])@@\(start * 512)", scratch["card.json"].string, "::piflash/card.json",
        ])
        #expect(copied.succeeded, "\(copied.errors)")
    }

    @Test func `a card forges no line, title or screen before it is overwritten`() async throws {
        try harness.prepare()
        #expect(await harness.run("write", "-r", "red01.yaml", "--yes", "card.img").status == 0)
        try replaceRecord()
        let shown = await harness.run("inspect", "card.img")
        #expect(shown.output.contains("red01") && shown.output.contains("OWNED"), "\(shown.errors)")
        for arguments in [
            ["inspect", "--json", "card.img"], ["configure", "--recipe", "red01.yaml", "card.img"],
            ["render", "--diff", "card.img", "-r", "red01.yaml"],
        ] { _ = await harness.run(list: arguments) }
        let device = try harness.loopDevice(bytes: 256 << 20)
        let copied = try OutsideTool("dd").run([
            "if=\(scratch["card.img"])", "of=\(device.path)", "bs=1M", "conv=fsync",
        ])
        #expect(copied.succeeded)
        let asked = await harness.run("write", "--recipe", "red01.yaml", "\(device.path)", answers: ["no"])
        #expect(asked.status != 0 && asked.errors.contains("[yes/no]"), "\(asked.errors)")
        for arguments in [["devices"], ["devices", "--json"]] {
            let listed = await harness.run(list: arguments)
            #expect(listed.status == 0)
        }
    }

    @Test func `names in an archive and in an image are shown, not obeyed`() async throws {
        try SampleImage.hypriot.make(at: scratch["sample.img"])
        let made = try OutsideTool("python3").run([
            "-c",
            """
            import sys, zipfile
            with zipfile.ZipFile(sys.argv[1], 'w') as archive:
                for end in ['a', 'b']: archive.writestr(sys.argv[2] + end + '.img', b'x' * 512)
            """, scratch["two.zip"].string, Self.attack,
        ])
        #expect(made.succeeded, "\(made.errors)")
        scratch.write(CommandHarness.recipe.replacing("sample.img.zip", with: "two.zip"), to: "two.yaml")
        for arguments in [
            ["image", "info", "two.zip"], ["image", "info", "--json", "two.zip"], ["check", "two.yaml"],
        ] {
            let outcome = await harness.run(list: arguments)
            #expect(outcome.status != 0 && outcome.errors.contains("OWNED"), "\(outcome.errors)")
        }
        let table = try OutsideTool("sfdisk").run(["--json", scratch["sample.img"].string]).text
        let start = try #require(table.matches(of: /"start": *(\d+)/).dropFirst().first.flatMap { Int($0.1) })
        scratch.write("PRETTY_NAME=\"\(Self.attack)\"\nID=raspbian\nVERSION_ID=\"10\"\n", to: "os-release")
        let edited = try OutsideTool("debugfs").run([
            "-w", "-R", "rm /etc/os-release", "\(scratch["sample.img"])?offset=\(start * 512)",
        ])
        let written = try OutsideTool("debugfs").run([
            "-w", "-R", "write \(scratch["os-release"]) /etc/os-release",
            "\(scratch["sample.img"])?offset=\(start * 512)",
        ])
        #expect(edited.succeeded && written.succeeded)
        for arguments in [["image", "info", "sample.img"], ["image", "info", "--json", "sample.img"]] {
            let outcome = await harness.run(list: arguments)
            #expect(outcome.status == 0 && outcome.output.contains("OWNED"), "\(outcome.output)\(outcome.errors)")
        }
    }

    /// Keys of a recipe, each with a place for a value.
    static let keys = [
        "hostname: @", "image: { source: @ }", "image: { source: a.img, sha256: @ }", "user: { name: @ }",
        "user: { name: pi, password: @ }", "user: { name: pi, ssh_authorized_keys: [@] }",
        "user: { name: pi, groups: [@] }",
        "wifi: { country: @, networks: [] }", "wifi: { networks: [{ ssid: @ }] }", "address: @",
        "network: { gateway: @ }",
        "network: { dns: [@] }", "network: { interface: @ }", "network: { proxy: { http: @, no_proxy: [@] } }",
        "locale: { timezone: @, lang: @, keyboard: @ }", "docker: { install: @ }",
        "docker: { packages: [@], preload: [@] }",
        "docker: { registry: { mirror: @ } }", "docker: { proxy: { https: @ } }",
        "docker: { daemon: { labels: [@], @: 1 } }",
        "docker: { remote: @ }", "swarm: { managers: [@], role: @, token: @, mode: @ }",
        "swarm: { managers: [a], labels: { @: @ }, address_pool: [@], certificates: @, consul: @ }",
        "swarm: { managers: [a], networks: [{ name: @, subnet: @ }], stacks: [{ name: @, compose: @, environment: { @: @ } }] }",
        "first_boot: { packages: [@], run: [@], files: [{ path: @, content: @, mode: @, owner: @, group: @ }] }",
        "extends: @", "roster: @", "nodes: @", "addresses: @", "overrides: { @: @ }", "@: 1", "user: { @: 1 }",
        "user: { name: pi, password: !prompt @ }", "user: { name: pi, password: !env @ }",
        "user: { name: pi, password: !file @ }", "user: { name: pi, password: !command [@] }",
        "user: { name: pi, password: !other @ }",
    ]

    @Test(arguments: keys) func `no value of a recipe reaches the terminal as it is`(_ key: String) async {
        scratch.write("hostname: red01\n" + key.replacing("@", with: Self.yaml) + "\n", to: "r.yaml")
        for command in [
            ["check"], ["check", "--json"], ["render", "-r"], ["plan"], ["labels", "--text"], ["daemon"],
        ] {
            _ = await harness.run(list: command + ["r.yaml"])
        }
        let first = await harness.run("check", "r.yaml")
        #expect(
            first.status == 2 || key.contains("password") || key.contains("content"), "\(first.output)\(first.errors)")
    }

    @Test func `a node's answers are shown, not obeyed, and run passes them on only where no terminal is`() async throws
    {
        let rack = try NodeRack(["red01"])
        defer { rack.stop() }
        rack.scratch.write(Self.attack + "\n", to: "red01/version")
        rack.scratch.write(Self.attack + "\n", to: "red01/swarm")
        rack.scratch.write("state: \(Self.attack)\nstep: \(Self.attack)\n", to: "red01/root/boot/piflash/status.txt")
        for command in [["status"], ["status", "--json"], ["daemon", "--diff"], ["swarm", "ls"], ["run", "--json"]] {
            let then = command[0] == "run" ? ["--", "printf '\\033[2J'; printf '\\033[2J' >&2"] : []
            _ = await rack.harness.run(list: command + rack.options + ["rack"] + then)
        }
        let printing = ["--", "printf 'a\\033[2Jb\\n'; printf 'c\\033[2Jd\\n' >&2"]
        let piped = await rack.run("run", then: printing)
        #expect(piped.output.contains("a\u{1B}[2Jb") && piped.errors.contains("c\\x1b[2Jd"))
        for options in [[], ["--stream"]] {
            let shown = await rack.harness.run(
                list: ["run"] + options + rack.options + ["rack"] + printing, outputIsTerminal: true)
            #expect(shown.output.contains("a\\x1b[2Jb") && shown.errors.contains("c\\x1b[2Jd"), "\(shown.output)")
            let raw = await rack.harness.run(
                list: ["run", "--raw"] + options + rack.options + ["rack"] + printing, outputIsTerminal: true)
            #expect(raw.output.contains("a\u{1B}[2Jb") && raw.errors.contains("c\u{1B}[2Jd"), "\(raw.output)")
        }
    }

    @Test func `questions, tables and lines that are rewritten show what they would obey`() {
        let text = Mutex("")
        let console = Console(
            output: { part in text.withLock { $0 += part } }, error: { part in text.withLock { $0 += part } },
            readLine: { _ in "x" }, errorIsTerminal: true)
        _ = console.ask(Self.attack)
        console.write(Self.attack)
        console.output(TextTable.columns(["A"], [[Self.attack + "\nb"]]))
        console.output(TextTable.pairs([("a", Self.attack)]))
        console.output(JSONEvent(notice: Self.attack))
        #expect(
            text.withLock { $0 }.unicodeScalars.allSatisfy {
                $0 == "\n" || $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value)
            })
        #expect(!text.withLock { $0 }.unicodeScalars.contains("\u{202E}"))
        // What piflash itself sends is not changed.
        console.control(.eraseLine)
        #expect(text.withLock { $0 }.hasSuffix("\r\u{1B}[K"))
    }
}
