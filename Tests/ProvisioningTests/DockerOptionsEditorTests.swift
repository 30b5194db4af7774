import Foundation
import SystemPackage
import Testing
import TestSupport

@testable import Provisioning

/// The only editor of DOCKER_OPTS, on files that people have edited. The oracles are the shells that source the file.
@Suite struct DockerOptionsEditorTests {
    private static let shells = [["/usr/bin/dash"], ["/bin/bash", "--posix"], ["/usr/bin/busybox", "sh"]]

    /// The words of DOCKER_OPTS in each of `files`, as each shell splits it after it has sourced the file. All files go to
    /// one process of each shell, and `sh -n` must accept them all.
    private static func words(of files: [String]) throws -> [[String]] {
        let scratch = ScratchDirectory()
        for (index, file) in files.enumerated() { scratch.write(file, to: "\(index)") }
        let program = """
            cd "$1" && set -f
            index=0
            while [ -e "$index" ]; do
                sh -n "$index" || echo "$index" >&2
                (. "./$index"; for word in $DOCKER_OPTS; do printf '%s\\001' "$word"; done; printf '\\002')
                index=$((index + 1))
            done
            """
        var answers: [[[String]]] = []
        for shell in shells {
            let result = try OutsideTool("env").run(
                ["-i", "PATH=/usr/bin:/bin"] + shell + ["-c", program, "sh", scratch.path.string])
            #expect(result.succeeded && result.errors.isEmpty, "\(shell): \(result.errors)")
            answers.append(
                result.text.split(separator: "\u{2}", omittingEmptySubsequences: false).dropLast().map { file in
                    file.split(separator: "\u{1}").map(String.init)
                })
        }
        #expect(answers.allSatisfy { $0 == answers[0] && $0.count == files.count })
        return answers[0]
    }

    private static func edited(_ text: String, _ words: [String], earlier: [String]? = nil) -> String {
        let kept = earlier.map(DockerOptions.Kept.others) ?? .storageDriver
        return String(decoding: DockerOptions(words: words).edited(text, keeping: kept), as: UTF8.self)
    }

    @Test(arguments: [
        (
            "exported, over two lines",
            "# Docker\nexport DOCKER_OPTS=\"--storage-driver=overlay \\\n  --label=a=b\"\nOTHER=1\n",
            "# Docker\nOTHER=1\nDOCKER_OPTS=\"--storage-driver=overlay --label=a=b --debug\"\n"
        ),
        (
            "over two lines", "DOCKER_OPTS=\"--storage-driver=overlay \\\n  --label=a=b\"\n",
            "DOCKER_OPTS=\"--storage-driver=overlay --label=a=b --debug\"\n"
        ),
        (
            "exported", "export DOCKER_OPTS='--storage-driver=overlay'\n",
            "DOCKER_OPTS=\"--storage-driver=overlay --debug\"\n"
        ),
        (
            "with a comment behind", "DOCKER_OPTS=--dns=8.8.8.8 # don't\nA=1\n",
            "A=1\nDOCKER_OPTS=\"--dns=8.8.8.8 --debug\"\n"
        ),
        (
            "in a comment", "# don't set DOCKER_OPTS=\"-D\nA=1\n",
            "# don't set DOCKER_OPTS=\"-D\nA=1\nDOCKER_OPTS=\"--debug\"\n"
        ),
        (
            "two commands on a line", "DOCKER_OPTS=\"-D\"; A=1\nDOCKER_OPTS='-H fd://' B=2\n",
            "A=1\nB=2\nDOCKER_OPTS=\"-H fd:// --debug\"\n"
        ),
        (
            "all that a block holds", "if [ -e /x ]; then\n    DOCKER_OPTS=-D\nfi\n",
            "if [ -e /x ]; then\n    :\nfi\nDOCKER_OPTS=\"-D --debug\"\n"
        ),
        (
            "with the earlier value in it", "DOCKER_OPTS=\"-D\"\nDOCKER_OPTS=\"$DOCKER_OPTS --ipv6\"\n",
            "DOCKER_OPTS=\"-D --ipv6 --debug\"\n"
        ),
        ("only for a command", "DOCKER_OPTS=-D true\n", "DOCKER_OPTS=-D true\nDOCKER_OPTS=\"--debug\"\n"),
        ("another variable", "MY_DOCKER_OPTS=-D\n", "MY_DOCKER_OPTS=-D\nDOCKER_OPTS=\"--debug\"\n"),
        ("inside another value", "TEXT='\nDOCKER_OPTS=-D\n'\n", "TEXT='\nDOCKER_OPTS=-D\n'\nDOCKER_OPTS=\"--debug\"\n"),
        (
            "a quote that is not closed", "A=\"1\nDOCKER_OPTS=\"-D\n",
            "A=\"1\nDOCKER_OPTS=\"-D\nDOCKER_OPTS=\"--debug\"\n"
        ),
    ])
    func `the options of others stay, and so does every other line`(_ name: String, text: String, expected: String) {
        #expect(Self.edited(text, ["--debug"], earlier: []) == expected, "\(name)")
        #expect(Self.edited(expected, ["--debug"], earlier: ["--debug"]) == expected, "\(name), again")
    }

    @Test func `a file whose block has no end does not grow with every edit`() {
        let once = Self.edited("if true; then\n  DOCKER_OPTS=-D\n", ["--label=a"])
        #expect(Self.edited(once, ["--label=a"]) == once)
    }

