import Foundation
import SystemPackage
import TestSupport
import Testing
import Text

/// Every format's escaping, read back by who really reads it.
@Suite struct FormatTextTests {
    @Test(arguments: [["dash"], ["bash"], ["busybox", "sh"]])
    func `every shell reads a quoted text as one word, whatever its characters are joined with`(_ shell: [String])
        throws
    {
        for text in HostileTexts.all {
            for word in [shellQuoted(text), shellWord(text)] {
                let script = "set -- \(word); printf '%s|%s' \"$#\" \"$1\""
                let result = try OutsideTool(shell[0]).run(shell.dropFirst() + ["-c", script])
                #expect(result.output == Array("1|\(text)".utf8), "\(result.errors)")
            }
        }
    }

    @Test func `a parser of HTML finds no element in an escaped text, and reads it as it was`() throws {
        let body = HostileTexts.all.map { "<p title=\"\(htmlEscaped($0))\">\(htmlEscaped($0))</p>" }.joined()
        let script = """
            import html5lib, json, sys
            tree = html5lib.parseFragment(sys.stdin.buffer.read().decode(), namespaceHTMLElements=False)
            print(json.dumps([[e.tag, e.get('title'), e.text, len(e)] for e in tree]))
            """
        let result = try OutsideTool("python3").run(["-c", script], input: Array(body.utf8))
        let found = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output)) as? [[Any]], "\(result.errors)")
        #expect(found.count == HostileTexts.all.count)
        for (element, text) in zip(found, HostileTexts.all) {
            #expect(element[0] as? String == "p" && element[3] as? Int == 0)
            #expect((element[1] as? String).map { Array($0.utf8) } == Array(text.utf8))
            #expect((element[2] as? String).map { Array($0.utf8) } == Array(text.utf8))
        }
        #expect(htmlEscaped("a\u{0}\u{1B}b\n") == "a  b\n")
    }

    /// systemd reads units without being the system's first process: it prints what it has understood, and ends.
    @Test func `systemd reads an assignment as it was`() throws {
        let scratch = ScratchDirectory()
        let texts = HostileTexts.all + ["\u{1B}[2J", "100%", "%h", "$HOME", "${HOME}", "a\\", "\t", "x\u{9B}y"]
        let lines = texts.enumerated().map { "Environment=\(systemdAssignment("V\($0)", $1))" }
        let unit =
            "[Service]\nType=oneshot\n\(lines.joined(separator: "\n"))\nExecStart=/bin/true \(systemdWord("a $b %c\"d'"))\n"
        scratch.write(unit, to: "units/x.service")
        for directory in ["home", "run"] { scratch.write("", to: "\(directory)/.keep") }
        let result = try OutsideTool("sh").run([
            "-c",
            """
            chmod -R go+rX "$0" && chown -R 65534 "$0/home" "$0/run" && chmod 700 "$0/run"
            HOME="$0/home" XDG_CONFIG_HOME="$0/home" XDG_RUNTIME_DIR="$0/run" SYSTEMD_UNIT_PATH="$0/units:" LC_ALL=C.UTF-8 \\
                setpriv --reuid 65534 --clear-groups /lib/systemd/systemd --test --user --unit=x.service
            """, scratch.path.string,
        ])
        let read = result.output.split(separator: UInt8(ascii: "\n"))
        for (index, text) in texts.enumerated() {
            let line = Array("\t\tEnvironment: V\(index)=\(text)".utf8)
            #expect(read.contains { Array($0) == line }, "\(text.debugDescription)")
        }
        #expect(
            result.text.contains(#"Command Line: /bin/true "a \$b %c\"d'""#) || result.text.contains("a \\$\\$b %c"))
    }

    @Test func `JSON, which a terminal may show, is the same JSON without what a terminal obeys`() throws {
        for text in HostileTexts.all + [HostileTexts.controls, "\u{0}"] {
            let json = JSONValue.quoted(text)
            #expect(
                json.visibleJSON.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
            let result = try OutsideTool("python3").run(
                ["-c", "import json, sys; sys.stdout.buffer.write(json.loads(sys.stdin.buffer.read()).encode())"],
                input: Array(json.visibleJSON.utf8))
            #expect(result.output == Array(text.utf8), "\(result.errors)")
        }
    }
}
