import Diagnostics
import Host
import Recipes
import Synchronization
import Systems
import SystemPackage
import Text

@testable import PiflashCommands
@testable import Remote

/// What nodes answer over ssh.
extension FuzzTarget {
    static let nodes = [nodeStatus, nodeProbe, swarmReport, swarmNodes, nodeText, sshMessages]

    private static let scriptWords = [
        "end 1\n", "file status ", "\u{1B}[2J", "-9223372036854775808", "9223372036854775807",
    ]

    /// A status, as it is shown in the table and in JSON.
    private static let nodeStatus = FuzzTarget(
        "node-status", mutations: 40,
        words: scriptWords + [
            "time ", "uptime ", "temperature ", "throttled 0x", "engine ", "swarm active", "manager true", "program ",
            "piflash ", "state: working\n", "since: 2026-03-01T12:00:00Z\n", "docker ", "nan", "1e308",
        ]
    ) { bytes in
        var input = FuzzInput(bytes)
        let asked = Int64(input.number(bytes: 4))
        let output = Array(input.rest)
        for output in [output, output + Array("\nend 1\n".utf8)] {
            let result = RemoteResult(exit: 0, output: output, errors: String(decoding: output, as: UTF8.self))
            let row: StatusRound.Row
            do throws(Failure) {
                let status = try NodeStatus(result, asked: asked, answered: asked + 3)
                row = .init(node: .sample, result: .success(status))
            } catch {
                row = .init(node: .sample, result: .failure(error))
            }
            let printed = Mutex("")
            let console = Console(
                output: { text in printed.withLock { $0 += text } }, error: { text in printed.withLock { $0 += text } })
            StatusScreen(console: console, json: false, redraws: false).show([row], isLast: true)
            StatusScreen(console: console, json: true, redraws: false).show([row], isLast: true)
            for line in printed.withLock({ $0 }).split(separator: "\n") {
                try requirePrintable(String(line), "the table")
            }
        }
    }

    /// A probe, and what the recipe changes on that node.
    private static let nodeProbe = FuzzTarget(
        "node-probe", mutations: 30,
        words: scriptWords + [
            "engine 20.10.24\n", "file daemon.json ", "file docker-options ", "file proxies ",
            "file daemon.json.written ",
            "sum-daemon.json ", "up 1\n", "swarm active\n", "manager true\n", "systemd 1\n", "dropin 1\n",
            "dpkg armhf\n",
            "first-boot ", "{\"hosts\":[]}", "system raspbian\n", "large ",
        ]
    ) { bytes in
        let output = bytes + Array("\nend 1\n".utf8)
        _ = try answer {
            let probe = try NodeProbe(RemoteResult(exit: 0, output: output, errors: ""))
            _ = probe.architecture
            let change = try DaemonChange(.sample, on: probe)
            _ = change.difference(from: "red01")
            let script = change.script(wait: 9)
            try require(!script.isEmpty && !script.utf8.contains(0), "a script with a zero byte")
            try require(
                (try? JSONValue(parsing: Array(change.new.utf8))) != nil || change.name != "daemon.json",
                "the new daemon.json is not JSON")
        }
    }

    private static let swarmReport = FuzzTarget(
        "swarm-report", words: scriptWords + ["swarm active ", "@192.168.50.10:2377"]
    ) {
        bytes in
        let output = bytes + Array("\nend 1\n".utf8)
        guard let report = try answer({ try SwarmReport(RemoteResult(exit: 0, output: output, errors: "")) }) else {
            return
        }
        try requirePrintable(report.state, "the state")
        for manager in report.managers { try requirePrintable(manager.address, "an address") }
        _ = SwarmAbsence(of: report, named: "red01", in: [])
    }

    private static let swarmNodes = FuzzTarget(
        "swarm-nodes",
        words: [
            "ID", "Description", "Hostname", "Spec", "Role", "Status", "State", "Availability", "Engine",
            "EngineVersion",
            "ManagerStatus", "Leader", "Reachability", "Addr",
        ].map { "\"\($0)\":" }
    ) { bytes in
        for node in try answer({ try SwarmNode.list(bytes) }) ?? [] {
            for text in [node.id, node.hostname, node.role, node.state, node.availability, node.engine, node.address] {
                try requirePrintable(text, "a node of the swarm")
            }
        }
    }

    /// No token stays, and no output is without a limit.
    private static let nodeText = FuzzTarget(
        "node-text", words: ["SWMTKN-1-abc", "://user:pass@host", "\"password\": \"x\"", "\"token\":\"", "\n"]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        let masked = NodeText.masked(text)
        try require(
            masked.utf8.count { $0 == UInt8(ascii: "*") } >= 3 || !text.contains(bytes: "SWMTKN-"), "a token is shown")
        try require(!masked.contains(bytes: "SWMTKN-1"), "a token is shown")
        for line in NodeText.lastLines(text, 15) { try requirePrintable(line, "a log") }
        var output = BoundedOutput(limit: 64)
        var lines: [String] = []
        var splitter = LineSplitter()
        for part in stride(from: 0, to: bytes.count, by: 7).map({ Array(bytes[$0..<min($0 + 7, bytes.count)]) }) {
            output.append(part)
            splitter.append(part) { lines.append($0) }
        }
        splitter.finish { lines.append($0) }
        try require(output.bytes.count <= 64 + 60, "an output without a limit")
        try require(bytes.count > 64 || output.bytes == bytes, "an output that is not what came")
        try require(
            lines.joined(separator: "\n").utf8.count + 1 >= text.utf8.count || bytes.contains { $0 > 0x7F },
            "lines are missing")
    }

    private static let sshMessages = FuzzTarget(
        "ssh-messages",
        words: [
            "REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key verification failed", "Permission denied", "sudo",
            "hostname ",
            "port ", "userknownhostsfile ", "globalknownhostsfile ", "hostkeyalias ",
        ]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        _ = HostKeyProblem(text)?.failure(title: "red01", written: 1, removals: ["x"], login: "ssh red01")
        let failure = SSHFailure.connecting(text, to: "red01", command: "ssh red01")
        try requirePrintable(failure.message, "ssh's message")
        try requirePrintable(SSHFailure.starting(text, exit: 1, host: "a", user: "b").message, "sudo's message")
        _ = SSHFailure.isUnknownName(text)
        _ = KnownHost(address: "192.168.50.10", configuration: text)
    }
}

extension Node {
    /// A node whose recipe says something about its Docker.
    static let sample: Node = {
        let text = """
            hostname: red01
            user: { name: pirate, password: x }
            docker:
              daemon: { log-driver: local, hosts: ["unix:///var/run/docker.sock"], debug: true }
              proxy: { http: "http://proxy:3128" }
            """
        let loader = RecipeLoader(
            user: .init(userID: 1000, groupID: 1000, home: "/nonexistent"), workingDirectory: "/nonexistent/piflash",
            requireImage: false
        ) { $0 == "/nonexistent/piflash/r.yaml" ? Array(text.utf8) : nil }
        do { return try loader.load("r.yaml").node } catch { fatalError("\(error)") }
    }()
}