    @Test func `a card keeps only the storage driver, and an edit drops the options of the edit before`() {
        let text = "export DOCKER_OPTS=\"--storage-driver=overlay \\\n  --label=a=b\"\n"
        #expect(Self.edited(text, ["--debug"]) == "DOCKER_OPTS=\"--storage-driver=overlay --debug\"\n")
        #expect(Self.edited(text, ["--storage-driver=aufs"]) == "DOCKER_OPTS=\"--storage-driver=aufs\"\n")
        let ours = Self.edited(text, ["--label=c=d", "--mtu=9000"], earlier: [])
        #expect(
            Self.edited(ours, ["--mtu=1500"], earlier: ["--label=c=d", "--mtu=9000"])
                == "DOCKER_OPTS=\"--storage-driver=overlay --mtu=1500\"\n")
    }

    /// A file of random lines; the lines that are not DOCKER_OPTS, after the edit.
    private static func file(_ random: inout SplitMix64) -> (text: String, others: [String]) {
        var text = "EXTRA='--ipv6 --mtu=9000'\n"
        var others = ["EXTRA='--ipv6 --mtu=9000'"]
        let lines = [
            "# don't touch DOCKER_OPTS=\"-x", "#DOCKER_OPTS=\"--dns 8.8.8.8\"", "", "OTHER='it is \"'",
            "export TMPDIR=/mnt",
            "MY_DOCKER_OPTS=\"--no\"", "TEXT=\"two\nlines of DOCKER_OPTS=1\"", "TEXT=`echo \"a b\"`", "A=\\\"b # '",
            "B=$(echo 'DOCKER_OPTS=\"')", "if [ -e /nonexistent ]; then\n  A=1\nelse A=2; fi",
            "C=${A:-'}\nDOCKER_OPTS=no'}",
        ]
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            if Bool.random(using: &random), let line = lines.randomElement(using: &random) {
                text += line + "\n"
                others += line.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
                continue
            }
            let isBlock = Int.random(in: 0..<6, using: &random) == 0
            if isBlock {
                text += "if true; then\n  "
                others += ["if true; then"]
            }
            text += (Bool.random(using: &random) ? "export " : "") + "DOCKER_OPTS=" + value(&random)
            if isBlock { others.append("  :") }
            switch Int.random(in: 0..<4, using: &random) {
            case 0: text += " # it's \"ours\"\n"
            case 1 where !isBlock:
                text += "; D=1\n"
                others.append("D=1")
            default: text += "\n"
            }
            if isBlock {
                text += "fi\n"
                others.append("fi")
            }
        }
        while others.last == "" { others.removeLast() }
        return (text, others)
    }

    /// A value of DOCKER_OPTS as a shell text.
    private static func value(_ random: inout SplitMix64) -> String {
        let blanks = [" ", "  ", "\t", " \\\n  "]
        func some(_ words: [String]) -> [String] {
            (0..<Int.random(in: 0...3, using: &random)).compactMap { _ in words.randomElement(using: &random) }
        }
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            return some(["-D", "--label=a\\=b", "--label=it\\'s", "--dns\\ 8.8.8.8", "\"-D\"'--x'"]).joined(
                separator: "\\ ")
        case 1:
            return "'" + some(["-D", "--label=\"q\"", "--storage-driver=aufs", "--label=a\\b"]).joined(separator: " ")
                + "'"
        default:
            var text = Bool.random(using: &random) ? "$DOCKER_OPTS " : ""
            for word in some([
                "-D", "--label=it's", "--storage-driver=overlay", "--label=x\\\\y", "$EXTRA", "${DOCKER_OPTS}", "\\\"",
                "--dns",
            ]) {
                text += word + (blanks.randomElement(using: &random) ?? " ")
            }
            return "\"\(text)\""
        }
    }

    @Test func `any file that a shell reads has the wanted options and all other lines after an edit`() throws {
        var random = SplitMix64(seed: 11)
        let files = (0..<150).map { _ in Self.file(&random) }
        let theirs = try Self.words(of: files.map(\.text))
        #expect(Set(theirs.map(\.count)).count > 5)
        let ours = ["--debug=true", "--label=rack=red"]
        func option(_ word: String) -> String { String(word.prefix { $0 != "=" }) }

        let nodes = files.map { Self.edited($0.text, ours, earlier: ["-D"]) }
        for (index, words) in try Self.words(of: nodes).enumerated() {
            let kept = theirs[index].filter { $0 != "-D" && !ours.map(option).contains(option($0)) }
            #expect(words == kept + ours, "\(files[index].text)---\n\(nodes[index])")
        }
        let cards = files.map { Self.edited($0.text, ours) }
        for (index, words) in try Self.words(of: cards).enumerated() {
            let kept = theirs[index].filter { $0.hasPrefix("--storage-driver=") }.suffix(1)
            #expect(words == kept + ours, "\(files[index].text)---\n\(cards[index])")
        }
        for (index, file) in files.enumerated() {
            for edited in [nodes[index], cards[index]] {
                let lines = edited.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
                #expect(Array(lines.dropLast(2)) == file.others, "\(file.text)---\n\(edited)")
            }
            #expect(Self.edited(nodes[index], ours, earlier: ours) == nodes[index])
            #expect(Self.edited(cards[index], ours) == cards[index])
        }
    }
}
