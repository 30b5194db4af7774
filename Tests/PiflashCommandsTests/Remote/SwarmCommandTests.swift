import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct SwarmCommandTests {
    static let token = "SWMTKN-1-3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl-1awxwuwd3z9j1z3puu7rcgdbx"

    /// red00 and red01 are managers, the others workers; red00 answers as the swarm's leader.
    private func rack(_ names: [String] = ["red00", "red01", "red02"], silent: Set<String> = []) throws -> NodeRack {
        let recipe = """
            user: { name: pirate, password: !env PI_PASSWORD }
            swarm: { managers: [red00, red01], token: "\(Self.token)" }
            """
        let rack = try NodeRack(names, recipe: recipe, silent: silent)
        for name in names {
            let isManager = ["red00", "red01"].contains(name)
            rack.scratch.write("active \(isManager)\n", to: "\(name)/swarm")
            rack.scratch.write("a\nb\n", to: "\(name)/ids")
            rack.scratch.write(Self.members, to: "\(name)/members")
        }
        return rack
    }

    static let members = """
        [{"ID":"a","Spec":{"Role":"manager","Availability":"drain"},"Description":{"Hostname":"red00",
          "Engine":{"EngineVersion":"20.10.24"}},"Status":{"State":"ready","Addr":"10.0.0.1"},
          "ManagerStatus":{"Leader":true,"Reachability":"reachable","Addr":"10.0.0.1:2377"}},
         {"ID":"b","Spec":{"Role":"worker","Availability":"active"},"Description":{"Hostname":"red01",
          "Engine":{"EngineVersion":"19.03.12"}},"Status":{"State":"ready","Addr":"10.0.0.2"}},
         {"ID":"c","Spec":{"Role":"worker","Availability":"active"},"Description":{"Hostname":"blue07",
          "Engine":{"EngineVersion":"19.03.12"}},"Status":{"State":"down","Addr":"10.0.0.3"}}]
        """

    @Test func `the list joins the swarm's nodes with the recipes'`() async throws {
        let rack = try rack()
        defer { rack.stop() }
        let text = await rack.run("swarm", "ls")
        #expect(text.status == 4, "\(text.errors)")
        let lines = text.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(
            lines == [
                "NODE ROLE STATE AVAILABILITY ENGINE REMARK", "red00 manager ready drain 20.10.24 leader",
                "red01 worker ready active 19.03.12 the recipe wants a manager",
                "red02 worker missing - - not in a swarm", "blue07 worker down active 19.03.12 not in a recipe",
            ])
        #expect(text.errors.contains("missing or not ready: red02"))
        let json = await rack.run("swarm", "ls", "--json")
        let rows = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: String]])
        #expect(rows.map { $0["node"] } == ["red00", "red01", "red02", "blue07"])
        #expect(rows[0]["manager_status"] == "leader")
        #expect(rows[2]["state"] == "missing")
    }

    /// Of each node that is not ready: what its engine reports, and what the list says about it.
    static let absences = [
        (
            "other", "active w9 m9@10.9.9.9:2377 m8@10.9.9.8:2377",
            "belongs to another swarm (managers: 10.9.9.9:2377 10.9.9.8:2377)", "another-swarm"
        ),
        // The engine does not know its managers yet.
        ("lost", "active w8", "belongs to another swarm", "another-swarm"),
        ("old", "active w7 a@10.0.0.1:2377", "was removed from this swarm", "removed"),
        ("down", "active d a@10.0.0.1:2377", "its engine runs, but the managers do not reach it", "not-ready"),
        ("renamed", "active e a@10.0.0.1:2377", "is in this swarm as blue08", "other-name"),
        ("moved", "active w6 m9@10.9.9.9:2377", "belongs to another swarm (managers: 10.9.9.9:2377)", "another-swarm"),
        ("pending", "pending ", "joining a swarm", "pending"),
        ("locked", "locked ", "its swarm is locked", "locked"),
        ("error", "error ", "its engine failed to join a swarm", "error"),
        ("none", "inactive ", "not in a swarm", "inactive"),
        ("ancient", "", "Docker does not answer there", "no-engine"),
        (
            "hostile",
            "active \u{1B}[2J m9@\u{1B}]0;x\u{7} @ m9@$(id) x m8@[fd00::1]:2377 "
                + String(repeating: "x@y ", count: 9999),
            "belongs to another swarm (managers: [fd00::1]:2377" + String(repeating: " y", count: 10) + ")",
            "another-swarm"
        ),
        ("strange", "\u{1B}[2J active", "Docker does not answer there", "no-engine"),
    ]

    static let moreMembers =
        String(members.dropLast()) + """
            ,{"ID":"d","Spec":{"Role":"worker","Availability":"active"},"Description":{"Hostname":"down",
              "Engine":{"EngineVersion":"20.10.24"}},"Status":{"State":"down","Addr":"10.0.0.4"}},
             {"ID":"e","Spec":{"Role":"worker","Availability":"active"},"Description":{"Hostname":"blue08",
              "Engine":{"EngineVersion":"20.10.24"}},"Status":{"State":"ready","Addr":"10.0.0.5"}},
             {"ID":"f","Spec":{"Role":"worker","Availability":"active"},"Description":{"Hostname":"moved",
              "Engine":{"EngineVersion":"20.10.24"}},"Status":{"State":"down","Addr":"10.0.0.6"}},
             {"ID":"n","Spec":{"Role":"worker","Availability":"active"},"Description":{"Platform":{}},
              "Status":{"State":"down"}},
             {"ID":"h","Spec":{"Role":"worker","Availability":"active"},"Description":{"Hostname":"z\\u001b[2J\\nz",
              "Engine":{"EngineVersion":"\\u009b2J"}},"Status":{"State":"down"}}]
            """

    @Test func `a node that is not ready is asked which swarm it is in`() async throws {
        let names = ["red00", "red01"] + Self.absences.map { $0.0 } + ["dead", "stranger"]
        let rack = try rack(names, silent: ["dead"])
        defer { rack.stop() }
        rack.scratch.write(Self.moreMembers, to: "red00/members")
        for (name, answer, _, _) in Self.absences { rack.scratch.write(answer + "\n", to: "\(name)/membership") }
        rack.forget("stranger")
        let text = await rack.run("swarm", "ls")
        #expect(text.status == 4, "\(text.errors)")
        let lines = text.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        for (name, _, remark, _) in Self.absences {
            let start =
                ["down", "moved"].contains(name)
                ? "\(name) worker down active 20.10.24" : "\(name) worker missing - -"
            #expect(lines.contains("\(start) \(remark)"), "\(name): \(text.output)")
        }
        let dead = try #require(lines.first { $0.hasPrefix("dead ") })
        #expect(dead.contains("does not answer") && dead.contains("refused"))
        #expect(lines.contains { $0.hasPrefix("stranger worker missing - - the host key of stranger (") })
        // What a join that did not end has left.
        #expect(lines.contains("? worker down active ? not in a recipe"))
        #expect(lines.contains("z [2J z worker down active 2J not in a recipe"))
        #expect(lines.count == 1 + names.count + 4)
        #expect(text.output.count < 20_000)
        #expect(!text.output.contains("\u{1B}") && !text.errors.contains("\u{1B}") && !text.output.contains("\u{9B}"))
        for name in ["other", "old", "moved"] {
            #expect(
                text.errors.contains(
                    "\(name): to move it to the swarm of red00, run `docker swarm leave --force` there"))
        }
        #expect(text.errors.contains("stranger: compare its fingerprint"), "\(text.errors)")
        #expect(!text.errors.contains("dead: ") && !text.errors.contains("none: "), "\(text.errors)")

        let json = await rack.run("swarm", "ls", "--json")
        let rows = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: String]])
        func row(_ name: String) -> [String: String] { rows.first { $0["node"] == name } ?? [:] }
        for (name, _, remark, word) in Self.absences {
            #expect(row(name)["absence"] == word)
            #expect(row(name)["message"] == remark)
        }
        #expect(row("other")["swarm_managers"] == "10.9.9.9:2377 10.9.9.8:2377")
        #expect(row("lost")["swarm_managers"] == nil)
        #expect(row("dead")["absence"] == "no-answer" && row("dead")["hint"] == nil)
        #expect(row("stranger")["hint"]?.contains("--accept-new") == true)
        #expect(row("red00")["absence"] == nil && row("blue07")["absence"] == nil)
        #expect(json.errors.split(separator: "\n").count == 2, "\(json.errors)")
    }

    @Test func `a manager whose host key is refused is named with the next step`() async throws {
        let rack = try rack(["red00", "red01"], silent: ["red01"])
        defer { rack.stop() }
        rack.trust("red00", key: "key.pub")
        for command in [["swarm", "ls"], ["swarm", "token"]] {
            let outcome = await rack.run(command[0], command[1])
            #expect(outcome.status == 1)
            let lines = outcome.errors.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(
                lines.contains { $0.hasPrefix("red00: the host key of red00 (\(rack.address("red00"))) has changed") })
            #expect(
                lines.contains { $0.hasPrefix("hint: remove the old key with `ssh-keygen -f ") }, "\(outcome.errors)")
        }
        let kill = await rack.run("swarm", "kill", "--yes", recipes: ["rack/red00.yaml"])
        #expect(kill.errors.contains("  hint: remove the old key with `ssh-keygen -f "), "\(kill.errors)")
    }

    @Test func `the first manager that answers is asked, and only its token is printed`() async throws {
        let rack = try rack(silent: ["red00"])
        defer { rack.stop() }
        let outcome = await rack.run("swarm", "token")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == Self.token + "\n")
        #expect(!outcome.errors.contains("SWMTKN"))
        #expect(rack.text("red01", "docker.log").contains("swarm join-token -q worker"))
        #expect(await rack.run("swarm", "token", "--role", "manager", "--rotate").status == 0)
        #expect(rack.text("red01", "docker.log").contains("swarm join-token --rotate -q manager"))
        rack.scratch.write("inactive false\n", to: "red01/swarm")
        let none = await rack.run("swarm", "token")
        #expect(none.status == 1)
        #expect(none.errors.contains("no manager answers"))
        #expect(none.errors.contains("red01: is not a manager of a swarm"))
        #expect(none.output.isEmpty)
        #expect(await rack.run("swarm", "token", "--role", "boss").status == 2)
    }

    @Test func `a stack is deployed from a file of this machine`() async throws {
        let rack = try rack()
        defer { rack.stop() }
        let compose = "version: '3'\nservices: { web: { image: \"nginx\", command: [\"echo\", \"it's 🍓 $$HOME\"] } }\n"
        rack.scratch.write(compose, to: "web.yml")
        let outcome = await rack.run("swarm", "deploy", "web", "-c", "web.yml")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(rack.text("red00", "compose") == compose)
        #expect(rack.text("red00", "docker.log").contains("stack deploy -c - web"))
        #expect(outcome.output.contains("Creating service web_web"))
        #expect(await rack.run("swarm", "deploy", "web;x", "-c", "web.yml").status == 2)
        #expect(await rack.run("swarm", "deploy", "web", "-c", "none.yml").status == 2)
    }

    @Test func `a stack brings the files that it names, which are gone from the node afterwards`() async throws {
        let rack = try rack()
        defer { rack.stop() }
        let compose =
            "services: { web: { image: nginx, env_file: a.env, configs: [c] } }\nconfigs: { c: { file: ./sub/it's.conf } }\n"
        rack.scratch.write(compose, to: "web/web.yml")
        rack.scratch.write("A=1\n", to: "web/a.env")
        let bytes: [UInt8] = [0, 1, 255, 10, 39]
        rack.scratch.write(bytes, to: "web/sub/it's.conf")
        let outcome = await rack.run("swarm", "deploy", "web", "-c", "web/web.yml")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("Creating service web_web"))
        #expect(rack.text("red00", "stack/.piflash-stack.yml") == compose)
        #expect(rack.text("red00", "stack/a.env") == "A=1\n")
        #expect(rack.scratch.read("red00/stack/sub/it's.conf") == bytes)
        let log = rack.text("red00", "docker.log").split(separator: "\n").last { $0.hasPrefix("stack deploy") } ?? ""
        let file = try #require(log.split(separator: " ").dropFirst(3).first.map(String.init))
        #expect(file.hasSuffix("/.piflash-stack.yml") && !FileManager.default.fileExists(atPath: file))
    }

    @Test func `a compose file with a mistake is not deployed`() async throws {
        let rack = try rack()
        defer { rack.stop() }
        for (compose, text) in [
            ("services: [", "web.yml:2:1: this is not valid YAML"),
            ("services: { web: { image: nginx, prots: [] } }\n", "web.yml:1:34: swarm.stacks.compose: services.web"),
            (
                "services: { web: { image: nginx, hostname: '${NO_SUCH}' } }\n",
                "set it in the environment of this command"
            ),
            ("services: { web: { image: nginx, env_file: none } }\n", "there is no file"),
        ] {
            rack.scratch.write(compose, to: "web.yml")
            let outcome = await rack.run("swarm", "deploy", "web", "-c", "web.yml")
            #expect(outcome.status != 0 && outcome.errors.contains(text), "\(outcome.errors)")
        }
        #expect(!rack.text("red00", "docker.log").contains("stack deploy"))
        // What is in the swarm already is not known, and a variable of this machine's environment is sent.
        let external =
            "services: { web: { image: nginx, hostname: '${XDG_RUNTIME_DIR}' } }\nnetworks: { a: { external: true } }\n"
        rack.scratch.write(external, to: "web.yml")
        #expect(await rack.run("swarm", "deploy", "web", "-c", "web.yml").status == 0)
        #expect(rack.text("red00", "environment").contains("XDG_RUNTIME_DIR=\(rack.scratch.path)\n"))
    }

    @Test func `all leave after a question, workers first and managers one by one`() async throws {
        let rack = try rack(["red00", "red01", "red02", "red03", "off"], silent: ["off"])
        defer { rack.stop() }
        rack.scratch.write("inactive false\n", to: "red03/swarm")
        #expect(await rack.run("swarm", "kill").status == 2)
        #expect(await rack.run("swarm", "kill", answers: ["no"]).status == 1)
        #expect(rack.text(of: "left.log").isEmpty)
        let outcome = await rack.run("swarm", "kill", "--yes")
        #expect(outcome.status == 4, "\(outcome.errors)")
        let left = rack.text(of: "left.log").split(separator: "\n").compactMap { $0.split(separator: "/").last }
        #expect(left == ["red02", "red00", "red01"])
        #expect(rack.text("red02", "docker.log").contains("swarm leave\n"))
        #expect(rack.text("red00", "docker.log").contains("swarm leave --force\n"))
        #expect(outcome.errors.contains("red03: is not in a swarm"))
        #expect(outcome.errors.contains("1 of 5 nodes failed: off"))
    }

    @Test func `a list of managers and workers becomes a rack of recipes`() async throws {
        let harness = CommandHarness()
        harness.scratch.write(
            "manager:\n  - red00\nworker:\n  - red[01-03]\n  - blue7, blue9\n", to: "hostnames.yaml")
        harness.scratch.write(
            CommandHarness.recipe.replacing(/swarm: .*/, with: "swarm: { token: !env T }")
                + "\nnetwork: { interface: wired }\n", to: "b/base.yaml")
        harness.scratch.write("x", to: "b/sample.img.zip")
        let outcome = await harness.run(
            "swarm", "config", "hostnames.yaml", "--output", "racks/red", "--base", "b/base.yaml", "--first-address",
            "192.168.50.10/24")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.split(separator: "\n").count == 7)
        let text = { (name: String) in String(decoding: harness.scratch.read("racks/red/\(name).yaml"), as: UTF8.self) }
        #expect(text("shared").contains("extends: \"../../b/base.yaml\"\nswarm:\n  managers: [red00]\n"))
        #expect(
            text("red02")
                == "extends: shared.yaml\nhostname: red02\naddress: 192.168.50.12/24\nswarm: { role: worker }\n")
        #expect(text("red00").contains("role: manager"))
        #expect(text("blue9").contains("192.168.50.15/24"))
        let check = await harness.run("check", "--no-image", "--no-secrets", "racks/red")
        #expect(check.status == 0, "\(check.errors)")
        #expect(check.output.split(separator: "\n").count == 6)
        let again = await harness.run("swarm", "config", "hostnames.yaml", "--output", "racks/red")
        #expect(again.status == 3)
        #expect(again.errors.contains("shared.yaml"))
        // Without options: a directory of the file's name.
        #expect(await harness.run("swarm", "config", "hostnames.yaml").status == 0)
        #expect(!String(decoding: harness.scratch.read("hostnames/red01.yaml"), as: UTF8.self).contains("address"))
    }

    @Test(arguments: [
        ("manager: red00\nworkers: [red00]", "appears twice"),
        ("manager: red00\nworkr: [red01]", "did you mean \"worker\"?"), ("worker: [red01]", "a swarm needs a manager"),
        ("manager: red00\nworker: [\"red[3-1]\"]", "runs backwards"), ("manager: Red_00", "is not a valid host name"),
        ("manager: red00\nworker: [{ a: b }]", "this is a map"), ("[red00]", "expected manager: and worker:"),
        ("manager: \"red[1-99999]\"", "names more than"),
    ])
    func `a mistake in the list is reported with its place`(_ text: String, _ problem: String) async throws {
        let harness = CommandHarness()
        harness.scratch.write(text + "\n", to: "hostnames.yaml")
        let outcome = await harness.run("swarm", "config", "hostnames.yaml")
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains(problem), "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("hostnames.yaml:"))
    }

    @Test func `an address as manager is one that runs already`() async throws {
        let harness = CommandHarness()
        harness.scratch.write("manager: 192.168.50.2\nworker: [red1, \"true\"]\n", to: "h.yaml")
        #expect(await harness.run("swarm", "config", "h.yaml", "--first-address", "192.168.50.254/24").status == 2)
        #expect(await harness.run("swarm", "config", "h.yaml", "--first-address", "192.168.50.253").status == 2)
        #expect(await harness.run("swarm", "config", "h.yaml", "--first-address", "192.168.50.253/24").status == 0)
        let shared = String(decoding: harness.scratch.read("h/shared.yaml"), as: UTF8.self)
        #expect(shared.contains("managers: [\"192.168.50.2\"]"))
        #expect(shared.contains("token: !env SWARM_TOKEN"))
        #expect(await harness.run("check", "--no-secrets", "h").status == 0)
    }

    @Test func `running managers get the list of the nodes, and their token services open`() async throws {
        let rack = try NodeRack(["red00", "red01", "red02"], recipe: "swarm: { managers: [red00, red02] }")
        defer { rack.stop() }
        // red02 has a card without a token service.
        rack.scratch.write("key", to: "red00/root/etc/piflash/swarm/host_key")
        for file in ["usr/local/lib/piflash/swarm-door", "etc/piflash/swarm/authorized_keys"] {
            rack.scratch.write("old", to: "red00/root/\(file)")
        }
        let outcome = await rack.run("swarm", "open")
        #expect(outcome.status == 4, "\(outcome.errors)")
        #expect(outcome.errors.contains("red02: failed: it has no token service"), "\(outcome.errors)")
        #expect(
            outcome.errors.contains("red00: its token service has the rack's list, and is open"), "\(outcome.errors)")
        let swarm = "root/etc/piflash/swarm"
        #expect(rack.text("red00", "\(swarm)/members") == "red00 manager\nred01 worker\nred02 manager\n")
        let keys = rack.text("red00", "\(swarm)/authorized_keys")
        #expect(keys.split(separator: "\n").count == 3 && keys.contains("swarm-door worker red01\","))
        #expect(rack.text("red00", "systemctl.log").contains("restart piflash-swarm-door.service\n"))
        #expect(rack.text("red00", "root/usr/local/lib/piflash/swarm-door").hasPrefix("#!/bin/sh\n"))
        for (file, mode) in [("\(swarm)/members", 0o600), ("root/usr/local/lib/piflash/swarm-door", 0o755)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: rack.scratch["red00/\(file)"].string)
            #expect(attributes[.posixPermissions] as? Int == mode)
        }
        #expect(!rack.has("red01", swarm) && !rack.has("red02", swarm))
        // A stolen card's node gets another key, the others keep theirs.
        rack.scratch.write("red01\n", to: "rack/.piflash/swarm/stolen")
        _ = await rack.run("swarm", "open")
        let changed = zip(
            keys.split(separator: "\n"), rack.text("red00", "\(swarm)/authorized_keys").split(separator: "\n")
        )
        .filter { $0 != $1 }
        #expect(changed.count == 1 && changed[0].0.hasSuffix(" red01"))
        let none = await rack.run("swarm", "open", recipes: ["rack/red01.yaml"])
        #expect(none.status == 2 && none.errors.contains("the recipes name no manager"))
    }
}
