import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct StatusCommandTests {
    private static let done = "node: red01\nstate: done\nstep: finished\nsince: 2026-02-01T10:00:00Z\n"
    private static let joining =
        "node: red02\nstate: working\nstep: joining the swarm\nsince: 2026-02-01T10:00:00Z\nwaiting for: manager red01\nlast error: no route \u{1B}[31mto host\n"

    /// Nodes at different stages, with a clock of their own.
    private func rack(_ names: [String], silent: Set<String> = []) throws -> NodeRack {
        let rack = try NodeRack(names, silent: silent)
        for name in names {
            rack.scratch.write("188000.5 1.0\n", to: "\(name)/root/proc/uptime")
            rack.scratch.write("active false\n", to: "\(name)/swarm")
            rack.stub(name, "date", "[ \"$1\" = +%s ] && echo \(CommandHarness.now)")
        }
        return rack
    }

    private func rows(_ output: String) throws -> [String: [String: Any]] {
        var rows: [String: [String: Any]] = [:]
        for line in output.split(separator: "\n") {
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            if let name = row["node"] as? String { rows[name] = row }
        }
        return rows
    }

    @Test func `every node is listed with its stage, and one that does not answer with the reason`() async throws {
        let rack = try rack(["red01", "red02", "red03", "dead"], silent: ["dead"])
        defer { rack.stop() }
        rack.scratch.write(Self.done, to: "red01/root/boot/piflash/status.txt")
        rack.scratch.write("active true\n", to: "red01/swarm")
        rack.scratch.write(Self.joining, to: "red02/root/boot/firmware/piflash/status.txt")
        rack.stub("red02", "date", "echo \(CommandHarness.now - 86400)")
        rack.stub(
            "red02", "vcgencmd", "case $1 in measure_temp) echo \"temp=61.2'C\" ;; *) echo throttled=0x50005 ;; esac")
        rack.stub("red03", "docker", "exit 1")
        rack.scratch.write("47200\n", to: "red03/root/sys/class/thermal/thermal_zone0/temp")
        let outcome = await rack.run("status")
        #expect(outcome.status == 4, "\(outcome.errors)")
        let lines = outcome.output.split(separator: "\n").map(String.init)
        try #require(lines.count == 5, "\(outcome.output)")
        func line(_ name: String) -> String { lines.first { $0.hasPrefix("\(name) ") } ?? "" }
        #expect(line("red01").contains(/done +20.10.24 +manager +2d 4h +ok/))
        #expect(line("red02").contains(/working +20.10.24 +active +2d 4h +-1d 0h +61°C/))
        #expect(line("red02").contains("joining the swarm, waiting for manager red01 (no route"))
        #expect(line("red02").contains("undervoltage now; throttled now"))
        #expect(!outcome.output.contains("\u{1B}"))
        #expect(line("red03").contains(/no report +no answer +- +2d 4h +ok +47°C/))
        #expect(line("dead").contains("no answer"))
        #expect(line("dead").contains("refused"))
        let json = try rows(await rack.run("status", "--json").output)
        #expect(json["red01"]?["first_boot"] as? String == "done")
        #expect(json["red01"]?["swarm_manager"] as? String == "yes")
        #expect(json["red02"]?["waiting_for"] as? String == "manager red01")
        #expect(json["red02"]?["clock_difference"] as? Int == -86400)
        #expect(json["red02"]?["temperature"] as? Double == 61.2)
        #expect(json["dead"]?["result"] as? String == "failed")
    }

    @Test func `a first boot that gave up fails its node, and all that failed fail the command`() async throws {
        let rack = try rack(["red01", "red02"])
        defer { rack.stop() }
        rack.scratch.write(Self.done, to: "red01/root/boot/piflash/status.txt")
        #expect(await rack.run("status").status == 0)
        rack.scratch.write(
            "state: failed\nstep: installing Docker\nlast error: x\n", to: "red02/root/boot/piflash/status.txt")
        #expect(await rack.run("status").status == 4)
        #expect(await rack.run("status", recipes: ["rack/red02.yaml"]).status == 1)
    }

    @Test func `Docker of 2015 is shown with its version, and a first boot that has not begun as such`() async throws {
        let rack = try rack(["red01"])
        defer { rack.stop() }
        rack.scratch.write("", to: "red01/root/etc/piflash/settings")
        rack.stub("red01", "docker", "[ $# = 1 ] && [ $1 = version ] && echo 'Server version: 1.6.2'")
        #expect(await rack.run("status").output.contains(/red01 +not begun +1\.6\.2 +- +2d 4h/))
    }

    /// What systemd says about the program's unit.
    private func unit(_ rack: NodeRack, _ name: String, _ lines: String) {
        rack.stub(name, "systemctl", "[ \"$1\" = show ] && printf '\(lines)'")
    }

    @Test func `a step's age is shown, and a report that nothing updates is told apart`() async throws {
        let rack = try rack(["red01", "red02", "red03", "red04", "red05", "red06"])
        defer { rack.stop() }
        // It is 2026-02-02T02:40:00Z, and the nodes have been on for two days and four hours.
        func report(_ name: String, _ state: String, since: String) {
            rack.scratch.write(
                "node: \(name)\nstate: \(state)\nstep: joining the swarm\nsince: \(since)\naccount: locked\n"
                    + "waiting for: manager red00, which is to form the swarm\nlast error: no route\n",
                to: "\(name)/root/boot/piflash/status.txt")
        }
        report("red01", "waiting", since: "2026-02-02T02:32:55Z")
        unit(rack, "red01", "ActiveState=active\\n")
        // Longer ago than the node's start: the clock was set.
        report("red02", "working", since: "2026-01-30T19:06:40Z")
        unit(rack, "red02", "ActiveState=active\\nJob=0\\n")
        report("red03", "interrupted", since: "2026-02-02T02:40:00Z")
        unit(rack, "red03", "ActiveState=inactive\\n")
        report("red04", "working", since: "2026-02-02T02:39:48Z")
        unit(rack, "red04", "Job=815\\nActiveState=inactive\\n")
        report("red05", "working", since: "2026-02-02T02:41:00Z")
        unit(rack, "red05", "ActiveState=failed\\n")
        rack.scratch.write("", to: "red06/root/etc/piflash/settings")
        unit(rack, "red06", "ActiveState=inactive\\nJob=816\\n")
        let outcome = await rack.run("status")
        #expect(outcome.status == 0, "\(outcome.errors)")
        func line(_ name: String) -> String {
            outcome.output.split(separator: "\n").first { $0.hasPrefix("\(name) ") }.map(String.init) ?? ""
        }
        let step = "joining the swarm, waiting for manager red00, which is to form the swarm (no route)"
        #expect(line("red01").hasSuffix("  waiting: \(step); in this step for 7m"), "\(outcome.output)")
        #expect(line("red02").hasSuffix("  working: \(step); since 2026-01-30T19:06:40Z"), "\(outcome.output)")
        #expect(
            line("red03").hasSuffix("  interrupted: \(step); in this step for 0s; its program does not run now"),
            "\(outcome.output)")
        #expect(
            line("red04").hasSuffix(
                "  working: \(step); in this step for 12s; from an earlier boot; its program starts soon"),
            "\(outcome.output)")
        #expect(
            line("red05").hasSuffix("  working: \(step); since 2026-02-02T02:41:00Z; its program does not run now"),
            "\(outcome.output)")
        #expect(line("red06").contains(/red06 +not begun .* its program starts soon$/), "\(outcome.output)")
        let json = try rows(await rack.run("status", "--json").output)
        #expect(json["red01"]?["program"] as? String == "running")
        #expect(json["red01"]?["step_seconds"] as? Int == 425)
        #expect(json["red01"]?["since"] as? String == "2026-02-02T02:32:55Z")
        #expect(json["red02"]?["step_seconds"] == nil)
        #expect(json["red03"]?["program"] as? String == "stopped")
        #expect(json["red03"]?["result"] as? String == "working")
        #expect(json["red04"]?["program"] as? String == "queued")
    }

    @Test func `the report of this boot comes before the card's, which is up to 15 seconds old`() async throws {
        let rack = try rack(["red01"])
        defer { rack.stop() }
        rack.scratch.write(Self.joining, to: "red01/root/boot/piflash/status.txt")
        let text = "node: red01\nstate: working\nstep: registering\nclock: set back by 2 days\nrepaired: sshd's keys\n"
        rack.scratch.write(text, to: "red01/root/run/piflash/status")
        let outcome = await rack.run("status")
        #expect(
            outcome.output.hasSuffix("working: registering; clock set back by 2 days; repaired sshd's keys\n"),
            "\(outcome.output)")
        rack.scratch.write(
            text.replacing("working", with: "done").replacing("registering", with: "finished"),
            to: "red01/root/run/piflash/status")
        #expect(await rack.run("status").output.hasSuffix("  repaired sshd's keys\n"))
        let json = try rows(await rack.run("status", "--json").output)
        #expect(json["red01"]?["clock"] as? String == "set back by 2 days")
        #expect(json["red01"]?["repaired"] as? String == "sshd's keys")
    }

    @Test(arguments: [
        "echo 'time 9223372036854775807'; echo 'uptime -1'; echo 'temperature nan'; echo 'engine \u{1B}[2Jx'",
        "echo 'time -9223372036854775808'; echo 'uptime 9223372036854775807'; echo 'temperature 1e300'",
        "echo 'time 99999999999999999999'; echo 'temperature inf'; echo 'file status 99999999999999999999'",
        "echo 'swarm \u{9B}2J\u{202E}'; echo 'file status -1'; head -c 3000000 /dev/urandom",
        "printf 'engine '; head -c 3000000 /dev/zero | tr '\\0' x; echo",
        "echo 'file status 30'; printf 'state: done\nsince: 99999999-99'; echo; echo",
    ])
    func `whatever a node answers is shown in one line`(_ answer: String) async throws {
        let rack = try rack(["red01"])
        defer { rack.stop() }
        // In place of the shell that runs the script.
        rack.stub("red01", "sh", "cat >/dev/null; echo @piflash@; \(answer); echo; echo end 1")
        let outcome = await rack.run("status")
        #expect([0, 1].contains(outcome.status), "\(outcome.errors)")
        #expect(outcome.output.split(separator: "\n").count == 2, "\(outcome.output.prefix(2000))")
        #expect(outcome.output.count < 3000)
        for scalar in ["\u{1B}", "\u{9B}", "\u{202E}"] { #expect(!outcome.output.contains(scalar)) }
        #expect(await rack.run("status", "--json").output.count < 6000)
    }

    @Test func `a report that root alone can read is asked for through sudo`() async throws {
        let rack = try rack(["red01"])
        defer { rack.stop() }
        rack.scratch.write(Self.done, to: "red01/hidden")
        rack.stub("red01", "cat", "case $1 in */status.txt) exit 1 ;; *) exec /bin/cat \"$@\" ;; esac")
        rack.stub("red01", "sudo", "shift; [ \"$1\" = cat ] && exec /bin/cat \"$RIG/hidden\"")
        #expect(await rack.run("status").output.contains("done"))
    }

    @Test func `watch asks until every first boot is finished`() async throws {
        let rack = try rack(["red01", "red02"])
        defer { rack.stop() }
        rack.scratch.write(Self.done, to: "red01/root/boot/piflash/status.txt")
        rack.scratch.write(Self.joining, to: "red02/root/boot/piflash/status.txt")
        rack.scratch.write(Self.done, to: "red02/later")
        // The node gets there at the third question.
        rack.stub(
            "red02", "docker",
            "echo x >>\"$RIG/asked\"; [ $(wc -l <\"$RIG/asked\") -lt 3 ] || cp \"$RIG/later\" \"$RIG/root/boot/piflash/status.txt\"; echo 20 active"
        )
        let outcome = await rack.run("status", "--watch", "--interval", "1")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("1 of 2 finished"))
        #expect(outcome.output.split(separator: "\n").count == 3)
        // Ctrl-C ends it.
        rack.scratch.write(Self.joining, to: "red02/root/boot/piflash/status.txt")
        rack.stub("red02", "docker", "echo 20 active")
        let asked = Mutex(0)
        let stopped = await rack.run(
            "status", "--watch", "--interval", "60",
            isCancelled: {
                asked.withLock {
                    $0 += 1
                    return $0 > 30
                }
            })
        #expect(stopped.status == 1)
        #expect(stopped.errors.contains("stopped"))
    }

    @Test func `a watch with an end gives up on who does not get there, and names whom it waited for`() async throws {
        let rack = try rack(["red01", "red02", "dead"], silent: ["dead"])
        defer { rack.stop() }
        rack.scratch.write(Self.done, to: "red01/root/boot/piflash/status.txt")
        rack.scratch.write(Self.joining, to: "red02/root/boot/piflash/status.txt")
        let outcome = await rack.run("status", "--watch", "--interval", "60", "--for", "1")
        #expect(outcome.status == 4, "\(outcome.errors)")
        #expect(outcome.errors.contains("1 of 3 finished; waiting for dead red02; Ctrl-C ends"), "\(outcome.errors)")
        #expect(outcome.errors.contains("2 of 3 nodes"), "\(outcome.errors)")
        #expect(outcome.output.split(separator: "\n").count == 4)
        #expect(await rack.run("status", "--for", "1").status == 2)
    }

    /// In place of a node's shell: it answers whatever piflash asks.
    @Test func `a node that answers nonsense has its own line, and the others have theirs`() async throws {
        let answers = [
            "printf '@piflash@\\ntime -9223372036854775808\\nend 1\\n'",
            "printf '@piflash@\\ntime 9223372036854775807\\nuptime 9223372036854775807\\nend 1\\n'",
            "printf '@piflash@\\nfile status 9223372036854775807\\nstate: done\\nend 1\\n'",
            "echo @piflash@; head -c 5000000 /dev/zero | tr '\\0' x; echo; echo end 1",
            "echo @piflash@; head -c 5000000 /dev/zero; echo end 1",
            "head -c 5000000 /dev/zero; echo @piflash@; echo end 1",
        ]
        let names = ["red01"] + answers.indices.map { "bad0\($0)" } + ["red02"]
        let rack = try rack(names)
        defer { rack.stop() }
        for name in ["red01", "red02"] { rack.scratch.write(Self.done, to: "\(name)/root/boot/piflash/status.txt") }
        for (index, answer) in answers.enumerated() { rack.stub("bad0\(index)", "sh", answer) }
        let outcome = await rack.run("status")
        let lines = outcome.output.split(separator: "\n").map(String.init)
        #expect(lines.count == names.count + 1, "\(outcome.output.prefix(5000))")
        for name in names { #expect(lines.count { $0.hasPrefix("\(name) ") } == 1, "\(name)") }
        for name in ["red01", "red02"] { #expect(lines.contains { $0.hasPrefix("\(name) ") && $0.contains(" done ") }) }
        #expect(outcome.output.utf8.count < 20_000)
        let json = try rows(await rack.run("status", "--json").output)
        #expect(json.count == names.count)
    }
}
