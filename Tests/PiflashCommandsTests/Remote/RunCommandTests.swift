import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct RunCommandTests {
    @Test func `a command runs everywhere, and each node's output is shown together`() async throws {
        let rack = try NodeRack(["red01", "red02", "red03"])
        defer { rack.stop() }
        let outcome = await rack.run("run", then: ["--", "echo $(basename $RIG); echo two; echo bad >&2"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        for name in rack.names {
            #expect(outcome.output.contains("==> \(name) <==\n\(name)\ntwo\n"))
            #expect(outcome.errors.contains("\(name): bad\n"))
            #expect(outcome.errors.contains("\(name): exit 0\n"))
        }
    }

    @Test func `arguments reach the program as they are`() async throws {
        let rack = try NodeRack(["red01"])
        defer { rack.stop() }
        rack.stub("red01", "show", "for word; do printf '<%s>' \"$word\"; done; cat")
        let words = ["it's", "a \"b\"", "$HOME `id`", "Grüße 🍓", "*", "", "-n", "line\nend", "\\"]
        let outcome = await rack.run("run", then: ["--", "show"] + words)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == "==> red01 <==\n" + words.map { "<\($0)>" }.joined() + "\n")
    }

    @Test func `one bad node never stops the others`() async throws {
        let rack = try NodeRack(
            ["red01", "closed", "silent", "stranger", "replaced", "failing"], silent: ["closed", "silent"])
        defer { rack.stop() }
        let descriptor = rack.listenSilently(as: "silent")
        defer { close(descriptor) }
        rack.forget("stranger")
        rack.trust("replaced", key: "key.pub")
        rack.scratch.write("", to: "failing/fails")
        let outcome = await rack.run(
            "run", "--ssh-option", "ConnectTimeout=2", then: ["--", "[ ! -e $RIG/fails ] || exit 7"])
        #expect(outcome.status == 4)
        #expect(outcome.errors.contains("red01: exit 0"))
        #expect(outcome.errors.contains("closed: failed: closed (\(rack.address("closed"))) does not answer"))
        #expect(outcome.errors.contains("silent: failed: silent (\(rack.address("silent"))) does not answer"))
        #expect(outcome.errors.contains("the host key of stranger (\(rack.address("stranger"))) is not known"))
        #expect(outcome.errors.contains("--accept-new"))
        #expect(outcome.errors.contains("the host key of replaced (\(rack.address("replaced"))) has changed"))
        #expect(outcome.errors.contains("failing: failed: exit 7"))
        #expect(outcome.errors.contains("5 of 6 nodes failed"))
        // A key that was never seen is taken when asked for, a changed one never.
        let accepted = await rack.run(
            "run", "--accept-new", recipes: ["rack/stranger.yaml", "rack/replaced.yaml"], then: ["--", "true"])
        #expect(accepted.status == 4)
        #expect(accepted.errors.contains("stranger: exit 0"))
        #expect(accepted.errors.contains("replaced: failed"))
    }

    @Test(.timeLimit(.minutes(5))) func `a command that hangs is left at the time limit, the others are done`()
        async throws
    {
        let rack = try NodeRack(["red01", "red02"])
        defer { rack.stop() }
        rack.scratch.write("", to: "red02/hangs")
        let outcome = await rack.run("run", "--timeout", "60", then: ["--", "[ ! -e $RIG/hangs ] || sleep 3600"])
        #expect(outcome.status == 4)
        #expect(outcome.errors.contains("red02: failed: not done after 60 s"))
        #expect(outcome.errors.contains("red01: exit 0"))
    }

    @Test(.timeLimit(.minutes(5))) func `Ctrl-C ends every ssh, and nothing is left behind`() async throws {
        let rack = try NodeRack(["red01", "red02"])
        defer { rack.stop() }
        let start = Date()
        let outcome = await rack.run(
            "run", then: ["--", "sleep 3600"], isCancelled: { Date().timeIntervalSince(start) > 1.5 })
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("stopped"))
        let left = try FileManager.default.contentsOfDirectory(atPath: rack.scratch.path.string)
        #expect(!left.contains { $0.hasPrefix("piflash-") })
        let processes = try OutsideTool("ps").run(["-eo", "args"]).text
        #expect(!processes.split(separator: "\n").contains { $0.contains("ControlPath=\(rack.scratch.path)") })
    }

    @Test func `an output of any size is bounded, its ends are kept`() async throws {
        let rack = try NodeRack(["red01"])
        defer { rack.stop() }
        let outcome = await rack.run(
            "run", then: ["--", "echo first; head -c 40000000 /dev/zero | tr '\\0' x; echo; echo last"])
        #expect(outcome.status == 0)
        #expect(outcome.output.utf8.count < 5 << 20)
        #expect(outcome.output.contains("first\nxxx"))
        #expect(outcome.output.contains("bytes left out"))
        #expect(outcome.output.hasSuffix("x\nlast\n"))
    }

    @Test func `lines come as they are printed, with their node's name`() async throws {
        let rack = try NodeRack(["red01", "red02"])
        defer { rack.stop() }
        let outcome = await rack.run("run", "--stream", then: ["--", "echo one; printf two"])
        #expect(outcome.status == 0)
        #expect(
            outcome.output.split(separator: "\n").sorted() == ["red01: one", "red01: two", "red02: one", "red02: two"])
        let json = await rack.run("run", "--json", recipes: ["rack/red01.yaml"], then: ["--", "echo one; exit 3"])
        #expect(json.status == 1)
        let events = try json.output.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(events.map { $0["event"] as? String } == ["node", "node-output", "node-done", "summary"])
        #expect(events[1]["text"] as? String == "one")
        #expect(events[2]["exit"] as? Int == 3)
        #expect(events[3]["failed_nodes"] as? String == "red01")
    }

    @Test func `sudo is used for root, and its refusal is reported`() async throws {
        let rack = try NodeRack(["red01", "red02"])
        defer { rack.stop() }
        for name in rack.names { rack.stub(name, "id", "echo 1000") }
        rack.stub("red02", "sudo", "echo 'sudo: a password is required' >&2; exit 1")
        let outcome = await rack.run("run", "--sudo", then: ["--", "echo fine"])
        #expect(outcome.status == 4)
        #expect(outcome.output == "==> red01 <==\nfine\n")
        #expect(rack.text("red01", "sudo.log") == "-n sh -s\n")
        #expect(outcome.errors.contains("red02: failed: root cannot become root"))
        #expect(outcome.errors.contains("NOPASSWD"))
    }

    @Test func `an invalid command line is refused before any node is reached`() async throws {
        let rack = try NodeRack(["red01"])
        defer { rack.stop() }
        #expect(await rack.run("run").status == 2)
        #expect(await rack.run("run", "--ssh-option", "-oProxyCommand=x", then: ["--", "true"]).status == 2)
        #expect(await rack.harness.run(list: ["run", "--user", "-oProxyCommand=x", "rack", "--", "true"]).status == 2)
        #expect(await rack.run("run", recipes: ["nowhere"], then: ["--", "true"]).status == 2)
        // A line that the shell cannot read is the node's failure, not that of the way there.
        let wrong = await rack.run("run", then: ["--", "if"])
        #expect(wrong.status == 1)
        #expect(wrong.errors.contains("red01: failed: exit 2"))
    }

    /// ~/.ssh/config is root's own, so ssh runs where another file is in its place.
    @Test func `a node gets neither agent nor variables, and no changed key is taken, whatever ~/.ssh/config says`()
        async throws
    {
        let rack = try NodeRack(["red01", "red02"])
        defer { rack.stop() }
        rack.trust("red02", key: "key.pub")
        let configuration = rack.scratch.write(
            """
            Host *
              ForwardAgent yes
              StrictHostKeyChecking no
              PermitLocalCommand yes
              LocalCommand touch \(rack.scratch["local-command"])
              SendEnv LEAK_*
            """, to: "ssh config")
        rack.scratch.writeProgram(
            """
            #!/bin/sh
            exec unshare --mount sh -c 'home=$(getent passwd "$(id -u)" | cut -d: -f6) &&
                mount -t tmpfs -o mode=700 tmpfs "$home" && mkdir -m 700 "$home/.ssh" &&
                cp "$0" "$home/.ssh/config" && exec /usr/bin/ssh "$@"' '\(configuration)' "$@"
            """, to: "path/ssh")
        let agent = rack.scratch["agent"].string
        let started = try OutsideTool("ssh-agent").run(["-s", "-a", agent])
        let id = try #require(started.text.firstMatch(of: /SSH_AGENT_PID=([0-9]+)/).flatMap { pid_t($0.1) })
        defer { kill(id, SIGTERM) }
        let environment = [
            "PATH": "\(rack.scratch["path"]):/usr/bin:/bin", "XDG_RUNTIME_DIR": rack.scratch.path.string,
            "SSH_AUTH_SOCK": agent, "LEAK_TOKEN": "s3cret",
        ]
        let options = Array(rack.options.dropLast(2))
        #expect(rack.options.last == "IdentityAgent=none")
        let outcome = await rack.harness.run(
            list: ["run"] + options + ["rack", "--", "echo \"agent=$SSH_AUTH_SOCK leak=$LEAK_TOKEN\""],
            environment: environment)
        #expect(outcome.output == "==> red01 <==\nagent= leak=\n", "\(outcome.output)\(outcome.errors)")
        #expect(outcome.errors.contains("the host key of red02 (\(rack.address("red02"))) has changed"))
        #expect(!rack.has(".", "local-command"))
        // The configuration would have done all that.
        let plain = try OutsideTool("env").run(
            environment.map { "\($0)=\($1)" } + [rack.scratch["path/ssh"].string, "-T"]
                + options.filter { $0 != "--ssh-option" && !$0.hasPrefix("--") && $0 != "root" && !$0.hasPrefix("/") }
                .flatMap { ["-o", $0] } + [
                    "-i", rack.scratch["key"].string, "-l", "root", rack.address("red01"),
                    "echo \"agent=$SSH_AUTH_SOCK leak=$LEAK_TOKEN\"",
                ])
        #expect(plain.text.contains("agent=/") && plain.text.contains("leak=s3cret"), "\(plain.text)\(plain.errors)")
        #expect(rack.has(".", "local-command"))
    }
}
