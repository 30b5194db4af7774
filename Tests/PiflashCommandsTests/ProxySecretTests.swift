import Foundation
import SystemPackage
import TestSupport
import Testing

/// A proxy's password need not be written in the recipe, and is treated as every other secret.
@Suite struct ProxySecretTests {
    let harness = CommandHarness()
    private var scratch: ScratchDirectory { harness.scratch }
    private static let address = "http://me:pr0xy%2Fpass@10.0.0.3:8000"

    static let sections = ["network: { proxy: { http: TAG } }", "docker: { proxy: { http: TAG, https: TAG } }"]

    @Test(arguments: sections, ["!env PROXY", "!file proxy", "!command [cat, PATH]"])
    func `a proxy that a tag names reaches the card, and is shown nowhere`(_ section: String, _ tag: String)
        async throws
    {
        try harness.prepare()
        scratch.write(Self.address + "\n", to: "proxy")
        let named = section.replacing("TAG", with: tag.replacing("PATH", with: scratch["proxy"].string))
        let text = CommandHarness.recipe.replacing(
            "docker: { daemon: { storage-driver: overlay2, labels: [arch=armv7] } }", with: "")
        let written = text.replacing("swarm:", with: "\(named)\nswarm:")
        scratch.write(written, to: "red01.yaml")
        let environment = ["PROXY": Self.address]
        for command in [
            ["check", "red01.yaml"], ["check", "--json", "red01.yaml"], ["plan", "red01.yaml"],
            ["render", "--contents", "-r", "red01.yaml"], ["daemon", "red01.yaml"],
            ["write", "--recipe", "red01.yaml", "--yes", "--json", "card.img"],
            ["render", "--diff", "card.img", "-r", "red01.yaml"],
        ] {
            let outcome = await harness.run(list: command, environment: environment)
            #expect(outcome.status == 0, "\(command): \(outcome.errors)")
            #expect(!(outcome.output + outcome.errors).contains("pr0xy"), "\(command)")
        }
        #expect(
            String(decoding: scratch.read("card.img"), as: UTF8.self).contains("pr0xy%2Fpass@10.0.0.3:8000")
                || String(decoding: scratch.read("card.img"), as: UTF8.self).contains("pr0xy%%2Fpass@10.0.0.3:8000"))
        // Another address is another secret: the card is not done any more.
        let changed = await harness.run(
            list: ["configure", "--recipe", "red01.yaml", "card.img"],
            environment: ["PROXY": "http://me:0ther-pass@10.0.0.3:8000"])
        #expect(changed.status == 0, "\(changed.errors)")
        if tag.hasPrefix("!env") { #expect(!changed.output.contains("nothing to change")) }
    }

    @Test(arguments: sections) func `an address that is none is refused before the first byte, and not shown`(
        _ section: String
    ) async throws {
        try harness.prepare()
        let text = CommandHarness.recipe.replacing(
            "docker: { daemon: { storage-driver: overlay2, labels: [arch=armv7] } }",
            with: section.replacing("TAG", with: "!env PROXY"))
        scratch.write(text, to: "red01.yaml")
        for bad in [
            "http://a\u{600}';touch${IFS}PWN;echo\u{600}'@10.0.0.3:8000", "s3same", "http://s3same\u{1B}@p",
            "http://s3same$x@p",
        ] {
            for command in [["check", "red01.yaml"], ["write", "--recipe", "red01.yaml", "--yes", "card.img"]] {
                let outcome = await harness.run(list: command, environment: ["PROXY": bad])
                #expect(outcome.status == 2, "\(outcome.errors)")
                #expect(
                    outcome.errors.contains(/red01.yaml:9:\d+: (network|docker).proxy.http: this is not a valid proxy/),
                    "\(outcome.errors)")
                #expect(!outcome.errors.contains("s3same") && !outcome.errors.contains("PWN"))
            }
            #expect((try? scratch["card.img"].stat()) == nil)
        }
        let unset = await harness.run("write", "--recipe", "red01.yaml", "--yes", "card.img")
        #expect(unset.status == 2 && unset.errors.contains("PROXY is not set"), "\(unset.errors)")
    }

    @Test func `a literal login with anything but ASCII's plain characters is refused with its line`() async {
        for (name, proxy) in [
            (
                "docker: { install: none, proxy: { http: PROXY } }",
                "http://a\u{600}';touch${IFS}PWN_SYSV;echo\u{600}'@10.0.0.3:8000"
            ),
            (
                "docker: { proxy: { http: PROXY } }",
                "http://a\u{600}\\\"\u{600} \u{600}\\\"LD_PRELOAD=evil.so\u{600}\\\"\u{600} @10.0.0.3:8000"
            ),
            ("network: { proxy: { https: PROXY } }", "http://me:p$(id)@10.0.0.3:8000"),
        ] {
            scratch.write(
                "hostname: red01\nuser: { name: pirate, password: x1234567 }\n"
                    + name.replacing("PROXY", with: "\"\(proxy)\"") + "\n", to: "r.yaml")
            let outcome = await harness.run("check", "--no-image", "r.yaml")
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains(/r.yaml:3:\d+: [a-z.]+: this is not a valid proxy/), "\(outcome.errors)")
            #expect(!outcome.errors.contains("PWN") && !outcome.errors.contains("evil"))
        }
    }

    @Test func `check and plan list the programs that a write runs, and run none`() async throws {
        try harness.prepare()
        let text = CommandHarness.recipe.replacing(
            "password: !env PI_PASSWORD",
            with: "password: !command [sh, -c, \"touch '\(scratch["ran"])'; echo s3same\"]")
        scratch.write(text, to: "red01.yaml")
        for command in [["check", "red01.yaml"], ["plan", "red01.yaml"]] {
            let outcome = await harness.run(list: command)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("piflash: a write runs `sh -c 'touch "), "\(outcome.errors)")
            #expect(outcome.errors.contains("` for user.password\n"))
            #expect((try? scratch["ran"].stat()) == nil)
        }
        let written = await harness.run("write", "--recipe", "red01.yaml", "--yes", "card.img")
        #expect(written.status == 0 && written.errors.contains("piflash: asks `sh -c 'touch "), "\(written.errors)")
        #expect(!(written.errors + written.output).contains("s3same`") && !written.errors.contains("echo s3same`\n"))
    }
}
