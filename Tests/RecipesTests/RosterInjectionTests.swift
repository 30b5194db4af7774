import Diagnostics
import Foundation
import Host
import Recipes
import SystemPackage
import TestSupport
import Testing

/// A roster is written by others than the recipe: its values stay what they are, one word, wherever a variable is.
@Suite struct RosterInjectionTests {
    private let scratch = ScratchDirectory()

    /// What a value might do in a shell, between quotes of each kind, and behind characters that join.
    static let hostile =
        [
            "$(touch PWN)", "`touch PWN`", "'; touch PWN; '", "\"; touch PWN; \"", "; touch PWN", "& touch PWN",
            "| touch PWN",
            "\ntouch PWN\n", "a' \"$(touch PWN)\" 'b", "\\'; touch PWN #", ") touch PWN", "} ; touch PWN; {", "${IFS}",
            "a\u{600}'; touch PWN; '\u{600}", "\u{301}`touch PWN`", "x >PWN", "x\\", "$'\\'; touch PWN #'", "*",
            "~root", "a  b",
            "<(touch PWN)", "END\ntouch PWN\n", "!!", "$PWD", "esac; touch PWN",
        ] + HostileTexts.all
    /// What stays itself in every place.
    static let plain = ["ann", "x.y@z", "a_b-c", "7"]

    private func load(_ text: String, value: String) throws -> LoadedRack {
        let quoted = String(
            String.UnicodeScalarView(value.unicodeScalars.flatMap { $0 == "\"" ? [$0, $0] : [$0] }))
        scratch.write(text, to: "class.yaml")
        scratch.write("col\n\"\(quoted)\"\n", to: "r.csv")
        return try RecipeLoader(
            user: InvokingUser(userID: getuid(), groupID: getgid(), home: scratch.path), workingDirectory: scratch.path,
            requireImage: false
        ).loadRack(["class.yaml"])
    }

    /// The only line of `first_boot.run`, or the errors.
    private func line(_ command: String, value: String) -> Result<String, DiagnosticReport> {
        let indented = command.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n      ")
        let text =
            "nodes: pi1\nroster: r.csv\nuser: { name: pi, password: x }\nfirst_boot:\n  run:\n    - |-\n      \(indented)\n"
        do { return .success(try load(text, value: value).nodes[0].firstBoot.run[0].value) } catch let report
            as DiagnosticReport
        {
            return .failure(report)
        } catch {
            return .failure(DiagnosticReport([Diagnostic(.error, at: nil, "\(error)")]))
        }
    }

    /// Commands in which a variable is an argument; each prints its words, one line for each.
    static let arguments = [
        "words a {{col}} b", "words a{{col}}b", "x={{col}}; words \"$x\"", "words \"$(printf %s {{col}})\"",
        "if true; then words {{ col }}; fi", "words 'welcome '{{col}}\"!\"", "words \\\n  {{col}}",
        "words x 2>/dev/null {{col}}",
        "for x in {{col}}; do words \"$x\"; done", "{ words {{col}}; } && words {{col}}",
        "words x # note\nwords {{col}}",
        "words ${HOME} {{col}}", "words a\\ b {{col}}", "true | words {{col}}", "words >&1 {{col}}",
        "words '#' {{col}}",
    ]
    /// Commands in which it is not: between quotes, in a comment, a here-document, code for another shell.
    static let quoted = [
        "words '{{col}}'", "words \"a {{col}} b\"", "words x # {{col}}\nwords y", "words `printf %s {{col}}`",
        "cat <<END\n{{col}}\nEND", "cat <<'END'\n{{col}}\nEND", "words $((1 + {{col}}))", "words ${x:-{{col}}}",
        "words \"${x:-{{col}}}\"", "words $'{{col}}'", "words \"$(words '{{col}}')\"", "sh -c 'words {{col}}'",
        "sh -c {{col}}x",
        "eval echo {{col}}", "words $'a\\'' {{col}}", "sh -c \"echo {{col}}\"",
        "words \"$(case x in x) echo \"{{col}}\";; esac)\"", "x=`echo \\`echo {{col}}\\``",
    ]
    static let programs = [
        "{{col}}", "  {{col}} x", "words; {{col}}", "x=1 {{col}}", "if {{col}}; then :; fi", "words | {{col}}",
        "words && {{col}}",
        "sudo {{col}}", "eval {{col}}", "$({{col}})", "\"{{col}}\" x", "! {{col}}", "2>x {{col}}", "( {{col}} )",
        "{ {{col}}; }",
        "exec {{col}}", ". {{col}}", "find . -exec {{col}} ;", "env A=b {{col}}", ">x {{col}}",
    ]

