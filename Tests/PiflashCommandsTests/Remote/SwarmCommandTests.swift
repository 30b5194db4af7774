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
            CommandHarness.recipe.replacing(/swarm: .*/, with: "swarm: { token: !env T }"), to: "b/base.yaml")
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
        let check = await harness.run("check", "racks/red")
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
        #expect(await harness.run("check", "h").status == 0)
    }
}
