import ArgumentParser
import Foundation
import PiflashCommands
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
        // README's nodes have no wifi.
        harness.scratch.write(CommandHarness.recipe.replacing(/wifi: .*/, with: ""), to: "red.yaml")
        // What the examples name.
        let students = try Self.text("recipes/classroom/students.csv")
        harness.scratch.write(students, to: "students.csv")
        harness.scratch.write("services: { web: { image: nginx } }\n", to: "web.yml")
        for document in ["README.md", "docs/recipes.md", "docs/docker.md", "docs/swarm.md"] {
            let examples = try Self.examples(document)
            #expect(!examples.isEmpty)
            for example in examples {
                harness.scratch.write(example, to: "example.yaml")
                let outcome = await harness.run("check", "--no-image", "--no-secrets", "example.yaml")
                #expect(outcome.status == 0, "\(document): \(outcome.errors)")
            }
        }
    }

    @Test(arguments: [("recipes/red", 5), ("recipes/classroom", 6)])
    func `the recipes that come with piflash check`(_ path: String, _ nodes: Int) async throws {
        let outcome = await harness.run("check", "--no-image", "--no-secrets", "\(Self.root)/\(path)")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.isEmpty)
        #expect(outcome.output.split(separator: "\n").count == nodes)
    }

    /// The words of every command, "swarm ls" for one; the empty list is piflash itself.
    static func commands(
        of command: any ParsableCommand.Type = PiflashCommand.self, words: [String] = []
    ) -> [[String]] {
        [words]
            + command.configuration.subcommands.flatMap { inner in
                commands(of: inner, words: words + [inner.configuration.commandName ?? ""])
            }
    }

    @Test(arguments: commands())
    func `help fits in 80 columns, has examples and names what is below`(_ words: [String]) async throws {
        let help = await harness.run(list: words + ["--help"])
        #expect(help.status == 0)
        for line in help.output.split(separator: "\n") {
            #expect(line.count <= 80, "\(words): \(line)")
        }
        #expect(help.output.contains("  piflash \(words.joined(separator: " "))"), "an example")
        for inner in Self.commands() where !inner.isEmpty && inner.dropLast() == words[...] {
            #expect(help.output.contains("  \(inner.last ?? "") "))
        }
    }

    @Test func `examples of help name nodes and recipes that come with piflash`() async throws {
        for words in Self.commands() {
            let help = await harness.run(list: words + ["--help"])
            for match in help.output.matches(of: /recipes\/[a-z0-9\/]+\.yaml/) {
                #expect((try? Self.text(String(match.0))) != nil, "\(words): \(match.0)")
            }
        }
    }

    @Test(arguments: [
        "README.md", "docs/recipes.md", "docs/docker.md", "docs/swarm.md", "docs/first-boot.md", "docs/nodes.md",
    ])
    func `links between the documents lead somewhere`(_ document: String) throws {
        let directory = document.hasPrefix("docs/") ? "docs/" : ""
        for match in try Self.text(document).matches(of: /\]\(([a-zA-Z\/.-]+)\)/) {
            #expect((try? Self.text(directory + match.1)) != nil, "\(match.1)")
        }
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `shell completions are to be had`(_ shell: String) async throws {
        let script = await harness.run("--generate-completion-script", shell)
        #expect(script.status == 0)
        #expect(script.output.contains("configure"))
    }
}
