import Foundation
import SystemPackage
import TestSupport
import Testing

/// What the documents say is run here, so that it stays true.
@Suite struct DocumentationTests {
    static let root = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()

    let harness = CommandHarness()

    static func text(_ name: String) throws -> String {
        try String(
            contentsOfFile: root.appending(name.split(separator: "/").compactMap { .init(String($0)) }).string,
            encoding: .utf8)
    }

    /// The fenced YAML blocks of a document.
    static func examples(_ name: String) throws -> [String] {
        try text(name).components(separatedBy: "```yaml\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
    }

    @Test func `the recipes in the documents check`() async throws {
        harness.scratch.write("base: of examples", to: "image")
        harness.scratch.write(CommandHarness.recipe, to: "red.yaml")
        for document in ["README.md", "docs/recipes.md"] {
            let examples = try Self.examples(document)
            #expect(!examples.isEmpty)
            for example in examples {
                harness.scratch.write(example, to: "example.yaml")
                let outcome = await harness.run("check", "--without-images", "example.yaml")
                #expect(outcome.status == 0, "\(document): \(outcome.errors)")
            }
        }
    }

    @Test func `the recipes that come with piflash check`() async throws {
        let rack = await harness.run("check", "--without-images", "\(Self.root)/recipes/red")
        #expect(rack.status == 0, "\(rack.errors)")
        #expect(rack.output.split(separator: "\n").count == 5)
    }

    @Test func `help fits in 80 columns and names every command`() async throws {
        let help = await harness.run("--help")
        #expect(help.status == 0)
        for command in [
            "write", "configure", "check", "render", "devices", "inspect", "image", "context", "schema", "labels",
            "new",
            "status",
        ] {
            #expect(help.output.contains("  \(command) "))
            let own = await harness.run(command, "--help")
            #expect(own.status == 0)
            for line in own.output.split(separator: "\n") {
                #expect(line.count <= 80 || line.hasPrefix("USAGE: "), "\(command): \(line)")
            }
        }
    }

    @Test func `links between the documents lead somewhere`() throws {
        for match in try Self.text("README.md").matches(of: /\]\(([a-zA-Z\/.-]+)\)/) {
            #expect((try? Self.text(String(match.1))) != nil, "\(match.1)")
        }
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `shell completions are to be had`(_ shell: String) async throws {
        let script = await harness.run("--generate-completion-script", shell)
        #expect(script.status == 0)
        #expect(script.output.contains("configure"))
    }
}
