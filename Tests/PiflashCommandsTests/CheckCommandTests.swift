import Foundation
import TestSupport
import SystemPackage
import Testing

/// `check` is `write` without the card: it reports everything that stops or warns `write` before the first byte.
@Suite struct CheckCommandTests {
    let harness = CommandHarness()
    private var scratch: ScratchDirectory { harness.scratch }

    private static let rack = """
        image: { source: sample.img.zip }
        nodes: "red[01-03]"
        addresses: 192.168.50.11/24
        user: { name: pirate, password: !env PI_PASSWORD }
        """

    /// Recipes that only the image shows to be wrong.
    private static let wrong = [
        "docker: { daemon: { storage-driver: no-such-driver } }",
        "docker: { packages: [missing.deb], preload: [missing.tar] }",
        "first_boot: { files: [{ path: /etc/docker/daemon.json, content: '{}' }] }\ndocker: { daemon: { debug: true } }",
        "docker: { install: debian }",
        "first_boot: { files: [{ path: /etc/x, content: !file missing }, { path: /etc/y, content: !env MISSING }] }",
        "wifi: { networks: [{ ssid: lab, passphrase: !env SHORT }] }",
    ]

    @Test(arguments: wrong)
    func `check reports the errors of write, and nothing is written`(_ part: String) async throws {
        let recipe = Self.rack.replacing("nodes: \"red[01-03]\"", with: "hostname: red01")
            .replacing("addresses", with: "address")

        try harness.prepare(.hypriot, recipe: recipe + "\n" + part + "\n")
        let environment = ["SHORT": "seven77"]
        let checked = await harness.run(list: ["check", "red01.yaml"], environment: environment)
        #expect(!FileManager.default.fileExists(atPath: scratch[".piflash"].string))
        let written = await harness.run(
            list: ["write", "--recipe", "red01.yaml", "--yes", "card.img"], environment: environment)
        #expect(written.status == 2, "\(written.errors)")
        #expect(checked.status == 2, "\(checked.errors)")
        let lines = { (text: String) in Set(text.split(separator: "\n").filter { $0.contains("red01.yaml:") }) }
        #expect(!lines(written.errors).isEmpty)
        #expect(lines(written.errors).isSubset(of: lines(checked.errors)), "\(written.errors)\n\(checked.errors)")
        #expect((try? scratch["card.img"].stat()) == nil)
    }

