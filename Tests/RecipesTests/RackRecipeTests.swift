import Text
import Diagnostics
import Foundation
import Host
import Recipes
import SystemPackage
import TestSupport
import Testing

/// Recipes of several nodes: ranges, addresses, rosters, overrides, variables.
@Suite struct RackRecipeTests {
    private let scratch = ScratchDirectory()
    private static let user = "user: { name: pi, ssh_authorized_keys: [\"\(RecipeHarness.key)\"] }\n"

    private var loader: RecipeLoader {
        RecipeLoader(user: InvokingUser(environment: [:]), workingDirectory: scratch.path, requireImage: false)
    }

    private func rack(_ text: String, _ others: [String: String] = [:]) throws -> LoadedRack {
        scratch.write(text, to: "class.yaml")
        for (name, text) in others { scratch.write(text, to: FilePath.Component(stringLiteral: name).string) }
        return try loader.loadRack(["class.yaml"])
    }

    private func errors(_ text: String, _ others: [String: String] = [:]) -> [String] {
        do {
            _ = try rack(text, others)
            return []
        } catch let report as DiagnosticReport {
            return report.sorted.filter { $0.severity == .error }.map(\.description)
        } catch {
            return ["\(error)"]
        }
    }

    @Test func `a range of nodes gets names, addresses, overrides and variables`() throws {
        let rack = try rack(
            """
            nodes: "red[00-02]"
            addresses: 192.168.50.10/24
            \(Self.user)
            docker: { daemon: { labels: ["slot={{index}} of {{count}}", "rack={{rack}}"] } }
            first_boot: { run: ["echo {{ node }} {{address}} '{{.Name}}'"] }
            overrides:
              red01: { docker: { daemon: { "+labels": [extra=1] } }, address: 192.168.50.99/24 }
            """)
        #expect(rack.nodes.map(\.hostname.value) == ["red00", "red01", "red02"])
        #expect(rack.nodes.map(\.address?.value.address) == ["192.168.50.10", "192.168.50.99", "192.168.50.12"])
        #expect(
            rack.nodes[1].docker.daemon.first?.value.value
                == .array([.string("slot=2 of 3"), .string("rack=class"), .string("extra=1")]))
        #expect(rack.nodes[1].firstBoot.run.first?.value == "echo red01 192.168.50.99 '{{.Name}}'")
        #expect(rack.nodes[2].rack.map(\.name) == ["red00", "red01", "red02"])
        #expect(Set(rack.nodes.map(\.recipeDigest)).count == 3)
    }

    @Test func `a roster that is too short is one mistake, not one for each variable`() {
        let user = "user: { name: \"{{login}}\", ssh_authorized_keys: [\"\(RecipeHarness.key)\"] }\n"
        let text = "nodes: \"red[0-2]\"\nroster: r.csv\n" + user
        #expect(
            errors(text, ["r.csv": "login\nann\nbo\n"])
                == ["class.yaml:2:9: roster: r.csv has 2 rows for 3 nodes: red2 would get none"])
        #expect(
            errors(text.replacing("r.csv", with: "none.csv")) == ["class.yaml:2:9: roster: none.csv cannot be read"])
    }

    @Test func `a roster's rows belong to the nodes in order, whatever a name holds`() throws {
        let name = #"O'Brien "Bo" {{x}} #1: ü"#
        let roster =
            "\u{FEFF}Login;Full Name;SSH key;Seat\r\nann;Ann;\(RecipeHarness.key);1\r\n\r\nbo;\"O'Brien \"\"Bo\"\" {{x}} #1: ü\";\(RecipeHarness.key);2\r\n"
        let rack = try rack(
            """
            nodes: "pi[1-2]"
            roster: students.csv
            user: { name: "{{login}}", ssh_authorized_keys: ["{{ssh_key}}"] }
            first_boot: { files: [{ path: "/etc/seat-{{seat}}", content: "{{full_name}}" }] }
            """, ["students.csv": roster])
        #expect(rack.nodes.map(\.user?.name.value) == ["ann", "bo"])
        #expect(rack.nodes[1].firstBoot.files.first?.path.value == "/etc/seat-2")
        #expect(
            rack.nodes[1].firstBoot.files.first?.content.source == .literal(name))
        #expect(rack.members[1].columns.first { $0.name == "full_name" }?.value == name)
        // As their spreadsheet has them.
        #expect(rack.members[1].columns.map(\.name) == ["login", "full_name", "ssh_key", "seat"])
    }

    @Test(arguments: [
        ("nodes: \"pi[1-2\"\n", "1:8", "without its"),
        ("nodes: \"pi[1-2],pi2\"\n", "1:8", "twice"),
        ("nodes: \"Pi[1-2]\"\n", "1:8", "not a valid host name"),
        ("nodes: {a: b}\n", "1:8", "expected names"),
        ("nodes: []\n", "1:1", "the list is empty"),
        ("nodes: \"pi[1-3]\"\naddresses: 10.0.0.253/24\n", "2:12", "only 2 follow"),
        ("nodes: \"pi[1-3]\"\naddresses: 10.0.0.0/24\n", "2:12", "not a host's address"),
        ("nodes: \"pi[1-3]\"\naddresses: 10.0.0.1\n", "2:12", "with its prefix length"),
        ("nodes: \"pi[1-3]\"\naddresses: 10.0.0.1/24\naddress: 10.0.0.9/24\n", "3:1", "every node"),
        ("nodes: \"pi[1-2]\"\naddress: 10.0.0.9/24\n", "2:10", "already the address of pi1"),
        ("nodes: \"pi[1-2]\"\nhostname: same\n", "2:11", "already another node's name"),
        ("nodes: \"pi[1-2]\"\noverrides: { pi3: {} }\n", "2:14", "is not listed in nodes"),
        ("nodes: \"pi[1-2]\"\noverrides: { pi2: { nodes: x } }\n", "2:21", "is not allowed here"),
        ("nodes: \"pi[1-2]\"\nfirst_boot: { run: [\"echo {{nod}}\"] }\n", "2:21", "did you mean \"node\"?"),
        ("nodes: \"pi[1-2]\"\nroster: none.csv\n", "2:9", "cannot be read"),
        ("nodes: \"pi[1-2]\"\nswarm: { managers: [pi3] }\n", "2:21", "neither a node of the rack"),
        ("hostname: a\nroster: x.csv\n", "2:1", "only in a recipe with nodes"),
    ])
    func `what is wrong is said at its place`(_ text: String, _ place: String, _ gist: String) {
        let errors = errors(text + Self.user)
        #expect(errors.count == 1, "\(errors)")
        #expect(errors.first?.hasPrefix("class.yaml:\(place): ") == true, "\(errors)")
        #expect(errors.first?.contains(gist) == true, "\(errors)")
    }

    @Test(arguments: [
        ("login\nann\n", "class.yaml:2:9: ", "pi2 would get none"),
        ("login\n", "class.yaml:2:9: ", "pi1 to pi2 would get none"),
        ("", "students.csv:1:1: ", "is empty"),
        ("login,seat\nann,1\nbo,1\n", "students.csv:3:1: ", "already taken, in line 2"),
        ("login,seat\nann,1\nbo\n", "students.csv:3:1: ", "has 1 fields"),
        ("login,login\na,b\nc,d\n", "students.csv:1:1: ", "twice"),
        ("login,\na,b\nc,d\n", "students.csv:1:1: ", "has no name"),
        ("login,Node\na,b\nc,d\n", "students.csv:1:1: ", "built-in"),
        ("login\n\"ann\nbo\n", "students.csv:2:1: ", "never closed"),
        ("login\n\"ann\"x\nbo\n", "students.csv:2:1: ", "closing quote"),
        ("login,key\nann,\nbo,x\n", "class.yaml:3:39: ", "{{key}} is empty in students.csv:2"),
    ])
    func `what is wrong with a roster is said at its line`(_ roster: String, _ place: String, _ gist: String) {
        let uses = roster.contains("key") ? "first_boot: { run: [\"echo {{login}}\", \"{{key}}\"] }\n" : ""
        let errors = errors(
            "nodes: \"pi[1-2]\"\nroster: students.csv\n" + uses + Self.user, ["students.csv": roster])
        #expect(errors.contains { $0.hasPrefix(place) && $0.contains(gist) }, "\(errors)")
    }

    @Test func `one node of a rack is named`() throws {
        scratch.write("nodes: \"pi[1-2]\"\n" + Self.user, to: "class.yaml")
        #expect(try loader.load("class.yaml", node: "pi2").node.hostname.value == "pi2")
        #expect(throws: DiagnosticReport.self) { try loader.load("class.yaml") }
        #expect(throws: DiagnosticReport.self) { try loader.load("class.yaml", node: "pi3") }
    }

    @Test func `files and directories become one list, whose repeated names are refused`() throws {
        scratch.write("nodes: \"a[1-2]\"\n" + Self.user, to: "one.yaml")
        scratch.write("hostname: b1\n" + Self.user, to: "red/b1.yaml")
        scratch.write("extends: ../one.yaml\nnodes: \"b[2-3]\"\n", to: "red/more.yaml")
        #expect(
            try loader.loadRack(["one.yaml", "red"]).nodes.map(\.hostname.value) == ["a1", "a2", "b1", "b2", "b3"])
        #expect(try loader.loadRack(["one.yaml", "./one.yaml"]).nodes.count == 2)
        scratch.write("hostname: a2\n" + Self.user, to: "two.yaml")
        #expect(throws: DiagnosticReport.self) { try loader.loadRack(["one.yaml", "two.yaml"]) }
    }

    @Test func `a thousand nodes are read at once`() throws {
        let rack = try rack(
            "nodes: \"n[0001-1000]\"\naddresses: 10.1.0.1/16\nswarm: { managers: [n0001] }\n" + Self.user)
        #expect(rack.nodes.count == 1000)
        #expect(rack.nodes[999].address?.value.address == "10.1.3.232")
        #expect(rack.nodes[5].swarm?.nodes.count == 1000)
    }
}
