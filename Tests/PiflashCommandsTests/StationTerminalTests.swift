import Foundation
import SystemPackage
import TestSupport
import Testing

/// The program itself at a real terminal: keys go in, the screen is looked at, and loop devices come and go as cards do.
@Suite(.timeLimit(.minutes(15))) struct StationTerminalTests {
    let harness = CommandHarness()

    /// A separate terminal with a shell in it.
    private final class Terminal {
        private let socket: String

        init(_ scratch: ScratchDirectory) throws {
            socket = scratch["tmux"].string
            try run("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", "sh")
        }

        deinit { _ = try? run("kill-server") }

        @discardableResult private func run(_ arguments: String...) throws -> String {
            let result = try OutsideTool("tmux").run(
                ["-S", socket] + arguments, environment: ["TERM": "xterm", "LC_ALL": "C.UTF-8"])
            guard result.succeeded else { throw OutsideTool.Missing(description: "tmux: \(result.errors)") }
            return result.text
        }

        func type(_ text: String) throws { try run("send-keys", "-l", text) }
        func key(_ name: String) throws { try run("send-keys", name) }
        func screen() throws -> String { try run("capture-pane", "-p", "-J") }
        /// Whether the terminal has rung since this was asked last.
        func hasRung() throws -> Bool {
            try run("display-message", "-p", "#{window_bell_flag}").hasPrefix("1")
        }

        /// Waits until the screen shows `text`; the time limit ends a wait in vain.
        func wait(for text: String) async throws {
            do {
                while try !screen().contains(text) { try await Task.sleep(for: .milliseconds(100)) }
            } catch {
                Issue.record("no \"\(text)\" on the screen:\n\((try? screen()) ?? "")")
                throw error
            }
        }
    }

    /// A reader: a loop device, over an empty file while no card is in it, so that no other test takes it meanwhile.
    private final class Reader {
        let device: String
        private let nothing: FilePath

        /// `number` is beyond those that a search for a free one finds.
        init(_ number: Int, _ scratch: ScratchDirectory) throws {
            device = "/dev/loop\(number)"
            nothing = scratch["nothing\(number)"]
            scratch.write("", to: "nothing\(number)")
            try attach(nothing)
        }

        deinit { _ = try? OutsideTool("losetup").run(["--detach", device]) }

        func putIn(_ card: FilePath) throws {
            try detach()
            try attach(card)
        }

        func takeOut() throws {
            try detach()
            try attach(nothing)
        }

        private func detach() throws { #expect(try OutsideTool("losetup").run(["--detach", device]).succeeded) }

        /// A device that somebody is just looking at goes when they have looked.
        private func attach(_ file: FilePath) throws {
            let done = try OutsideTool("sh").run([
                "-c", "for i in $(seq 100); do losetup \"$0\" \"$1\" && exit; sleep 0.1; done; exit 1", device,
                file.string,
            ])
            guard done.succeeded else { throw OutsideTool.Missing(description: "losetup: \(done.errors)") }
        }
    }

    private func card(_ name: String, size: String = "120M") throws -> FilePath {
        #expect(try OutsideTool("truncate").run(["-s", size, harness.scratch[name].string]).succeeded)
        return harness.scratch[name]
    }

    private func hostname(_ card: FilePath) throws -> String {
        try Mtools(image: card).text(of: "user-data").split(separator: "\n").first { $0.hasPrefix("hostname:") }
            .map(String.init) ?? ""
    }

    @Test func `cards are put in, reported by name and bell, and taken out`() async throws {
        try harness.prepare(recipe: BatchCommandTests.recipe(3))
        try FileManager.default.moveItem(
            atPath: harness.scratch["red01.yaml"].string, toPath: harness.scratch["red.yaml"].string)
        let cards = try (1...4).map { try card("card\($0)") }
        let number = 1000 + 2 * Int.random(in: 0..<1000)
        let (left, other) = (try Reader(number, harness.scratch), try Reader(number + 1, harness.scratch))
        try left.putIn(cards[0])

        let terminal = try Terminal(harness.scratch)
        try terminal.type(
            """
            cd '\(harness.scratch.path)'; export HOME=$PWD XDG_CACHE_HOME=$PWD/cache PI_PASSWORD=pearl \
            WIFI='correct horse'; clear; '\(try BuiltProgram.path())' batch red.yaml --reader left=\(left.device); echo "exit $?"
            """)
        try terminal.key("Enter")
        try await terminal.wait(for: "overwrite every card that is put in from now on? [yes/no]")
        #expect(try terminal.screen().contains("readers         left \(left.device)"))
        try terminal.type("yes")
        try terminal.key("Enter")
        try await terminal.wait(for: "red01 done: take it out of the left reader and label it")
        try await terminal.wait(for: "1 of 3 done; put in a card for red02")
        #expect(try terminal.hasRung())
        try left.takeOut()

        // A loop device that was not named is not a reader.
        try other.putIn(cards[3])
        try terminal.type("predo")
        try await terminal.wait(for: "which node next? redo")
        for _ in 0..<4 { try terminal.key("BSpace") }
        try terminal.type("red03")
        try terminal.key("Enter")
        try await terminal.wait(for: "1 of 3 done; put in a card for red03")
        try left.putIn(cards[1])
        try await terminal.wait(for: "red03 done: take it out of the left reader and label it")
        try left.takeOut()
        // The same card again: it is known, and not written.
        let before = harness.scratch.read("card2")
        try left.putIn(cards[1])
        try await terminal.wait(for: "red03's card is in the left reader, and is done: take it out")
        try left.takeOut()
        #expect(harness.scratch.read("card2") == before)
        try terminal.type("q")
        try await terminal.wait(for: "exit 0")
        #expect(try terminal.screen().contains("left: red02"))

        // At the next start, the question says what happens to a card that is in.
        try left.putIn(cards[1])
        try terminal.type("clear; '\(try BuiltProgram.path())' batch red.yaml --reader left=\(left.device)")
        try terminal.key("Enter")
        // The question alone may still be the last one, until the screen is cleared.
        try await terminal.wait(for: "is done, stays  \(left.device)")
        try await terminal.wait(for: "overwrite every card that is put in from now on? [yes/no]")
        try terminal.type("no")
        try terminal.key("Enter")
        try await terminal.wait(for: "nothing was written")
        // With another password, that card is to be made again.
        try terminal.type(
            "clear; PI_PASSWORD=black '\(try BuiltProgram.path())' batch red.yaml --reader left=\(left.device)")
        try terminal.key("Enter")
        // The question alone may still be the last one, until the screen is cleared.
        try await terminal.wait(for: "is written      \(left.device)")
        try await terminal.wait(for: "overwrite every card that is put in from now on? [yes/no]")
        #expect(
            try terminal.screen().contains("done before     red01 red03: recipe, secrets or image have changed since"))
        try terminal.type("no")
        try terminal.key("Enter")
        try await terminal.wait(for: "nothing was written")

        // The terminal is as it was: what is typed shows again.
        try terminal.type("echo it echoes")
        try await terminal.wait(for: "echo it echoes")
        #expect(try hostname(cards[0]).contains("red01"))
        #expect(try hostname(cards[1]).contains("red03"))
        #expect(harness.scratch.read("card4").holdsOnly(0))
    }
}