    @Test func `check shows the warnings of write`() async throws {
        // An image's published login stays, for example.
        let recipe = Self.rack.replacing(/user: .*/, with: "")
        try harness.prepare(.hypriot, recipe: recipe)
        let checked = await harness.run("check", "red01.yaml")
        #expect(checked.status == 0)
        let written = await harness.run("write", "--recipe", "red01.yaml", "--node", "red01", "--yes", "card.img")
        #expect(written.status == 0)
        let warnings = written.errors.split(separator: "\n").filter { $0.contains("warning: ") }
        #expect(!warnings.isEmpty)
        for warning in warnings { #expect(checked.errors.contains(warning), "\(warning)\n\(checked.errors)") }
    }

    @Test func `every secret that is missing is reported at once, once for a rack`() async throws {
        let recipe =
            Self.rack.replacing("!env PI_PASSWORD }", with: "!env GONE, ssh_authorized_keys: [!file gone.pub] }")
            + "\nfirst_boot: { files: [{ path: /etc/x, content: !file gone.txt }] }\n"
        try harness.prepare(.hypriot, recipe: recipe)
        for options in [[], ["--no-image"]] {
            let outcome = await harness.run(list: ["check"] + options + ["red01.yaml"])
            #expect(outcome.status == 2)
            let lines = outcome.errors.split(separator: "\n")
                .filter { $0.contains(".yaml:") && !$0.contains(": warning: ") }
            #expect(lines.count == 3, "\(outcome.errors)")
            for (name, place) in [("GONE", "4:"), ("gone.pub", "4:"), ("gone.txt", "5:")] {
                #expect(lines.contains { $0.hasPrefix("red01.yaml:\(place)") && $0.contains(name) }, "\(lines)")
            }
        }
        #expect(await harness.run("check", "--no-secrets", "red01.yaml").status == 0)
        let writing = await harness.run("write", "--recipe", "red01.yaml", "--node", "red02", "--yes", "card.img")
        #expect(writing.status == 2)
        #expect(writing.errors.split(separator: "\n").filter { $0.contains("red01.yaml:") }.count == 3)
    }

    @Test func `programs are not run and nobody is asked`() async throws {
        let recipe = Self.rack.replacing("!env PI_PASSWORD", with: "!command touch \(scratch["ran"])")
        try harness.prepare(
            .hypriot, recipe: recipe + "\nfirst_boot: { files: [{ path: /etc/x, content: !prompt hm }] }\n")
        let outcome = await harness.run("check", "red01.yaml")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect((try? scratch["ran"].stat()) == nil)
    }

    @Test func `an image that is damaged or unknown is an error at its line`() async throws {
        try harness.prepare(.hypriot, recipe: Self.rack)
        let whole = scratch.read("sample.img.zip")
        scratch.write(Array(whole[..<(whole.count / 2)]), to: "sample.img.zip")
        let damaged = await harness.run("check", "red01.yaml")
        #expect(damaged.status == 2)
        #expect(damaged.errors.split(separator: "\n").count { $0.contains("red01.yaml:1:") } == 1, "\(damaged.errors)")
        scratch.write("no image", to: "sample.img.zip")
        let unknown = await harness.run("check", "red01.yaml")
        #expect(unknown.status == 2 && unknown.errors.contains("red01.yaml:1:"))
        let closed = await harness.run("check", "--no-image", "red01.yaml")
        #expect(closed.status == 0)
        #expect(closed.output.split(separator: "\n").allSatisfy { $0.hasSuffix(": ok (the image was not opened)") })
        #expect(closed.output.split(separator: "\n").count == 3)
    }

    @Test func `a problem that differs only in the node's name is reported once for the rack`() async throws {
        let recipe = Self.rack + "\ndocker: { daemon: { storage-driver: no-such-driver } }\n"
        try harness.prepare(.hypriot, recipe: recipe)
        let outcome = await harness.run("check", "red01.yaml")
        #expect(outcome.status == 2)
        #expect(outcome.errors.split(separator: "\n").count { $0.contains("no-such-driver") } == 1)
    }

    @Test func `the result as JSON has every diagnostic with its place`() async throws {
        struct Result: Decodable {
            struct Node: Decodable, Equatable { let node, recipe, flavour: String, image_opened: Bool }
            struct Diagnostic: Decodable { let severity, file, message: String, line, column: Int }
            let nodes: [Node]
            let diagnostics: [Diagnostic]
        }
        func result(_ recipe: String) async throws -> (status: Int32, Result) {
            scratch.write(recipe, to: "red01.yaml")
            let outcome = await harness.run("check", "--json", "red01.yaml")
            return (outcome.status, try JSONDecoder().decode(Result.self, from: Data(outcome.output.utf8)))
        }
        try harness.prepare(.hypriot, recipe: Self.rack)
        let (good, fine) = try await result(Self.rack)
        #expect(good == 0)
        #expect(fine.nodes.map(\.node) == ["red01", "red02", "red03"])
        #expect(
            fine.nodes[0]
                == .init(node: "red01", recipe: "red01.yaml", flavour: "hypriot-cloud-init", image_opened: true))
        let (bad, wrong) = try await result(Self.rack + "\ndocker: { daemon: { storage-driver: no-such-driver } }\n")
        #expect(bad == 2 && wrong.nodes.isEmpty)
        let mistake = try #require(wrong.diagnostics.first { $0.message.contains("no-such-driver") })
        #expect(mistake.severity == "error" && mistake.file == "red01.yaml" && mistake.line == 5 && mistake.column > 1)
    }

    @Test func `write --json reports mistakes as events, the failure last`() async throws {
        try harness.prepare(.hypriot, recipe: Self.rack + "\ndocker: { daemon: { storage-driver: no-such-driver } }\n")
        for command in [
            ["write", "--json", "--recipe", "red01.yaml", "--node", "red01", "--yes", "card.img"],
            ["batch", "--json", "--yes", "-d", "card.img", "red01.yaml"],
        ] {
            let outcome = await harness.run(list: command)
            #expect(outcome.status == 2)
            let events = try outcome.output.split(separator: "\n").map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
            }
            let mistakes = events.filter {
                $0["event"] as? String == "diagnostic" && $0["severity"] as? String == "error"
            }
            #expect(mistakes.count == 1 && mistakes.first?["line"] as? Int == 5)
            #expect(events.last?["event"] as? String == "failed" && events.last?["exit"] as? Int == 2)
            #expect(events.last?["code"] as? String == "recipes.mistakes")
        }
    }
}
