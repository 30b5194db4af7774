import Systems
import Testing

@Suite struct FirstBootStatusTests {
    private static let text = """
        node: red01
        state: working
        step: joining the swarm
        since: 2026-02-01T10:00:00Z
        waiting for: manager 10.0.0.10:2377, which is to form the swarm
        last error: manager 10.0.0.10:2377: Connection refused
        repaired: the user pirate, sshd's keys
        clock: set back by 3 hours, to the time of manager 10.0.0.10:2377

        """

    @Test func `every line of a report is read`() throws {
        let status = try #require(FirstBootStatus(Self.text))
        #expect(status.state == "working")
        #expect(status.step == "joining the swarm")
        #expect(status.since == "2026-02-01T10:00:00Z")
        #expect(status.waitingFor == "manager 10.0.0.10:2377, which is to form the swarm")
        #expect(status.lastError == "manager 10.0.0.10:2377: Connection refused")
        #expect(status.repaired == "the user pirate, sshd's keys")
        #expect(status.clock == "set back by 3 hours, to the time of manager 10.0.0.10:2377")
        #expect(
            status.summary
                == "working: joining the swarm, waiting for manager 10.0.0.10:2377, which is to form the swarm "
                + "(manager 10.0.0.10:2377: Connection refused)")
    }

    @Test(arguments: [
        "account: missing", "account:", "no colon", ":", "::", " : ", "State: done", "state : done", "\u{0}",
    ])
    func `a line that is not known changes nothing`(_ line: String) throws {
        let status = try #require(FirstBootStatus(Self.text))
        #expect(FirstBootStatus(line + "\n" + Self.text) == status)
        #expect(FirstBootStatus(Self.text + line) == status)
        #expect(FirstBootStatus(Self.text.replacing("\n", with: "\r\n\(line)\r\n")) == status)
    }

    @Test(arguments: ["", "\n", "state", "state:", "state: \u{1B}\n", "step: x", "\u{0}\u{0}\u{0}\u{0}"])
    func `a text without a state is not a report`(_ text: String) { #expect(FirstBootStatus(text) == nil) }

    @Test func `lines without a value are as if they were missing`() {
        let status = FirstBootStatus("state: done\nstep: finished\nsince:\nwaiting for: \nlast error:\n")
        #expect(status?.waitingFor == nil && status?.lastError == nil && status?.since == nil)
        #expect(status?.summary == "done")
    }

    @Test func `a hostile report is shown in one short line`() throws {
        let status = try #require(
            FirstBootStatus(
                "state: wor\u{1B}[2Jking\nstep: a\u{202E}b\nlast error: \(String(repeating: "x", count: 1_000_000))\n"))
        #expect(status.state == "wor [2Jking")
        #expect(status.step == "a b")
        #expect(status.summary.count < 450)
    }
}
