import Foundation
import SystemPackage
import TestSupport
import Testing

/// A secret's value is checked in the same way whether the recipe has it or names where it is.
@Suite struct SecretVerdictTests {
    let harness = CommandHarness()
    private static let options = "no-pty,from=\"192.168.50.0/24\" " + CommandHarness.key

    private func recipe(token: String, key: String) -> String {
        CommandHarness.recipe.replacing("\"\(CommandHarness.token)\"", with: token)
            .replacing("\"\(CommandHarness.key)\"", with: key)
    }

    @Test(arguments: ["write", "configure", "batch"])
    func `a token that joins nothing never reaches a card, wherever it comes from`(_ command: String) async throws {
        try harness.prepare()
        #expect(await harness.run("write", "--recipe", "red01.yaml", "--yes", "card.img").status == 0)
        let before = harness.scratch.read("card.img")
        var errors: [String] = []
        for token in ["SWMTKN-1-abc-def", "!env TOKEN", "!command [cat, \(harness.scratch["token"])]", "!file token"] {
            harness.scratch.write("SWMTKN-1-abc-def\n", to: "token")
            harness.scratch.write(recipe(token: token, key: "!file key.pub"), to: "red01.yaml")
            harness.scratch.write(CommandHarness.key, to: "key.pub")
            let arguments =
                switch command {
                case "write": ["write", "--recipe", "red01.yaml", "--yes", "card.img"]
                case "configure": ["configure", "--recipe", "red01.yaml", "card.img"]
                default: ["batch", "red01.yaml", "--yes", "-d", "card.img"]
                }
            let outcome = await harness.run(list: arguments, environment: ["TOKEN": "SWMTKN-1-abc-def"])
            #expect(outcome.status == 2, "\(outcome.errors)")
            #expect(!outcome.errors.contains("abc-def"))
            errors += outcome.errors.split(separator: "\n")
                .filter { $0.contains("swarm.token") && !$0.contains("asks `cat") }.map(String.init)
        }
        #expect(errors.count == 4 && Set(errors).count == 1, "\(errors)")
        #expect(errors.first?.contains("red01.yaml:10:57: swarm.token: this is not a valid join token") == true)
        #expect(harness.scratch.read("card.img") == before)
    }

    @Test func `a key with options of sshd reaches the card, written out or from a file`() async throws {
        try harness.prepare()
        harness.scratch.write(Self.options + "\n", to: "key.pub")
        var cards: [[UInt8]] = []
        for key in ["'\(Self.options)'", "!file key.pub"] {
            harness.scratch.write(recipe(token: CommandHarness.token, key: key), to: "red01.yaml")
            #expect(await harness.run("check", "red01.yaml").status == 0)
            let outcome = await harness.run("write", "--recipe", "red01.yaml", "--yes", "card.img")
            #expect(outcome.status == 0, "\(outcome.errors)")
            let userData = try Mtools(image: harness.scratch["card.img"]).text(of: "user-data")
            let quoted = Self.options.replacing("\"", with: "\\\"")
            #expect(userData.contains("    - \"\(quoted)\"\n"), "\(userData)")
            cards.append(Array(userData.utf8))
        }
        #expect(cards[0] == cards[1])
        let unknown = "no-such-option \(CommandHarness.key)"
        harness.scratch.write(unknown + "\n", to: "key.pub")
        var errors: [String] = []
        for key in ["'\(unknown)'", "!file key.pub"] {
            harness.scratch.write(recipe(token: CommandHarness.token, key: key), to: "red01.yaml")
            let outcome = await harness.run("write", "--recipe", "red01.yaml", "--yes", "card.img")
            #expect(outcome.status == 2)
            errors += outcome.errors.split(separator: "\n").filter { $0.contains("ssh_authorized") }.map(String.init)
        }
        #expect(errors.count == 2 && Set(errors).count == 1, "\(errors)")
    }
}
