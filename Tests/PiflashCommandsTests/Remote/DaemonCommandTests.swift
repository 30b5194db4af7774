import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct DaemonCommandTests {
    static let theirs = #"{"debug":false,"mtu":1400,"labels":["arch=armv6"]}"#

    @Test func `without options it prints what the recipe makes of each node, and reaches none`() async throws {
        let harness = CommandHarness()
        harness.scratch.write("hostname: red01\n\(NodeRack.recipe)\n", to: "rack/red01.yaml")
        let one = await harness.run("daemon", "rack")
        #expect(one.status == 0, "\(one.errors)")
        let json = try #require(try JSONSerialization.jsonObject(with: Data(one.output.utf8)) as? [String: Any])
        #expect(json["debug"] as? Bool == true)
        harness.scratch.write("hostname: red02\n\(NodeRack.recipe)\n", to: "rack/red02.yaml")
        #expect(await harness.run("daemon", "rack").output.contains("==> red02 <=="))
        #expect(await harness.run("daemon", "--diff", "--apply", "rack").status == 2)
        harness.scratch.write("hostname: red02\n\(NodeRack.recipe)\n", to: "rack/other.yaml")
        #expect(await harness.run("daemon", "rack").errors.contains("is already another node's name"))
    }

    @Test func `a daemon.json is checked by itself, with the places of what is wrong`() async throws {
        let harness = CommandHarness()
        harness.scratch.write("{\n  \"graph\": \"/data\",\n  \"labels\": \"a=b\"\n}\n", to: "daemon.json")
        let old = await harness.run("daemon", "--check", "--engine", "20.10.24", "daemon.json")
        #expect(old.status == 2)
        #expect(
            old.errors.contains("daemon.json:3:13: labels: expected a list of texts, this is text"), "\(old.errors)")
        #expect(old.errors.contains("daemon.json:2:3: warning: graph: the name is deprecated"), "\(old.errors)")
        let new = await harness.run("daemon", "--check", "--engine", "v29.7.2", "daemon.json")
        #expect(new.status == 2)
        #expect(new.errors.contains("daemon.json:2:3: graph: Docker 29.7.2 does not start with it"), "\(new.errors)")
        // What only some versions refuse is not a mistake of the file.
        let any = await harness.run("daemon", "--check", "daemon.json")
        #expect(any.status == 2 && any.errors.contains("labels") && !any.errors.contains("graph"), "\(any.errors)")
        harness.scratch.write("{ \"debug\": true, }\n", to: "comma.json")
        let comma = await harness.run("daemon", "--check", "comma.json", "daemon.json")
        #expect(comma.status == 2)
        #expect(comma.errors.contains("comma.json:1:18: not valid JSON") && comma.errors.contains("daemon.json:3:13"))
        harness.scratch.write("{ \"debug\": true, \"tlscert\": \"/etc/c.pem\" }\n", to: "good.json")
        let good = await harness.run("daemon", "--check", "good.json")
        #expect(good.status == 0)
        #expect(good.output == "good.json: ok\n")
        #expect(
            good.errors.contains("good.json:1:29: warning: tlscert: does nothing without tls or tlsverify"),
            "\(good.errors)")
        for arguments in [
            ["--check", "none.json"], ["--check", "--diff", "good.json"], ["--engine", "20.10", "good.json"],
            ["--check", "--engine", "new", "good.json"], ["--check"],
        ] {
            #expect(await harness.run(list: ["daemon"] + arguments).status == 2, "\(arguments)")
        }
    }

    @Test func `a change lands on every node, keeps what others wrote, and is made once`() async throws {
        let rack = try NodeRack(["red01", "red02", "red03"])
        defer { rack.stop() }
        rack.scratch.write(Self.theirs, to: "red02/root/etc/docker/daemon.json")
        let file = rack.scratch["red02/root/etc/docker/daemon.json"]
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file.string)
        let outcome = await rack.run("daemon", "--apply")
        #expect(outcome.status == 0, "\(outcome.errors)")
        for name in rack.names {
            #expect(outcome.errors.contains("\(name): Docker runs with the new settings"))
            #expect(rack.daemon(name).contains("\"debug\": true"))
            #expect(rack.text(name, "systemctl.log").contains("restart docker.service"))
        }
        #expect(rack.daemon("red02").contains("\"mtu\": 1400"))
        #expect(try file.stat().permissions == FilePermissions(rawValue: 0o640))
        #expect(rack.text("red02", "root/var/lib/piflash/daemon.json.before") == Self.theirs)
        // Nothing to change, nothing restarted.
        let restarts = rack.text("red01", "systemctl.log")
        let again = await rack.run("daemon", "--apply")
        #expect(again.status == 0)
        #expect(again.errors.contains("red01: is as the recipe wants it"))
        #expect(rack.text("red01", "systemctl.log") == restarts)
        // A key that the recipe drops goes, one that somebody added stays.
        for name in rack.names {
            rack.scratch.write(
                "hostname: \(name)\naddress: \(rack.address(name))/8\ndocker: { daemon: { labels: [arch=armv7] } }\n",
                to: "rack/\(name).yaml")
        }
        let diff = await rack.run("daemon", "--diff", recipes: ["rack/red02.yaml"])
        #expect(diff.status == 0, "\(diff.errors)")
        #expect(diff.output.hasPrefix("--- red02:/etc/docker/daemon.json\n+++ recipe\n@@ -1,"))
        #expect(diff.output.contains("-  \"debug\": true,\n"))
        #expect(rack.daemon("red02").contains("debug"))
        #expect(await rack.run("daemon", "--apply").status == 0)
        #expect(!rack.daemon("red02").contains("debug"))
        #expect(rack.daemon("red02").contains("mtu"))
    }

    @Test func `an engine that does not start gets its old configuration back, and its last log lines are shown`()
        async throws
    {
        // What dockerd trips over is made up: what can be known beforehand is refused beforehand.
        let recipe = "docker: { daemon: { labels: [no-such=1] } }"
        let rack = try NodeRack(["red01", "red02", "dead"], silent: ["dead"])
        defer { rack.stop() }
        rack.scratch.write("hostname: red02\naddress: \(rack.address("red02"))/8\n\(recipe)\n", to: "rack/red02.yaml")
        for name in ["red01", "red02"] {
            rack.scratch.write(Self.theirs, to: "\(name)/root/etc/docker/daemon.json")
        }
        let outcome = await rack.run("daemon", "--apply", "--timeout", "3")
        #expect(outcome.status == 4, "\(outcome.errors)")
        #expect(outcome.errors.contains("red01: Docker runs with the new settings"))
        #expect(
            outcome.errors.contains("red02: failed: Docker does not start with the new settings; the old ones are back")
        )
        #expect(outcome.errors.contains("  | failed to start daemon: logger: no log driver named no-such"))
        #expect(outcome.errors.contains("dead: failed:"))
        #expect(outcome.errors.contains("2 of 3 nodes failed: dead, red02"))
        #expect(rack.daemon("red02") == Self.theirs)
        #expect(!rack.has("red02", "down"))
        #expect(!rack.has("red02", "root/var/lib/piflash/daemon.json.written"))
        // An engine that never comes back is reported as such.
        rack.scratch.write("", to: "red02/broken")
        let down = await rack.run("daemon", "--apply", "--timeout", "2", recipes: ["rack/red02.yaml"])
        #expect(down.status == 1)
        #expect(down.errors.contains("neither with the new settings nor with the old ones"))
        #expect(rack.daemon("red02") == Self.theirs)
    }

    @Test func `dockerd's validation comes before the change`() async throws {
        let rack = try NodeRack(["red01"])
        defer { rack.stop() }
        rack.stub(
            "red01", "dockerd",
            """
            case $1 in
            --help) echo '      --validate    Validate daemon configuration and exit' ;;
            --validate) echo "$3" >"$RIG/validated"; echo 'unable to configure: directives: x' >&2; exit 1 ;;
            esac
            """)
        let outcome = await rack.run("daemon", "--apply")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("dockerd rejects the new settings; nothing was changed"))
        #expect(outcome.errors.contains("  | unable to configure: directives: x"))
        #expect(rack.text("red01", "validated").contains("daemon.json.piflash-new"))
        #expect(!rack.has("red01", "root/etc/docker/daemon.json"))
        #expect(!rack.has("red01", "root/etc/docker/daemon.json.piflash-new"))
        #expect(!rack.text("red01", "systemctl.log").contains("restart"))
    }

    @Test func `hosts bring the drop-in that takes -H out of the unit, and take it away again`() async throws {
        let rack = try NodeRack(
            ["red01"],
            recipe: "docker: { daemon: { hosts: [\"unix:///var/run/docker.sock\", \"tcp://127.0.0.1:2375\"] } }")
        defer { rack.stop() }
        let outcome = await rack.run("daemon", "--apply")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let dropIn = "root/etc/systemd/system/docker.service.d/piflash.conf"
        #expect(
            rack.text("red01", dropIn)
                == "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --containerd=/run/c.sock\n")
        #expect(rack.text("red01", "systemctl.log").contains("daemon-reload"))
        rack.scratch.write(
            "hostname: red01\naddress: \(rack.address("red01"))/8\n\(NodeRack.recipe)\n", to: "rack/red01.yaml")
        #expect(await rack.run("daemon", "--apply").status == 0)
        #expect(!rack.has("red01", dropIn))
        #expect(!rack.daemon("red01").contains("hosts"))
    }

    @Test func `engines before daemon.json have their options edited`() async throws {
        let rack = try NodeRack(["red01"], recipe: "docker: { daemon: { storage-driver: overlay, mtu: 1400 } }")
        defer { rack.stop() }
        rack.scratch.write("1.6.2\n", to: "red01/version")
        try FileManager.default.removeItem(atPath: rack.scratch["red01/root/run/systemd"].string)
        rack.scratch.write(
            "# image's own\nDOCKER_OPTS=\"--storage-driver=aufs --dns=9.9.9.9\"\n", to: "red01/root/etc/default/docker")
        #expect(await rack.run("daemon", "--apply").status == 0)
        // In a recipe without a label arch= the image's architecture is not known here.
        let options = rack.text("red01", "root/etc/default/docker")
        #expect(options.hasPrefix("# image's own\nDOCKER_OPTS=\"--dns=9.9.9.9 --storage-driver=overlay --mtu=1400"))
        #expect(rack.text("red01", "service.log") == "docker restart\n")
        rack.scratch.write(
            "hostname: red01\naddress: \(rack.address("red01"))/8\ndocker: { daemon: { storage-driver: overlay } }\n",
            to: "rack/red01.yaml")
        #expect(await rack.run("daemon", "--apply").status == 0)
        #expect(!rack.text("red01", "root/etc/default/docker").contains("--mtu"))
        #expect(rack.text("red01", "root/etc/default/docker").contains("--dns=9.9.9.9"))
    }

    @Test func `managers come last and one by one, and none after one that failed`() async throws {
        let rack = try NodeRack(["red00", "red01", "red02", "red03"])
        defer { rack.stop() }
        for name in ["red00", "red01", "red02"] { rack.scratch.write("active true\n", to: "\(name)/swarm") }
        rack.scratch.write("active false\n", to: "red03/swarm")
        rack.scratch.write("", to: "red01/no-quorum")
        let outcome = await rack.run("daemon", "--apply", "--timeout", "2")
        #expect(outcome.status == 4, "\(outcome.errors)")
        #expect(outcome.errors.contains("red00: Docker runs with the new settings; the swarm has its majority"))
        #expect(outcome.errors.contains("red01: failed: Docker runs with the new settings, but the swarm's managers"))
        #expect(outcome.errors.contains("red02: failed: not changed, because the manager red01 failed"))
        #expect(outcome.errors.contains("red03: Docker runs"))
        #expect(!rack.has("red02", "root/etc/docker/daemon.json"))
        let worker = try #require(outcome.errors.firstRange(of: "red03: Docker runs"))
        #expect(outcome.errors[worker.upperBound...].contains("red00: Docker runs"))
    }

    @Test func `live-restore never reaches a node of a swarm`() async throws {
        let rack = try NodeRack(["red01"], recipe: "docker: { daemon: { live-restore: true } }")
        defer { rack.stop() }
        rack.scratch.write("active false\n", to: "red01/swarm")
        let outcome = await rack.run("daemon", "--apply")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("live-restore: Docker does not start with it on a node of a swarm"))
        #expect(!rack.has("red01", "root/etc/docker/daemon.json"))
    }

    @Test func `what the first boot wrote counts as the recipe's`() async throws {
        let rack = try NodeRack(["red01"], recipe: "docker: { daemon: { mtu: 1400 } }")
        defer { rack.stop() }
        let file = "{\n  \"debug\": true\n}\n"
        rack.scratch.write(file, to: "red01/root/etc/docker/daemon.json")
        // As FirstBootSettings makes DOCKER_CONFIG: SHA-256 of "LENGTH:" and the contents, twelve digits.
        let sum = try OutsideTool("sha256sum").run([], input: Array("\(file.utf8.count):\(file)".utf8)).text.prefix(12)
        rack.scratch.write("DOCKER_CONFIG='\(sum)'\n", to: "red01/root/etc/piflash/settings")
        #expect(await rack.run("daemon", "--apply").status == 0)
        #expect(!rack.daemon("red01").contains("debug"))
        #expect(rack.daemon("red01").contains("mtu"))
    }

    @Test func `a login in a proxy's address is shown nowhere`() async throws {
        let rack = try NodeRack(["red01"])
        defer { rack.stop() }
        rack.scratch.write(
            #"{"proxies":{"http-proxy":"http://me:hunter2@proxy:3128"},"log-driver":"splunk","log-opts":{"splunk-url":"https://logs","splunk-token":"hunter3"}}"#,
            to: "red01/root/etc/docker/daemon.json")
        rack.scratch.write("28.5.2\n", to: "red01/version")
        rack.scratch.write("me@host {", to: "red01/journal")
        for arguments in [["--diff"], ["--diff", "--json"], ["--apply"], ["--apply", "--json"]] {
            let outcome = await rack.run("daemon", then: arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(!(outcome.output + outcome.errors).contains("hunter"))
        }
        #expect(rack.daemon("red01").contains("hunter2"))
    }

    @Test func `an engine before 23.0 gets its proxies by a drop-in that root alone can read`() async throws {
        let rack = try NodeRack(["red01"])
        defer { rack.stop() }
        let recipe =
            "hostname: red01\naddress: \(rack.address("red01"))/8\ndocker: { proxy: { http: \"http://me:hunter2@proxy:3128\" } }\n"
        rack.scratch.write(recipe, to: "rack/red01.yaml")
        let path = "red01/root/etc/systemd/system/docker.service.d/piflash-proxy.conf"
        let first = await rack.run("daemon", "--apply")
        #expect(first.status == 0, "\(first.errors)")
        #expect(!(first.output + first.errors).contains("hunter"))
        #expect(
            rack.text("red01", "root/etc/systemd/system/docker.service.d/piflash-proxy.conf").contains(
                "http://me:hunter2@proxy:3128"))
        let mode = try FileManager.default.attributesOfItem(atPath: rack.scratch[path].string)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(!rack.daemon("red01").contains("proxies"))
        #expect(await rack.run("daemon", "--apply").errors.contains("is as the recipe wants it"))
        // An engine that does not start with new ones gets the old ones back.
        rack.scratch.write("", to: "red01/broken")
        rack.scratch.write(recipe.replacing("3128", with: "3129"), to: "rack/red01.yaml")
        #expect(await rack.run("daemon", "--apply", "--timeout", "2").status == 1)
        #expect(rack.text("red01", "root/etc/systemd/system/docker.service.d/piflash-proxy.conf").contains(":3128"))
    }

    @Test func `certificates come with a card: without them TLS is not switched on`() async throws {
        let rack = try NodeRack(["red01"])
        defer { rack.stop() }
        rack.scratch.write(
            "hostname: red01\naddress: \(rack.address("red01"))/8\ndocker: { remote: tls }\n", to: "rack/red01.yaml")
        let refused = await rack.run("daemon", "--apply")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("this node has no certificate of the rack"))
        #expect(!rack.daemon("red01").contains("tls"))
        for name in ["ca", "cert", "key"] {
            rack.scratch.write("x", to: "red01/root/etc/docker/piflash/\(name).pem")
        }
        let done = await rack.run("daemon", "--apply")
        #expect(done.status == 0, "\(done.errors)")
        #expect(!done.errors.contains("warning: tls"))
        #expect(rack.daemon("red01").contains("tlsverify"))
    }

    @Test func `a file that is not JSON is left alone`() async throws {
        let rack = try NodeRack(["red01", "red02"])
        defer { rack.stop() }
        rack.scratch.write("{ \"debug\": true, }", to: "red01/root/etc/docker/daemon.json")
        rack.stub("red02", "docker", "exit 127")
        rack.stub("red02", "dockerd", "exit 127")
        let outcome = await rack.run("daemon", "--apply")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("red01: failed: /etc/docker/daemon.json is not valid JSON: line 1"))
        #expect(outcome.errors.contains("red02: failed: Docker is not installed"))
        #expect(rack.daemon("red01") == "{ \"debug\": true, }")
    }
}