    private static let shells = [["dash"], ["bash"], ["busybox", "sh"]]

    /// The output of each command in a shell, each in a directory of its own, and the files that appeared there.
    private func run(_ commands: [String], _ shell: [String]) throws -> (words: [[UInt8]], files: [String]) {
        var script = ""
        for (index, command) in commands.enumerated() {
            scratch.write("", to: "\(shell[0])\(index)/.keep")
            // "words" prints its words, a line for all of them.
            scratch.write(
                "words() { [ \"$#\" -gt 0 ] || return 0; printf '<%s>' \"$@\"; echo; }\n\(command)\n",
                to: "\(shell[0])\(index).sh")
            script +=
                "cd '\(scratch["\(shell[0])\(index)"])' && \(shell.joined(separator: " ")) ../\(shell[0])\(index).sh; printf '\\036'\n"
        }
        let result = try OutsideTool(shell[0]).run(shell.dropFirst() + ["-c", script])
        let files = try commands.indices.flatMap {
            try FileManager.default.contentsOfDirectory(atPath: scratch["\(shell[0])\($0)"].string)
        }
        return (
            result.output.split(separator: 0x1E, omittingEmptySubsequences: false).dropLast().map(Array.init),
            files.filter { $0 != ".keep" }
        )
    }

    @Test(arguments: arguments) func `an argument becomes one word that no value leaves, in every shell`(
        _ command: String
    ) throws {
        let values = Self.hostile + Self.plain
        // The first shows what is around the word, by one that needs no quotes.
        let commands = try (["Xy7q"] + values).map { try line(command, value: $0).get() }
        for shell in Self.shells {
            let (words, files) = try run(commands, shell)
            #expect(files.isEmpty && words.count == commands.count, "\(files)")
            let around = String(decoding: words[0], as: UTF8.self)
            #expect(around.contains("Xy7q"))
            for (index, value) in values.enumerated() {
                // A shell's own "$(…)" drops line ends.
                guard !command.contains("$(") || !value.utf8.contains(0x0A) else { continue }
                let wanted = around.replacing("Xy7q", with: value)
                #expect(words[index + 1] == Array(wanted.utf8), "\(shell): \(commands[index + 1])")
            }
        }
    }

    @Test(arguments: quoted) func `between quotes and in other shells' code only a plain value is taken`(
        _ command: String
    ) throws {
        for value in Self.hostile {
            guard case .failure(let report) = line(command, value: value) else {
                Issue.record("\(command) takes \(value.debugDescription)")
                continue
            }
            let errors = report.errors.map(\.description)
            #expect(errors.count == 1)
            #expect(errors[0].hasPrefix("class.yaml:6:7: {{col}} (r.csv:2) is inside quotes"), "\(errors[0])")
            #expect(errors[0].contains("write it outside of the quotes") && !errors[0].contains("PWN"))
        }
        for value in Self.plain {
            let text = try line(command, value: value).get()
            #expect(text == command.replacing("{{col}}", with: value))
        }
    }

    @Test(arguments: programs) func `a roster chooses no program`(_ command: String) {
        for value in ["reboot", "$(touch PWN)", "a b"] {
            guard case .failure(let report) = line(command, value: value) else {
                Issue.record("\(command) takes \(value)")
                continue
            }
            #expect(report.errors.contains { $0.text.contains("is the program of this command") }, "\(report.errors)")
        }
    }

