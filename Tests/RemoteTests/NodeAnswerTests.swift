import Diagnostics
import Docker
import Systems
import SystemPackage
import TestSupport
import Testing
import Text

@testable import Remote

/// Answers of a node that lies, or that somebody else gives in its place.
@Suite struct NodeAnswerTests {
    private func answer(_ text: String) -> RemoteResult { RemoteResult(exit: 0, output: Array(text.utf8), errors: "") }

    private static let values = [
        "-9223372036854775808", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "-0", "-1", "+1",
        "0", "1099511627777", "1" + String(repeating: "0", count: 30), "1e999", "-1e999", "nan", "inf", "0x",
        "0xffffffff",
        "0x100000000", "-0x1", "", " ", "\u{0}", "\u{0}1", "٣", "\u{FF11}", "\u{301}", "\u{1B}[2J",
    ]

    @Test func `no number of a status stops piflash, and none is shown that cannot be`() throws {
        let since = ["9999-12-31T23:59:59Z", "999999999-12-31T2", "0000-01-01T00:00:00Z", "1970-01-01T00:00:00Z"]
        for key in ["time", "uptime", "temperature", "throttled", "engine", "swarm", "manager", "program"] {
            for value in Self.values {
                for base in ["", "time 1769999999\n", "uptime 12\n", "time 0\nuptime 1099511627776\n"] {
                    for since in since {
                        let status = "state: working\nsince: \(since)\n"
                        let text = "\(base)\(key) \(value)\nfile status \(status.utf8.count)\n\(status)\nend 1\n"
                        for asked: Int64 in [0, 1_770_000_000] {
                            let status = try NodeStatus(answer(text), asked: asked, answered: asked + 1)
                            #expect((0...(1 << 40)).contains(status.uptime ?? 0))
                            #expect(abs(status.clockDifference ?? 0) <= 1 << 41)
                            #expect(abs(status.temperature ?? 0) < 1000)
                            #expect(!(status.engine ?? "").unicodeScalars.contains { $0.value < 0x20 })
                        }
                    }
                }
            }
        }
    }

    @Test func `any moment can be shown`() {
        for seconds in [Int64.min, Int64.min + 1, -86_401, -86_400, -1, 0, 86_399, Int64.max] {
            #expect(UTCTime(seconds: seconds).iso8601.hasSuffix("Z"))
        }
        #expect(UTCTime(seconds: -1).iso8601 == "1969-12-31T23:59:59Z")
        #expect(UTCTime(seconds: -86_400).iso8601 == "1969-12-31T00:00:00Z")
    }

    @Test func `files with lengths that cannot be are left out`() {
        for value in Self.values + ["99", "5 5", "3x"] {
            let parsed = ScriptAnswer(Array("file a \(value)\nabc\nend 1\n".utf8))
            #expect((parsed.files["a"]?.count ?? 0) <= 10, "\(value)")
        }
        #expect(ScriptAnswer(Array("file a 3\nabc\nend 1\n".utf8)).files["a"] == Array("abc".utf8))
    }

