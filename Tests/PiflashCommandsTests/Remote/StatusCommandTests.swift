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
}