    @Test func `what stands before or in the word is looked at, too`() {
        for command in ["words ${{col}}", "words \\{{col}}", "words \"${{col}}\""] {
            guard case .failure(let report) = line(command, value: "HOME") else {
                Issue.record("\(command) is taken")
                continue
            }
            #expect(report.errors[0].text.contains("is behind"))
        }
        guard case .failure(let option) = line("words {{col}}", value: "--version") else {
            Issue.record("an option is taken")
            return
        }
        #expect(option.errors[0].text.contains("begins with \"-\""))
        // Behind "=" it is no option.
        #expect((try? line("words --name={{col}}", value: "-x y").get()) == "words --name='-x y'")
        // The built-in variables are plain everywhere.
        #expect(
            (try? line("echo \"{{node}} {{index}}\" `echo {{count}}`", value: "x").get()) == "echo \"pi1 1\" `echo 1`")
    }

    private func secret(_ text: String, value: String) -> Result<Secret.Source?, DiagnosticReport> {
        do {
            let rack = try load(
                "nodes: pi1\nroster: r.csv\nuser: { name: pi, password: \(text) }\n", value: value)
            return .success(rack.nodes[0].user?.password?.source)
        } catch let report as DiagnosticReport { return .failure(report) } catch {
            return .failure(DiagnosticReport())
        }
    }

    @Test func `the words of a command are split before a value is in them, and the program is the recipe's`() throws {
        let taken = try secret("!command \"pass show class/{{col}}\"", value: "x --help\ty").get()
        #expect(taken == .command(["pass", "show", "class/x --help\ty"]))
        let list = try secret("!command [pass, show, \"{{col}}\"]", value: "x y").get()
        #expect(list == .command(["pass", "show", "x y"]))
        let script = try secret("!command [sh, -c, 'echo $1', sh, \"{{col}}\"]", value: "$(id)").get()
        #expect(script == .command(["sh", "-c", "echo $1", "sh", "$(id)"]))
        for (text, value, message) in [
            ("!command \"{{col}}\"", "id", "is the program of !command"),
            ("!command \"{{col}} x\"", "id", "is the program"),
            ("!command [env, \"A=b\", \"{{col}}\"]", "id", "is the program"),
            ("!command \"./{{col}}\"", "id", "is the program"),
            ("!command [pass, \"{{col}}\"]", "--help", "begins with \"-\""),
            ("!command [sh, -c, \"pass show {{col}}\"]", "a; id", "is inside a program for an interpreter"),
            ("!command [bash, -ec, \"{{col}}\"]", "id", "is a program for an interpreter"),
            ("!command [ssh, host, pass, \"x{{col}}\"]", "a b", "is inside a program for an interpreter"),
            ("!command [python3, -c, \"print('{{col}}')\"]", "')+('", "is inside a program for an interpreter"),
            ("!env \"{{col}}\"", "PATH", "begins the name of an environment variable"),
        ] {
            guard case .failure(let report) = secret(text, value: value) else {
                Issue.record("\(text) is taken")
                continue
            }
            #expect(report.errors.contains { $0.text.contains(message) }, "\(text): \(report.errors)")
        }
        #expect(try secret("!env \"PW_{{col}}\"", value: "ANN").get() == .environment("PW_ANN"))
    }

    static let paths = [
        "../../etc/shadow", "/etc/shadow", "a/b", "..", ".", ".ssh", "~root", "~", "x\u{600}/\u{301}y", "a\u{9B}b",
        "a\nb",
    ]

    @Test(arguments: paths) func `a value leads no file out of its directory`(_ value: String) {
        for (key, text) in [
            ("!file", "user: { name: pi, password: !file \"notes/{{col}}\" }"),
            ("!file", "user: { name: pi, password: !file \"{{col}}\" }"),
            ("image", "image: { source: \"images/{{col}}\" }"), ("preload", "docker: { preload: [\"{{col}}\"] }"),
            ("packages", "docker: { packages: [\"{{col}}\"] }"),
            ("compose", "swarm: { managers: [pi1], stacks: [{ name: a, compose: \"x/{{col}}\" }] }"),
        ] {
            let report = #expect(throws: DiagnosticReport.self) {
                _ = try load("nodes: pi1\nroster: r.csv\n\(text)\n", value: value)
            }
            let found = report?.errors.filter { $0.text.contains("is part of a file's path, and its value") } ?? []
            #expect(found.count == 1 && found.first?.location?.line == 3, "\(key): \(report?.description ?? "")")
        }
    }

    @Test func `a plain name leads to its file`() throws {
        scratch.write("sesame\n", to: "notes/ann b.txt")
        let source = try secret("!file \"notes/{{col}}.txt\"", value: "ann b").get()
        #expect(source == .file(scratch["notes/ann b.txt"].string))
    }

    @Test func `a roster is read by scalars, so that no mark hides its quotes and commas`() throws {
        scratch.write("a,b\n\u{301},\u{600}\"x\n\"\u{301},\",y\u{200D}\n", to: "r.csv")
        scratch.write("nodes: \"pi[1-2]\"\nroster: r.csv\nuser: { name: pi, password: x }\n", to: "class.yaml")
        let rows = try RecipeLoader(
            user: InvokingUser(environment: [:]), workingDirectory: scratch.path, requireImage: false
        ).loadRack(["class.yaml"]).members.map { $0.columns.map { Array($0.value.utf8) } }
        #expect(rows == [["\u{301}", "\u{600}\"x"], ["\u{301},", "y\u{200D}"]].map { $0.map { Array($0.utf8) } })
    }
}