    @Test func `a line of 4 MB is one short value, and a million lines are read at once`() throws {
        let long = String(repeating: "x", count: 4 << 20)
        let start = ContinuousClock.now
        for key in ["time", "engine", "swarm", "status", long] {
            let status = try NodeStatus(answer("\(key) \(long)\nend 1\n"), asked: 0, answered: 0)
            #expect((status.engine ?? "").count <= 1001)
        }
        _ = try NodeStatus(answer(String(repeating: "a b\n", count: 1 << 20) + "end 1\n"), asked: 0, answered: 0)
        let report = try SwarmReport(answer("swarm active \(long)\nend 1\n"))
        #expect(report.id.map { $0.count <= 64 } ?? true)
        #expect(FirstBootStatus("state: \(long)\nstep: \(long)\n").map { $0.summary.count < 1000 } == true)
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    @Test func `a configuration that is far too large is refused, and so is a swarm of a million`() throws {
        let large = String(repeating: "x", count: NodeProbe.largestFile + 1)
        for text in ["file daemon.json \(large.utf8.count)\n\(large)\nend 1\n", "large daemon.json\nend 1\n"] {
            let failure = #expect(throws: Failure.self) { try NodeProbe(answer(text)) }
            #expect(failure?.message.contains("daemon.json is larger than 256 KiB") == true)
        }
        let nodes = "[" + repeatElement("{}", count: 100_000).joined(separator: ",") + "]"
        #expect(throws: Failure.self) { try SwarmNode.list(Array(nodes.utf8)) }
    }

    @Test func `the script sends no file that is larger`() throws {
        let scratch = ScratchDirectory()
        scratch.write("{}", to: "etc/docker/daemon.json")
        scratch.write(String(repeating: " ", count: NodeProbe.largestFile + 1), to: "etc/default/docker")
        let path = scratch.write("work() {\n\(NodeProbe.script)\n}\nwork </dev/null\n", to: "script").string
        let result = try OutsideTool("env").run(
            ["PATH=/usr/bin:/bin", "PIFLASH_ROOT=\(scratch.path.string)", "dash", path])
        #expect(result.text.contains("\nfile daemon.json 2\n{}\n"), "\(result.text)")
        #expect(result.text.contains("\nlarge docker-options\n") && result.text.hasSuffix("\nend 1\n"))
        #expect(result.text.utf8.count < 10_000)
    }

    /// Each takes minutes if a name is looked up in a list.
    @Test func `a JSON object of 40,000 names is read, validated, merged and compared at once`() throws {
        let names = (0..<40_000).map { "key\($0)" }
        let text = "{" + (names + ["key7"]).map { "\"\($0)\": \"v\"" }.joined(separator: ",\n") + "}"
        let start = ContinuousClock.now
        guard case .object(let members) = try JSONValue(parsing: Array(text.utf8)) else {
            Issue.record("not an object")
            return
        }
        #expect(members.count == 40_000)
        let report = DaemonModel(version: EngineVersion("20.10.24")).validate(Array(text.utf8))
        #expect(report.errors.count { $0.text.contains("appears twice") } == 1)
        #expect(report.errors.count == 40_002)
        let merged = MergedConfiguration.merge([.init("debug", .bool(true))], over: members, before: members)
        #expect(merged.map(\.name) == ["debug"])
        let old = JSONValue.object(members).prettyText
        let new = JSONValue.object(members.map { .init($0.name + "x", $0.value) }).prettyText
        #expect(TextDifference(from: old, to: new).lines.count == 80_003)
        #expect(TextDifference(from: old, to: old).isEmpty)
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test func `JSON that is all escapes, numbers or brackets is read at once`() throws {
        let start = ContinuousClock.now
        for (piece, count) in [(#"\n\u00e9"#, 250_000), (#"\\"#, 1_000_000)] {
            let text = "\"" + String(repeating: piece, count: count) + "\""
            _ = try JSONValue(parsing: Array(text.utf8))
        }
        _ = try JSONValue(parsing: Array(("[" + String(repeating: "-1.5e3,", count: 300_000) + "0]").utf8))
        #expect(throws: Failure.self) {
            try JSONValue(parsing: Array(String(repeating: "[", count: 1_000_000).utf8))
        }
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test func `secrets are masked at once in whatever a node sends`() {
        let start = ContinuousClock.now
        for piece in ["token", "\"token", "://", "://x", "\"", "SWMTKN-", "\"secret\":\"", ":"] {
            let text = String(repeating: piece, count: (256 << 10) / piece.utf8.count)
            #expect(!NodeText.masked(text).isEmpty)
            #expect(NodeText.lastLines(text, 20).allSatisfy { $0.count <= 501 })
        }
        #expect(ContinuousClock.now - start < .seconds(60))
        #expect(
            NodeText.masked("\"a\": \"b\", \"API_Token\" :\n \"s3cret\", \"c\": 1")
                == "\"a\": \"b\", \"API_Token\" :\n \"***\", \"c\": 1")
        #expect(NodeText.masked("x://u:p@h y://u:p@h ://@ z://h/@") == "x://***@h y://***@h ://@ z://h/@")
    }
}
