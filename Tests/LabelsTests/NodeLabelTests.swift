import Diagnostics
import Host
import Labels
import Recipes
import SystemPackage
import TestSupport
import Testing

@Suite struct NodeLabelTests {
    private let scratch = ScratchDirectory()
    private static let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDeTkYTxRC13NwRkUmqUfoEDjIWbiMNZTpCkDYq7Yg6L me@host"

    private func labels(_ recipe: String, roster: String) throws -> [NodeLabel] {
        scratch.write(recipe, to: "class.yaml")
        scratch.write(roster, to: "students.csv")
        let loader = RecipeLoader(
            user: InvokingUser(environment: [:]), workingDirectory: scratch.path, requireImage: false)
        return try loader.loadRack(["class.yaml"]).members.map { NodeLabel($0) }
    }

    @Test func `a label shows what the roster says, but for secrets and what the label says already`() throws {
        let label = try #require(
            try labels(
                """
                nodes: "pi[1-2]"
                roster: students.csv
                user: { name: "{{login}}", password: "{{start}}", ssh_authorized_keys: ["{{line}}"] }
                """,
                roster: """
                    login,Start,Room,Name,Seat,API key,Pin,WLAN password,Secret word,Line,Spare,pinboard
                    ann,hunter2,R1,Ann,7,k1,1234,w1,s1,\(Self.key),,board
                    bo,hunter3,R1,Bo,8,k2,5678,w2,s2,\(Self.key),,board
                    """
            ).first)
        #expect(label.node == "pi1" && label.user == "ann" && label.seat == "7" && label.password == nil)
        // The name first, then the roster's order. A start password that the recipe takes is a secret under any name.
        #expect(label.columns.map(\.name) == ["name", "room", "pinboard"])
        #expect(label.columns.map(\.value) == ["Ann", "R1", "board"])
    }

    @Test func `a node is reached at its fixed address, or at its name in the local network`() throws {
        let fixed = try labels(
            "nodes: \"pi[1-2]\"\naddresses: 192.168.50.10/24\nuser: { name: pi, password: x }\n", roster: "")
        #expect(fixed.map(\.link) == ["ssh://pi@192.168.50.10", "ssh://pi@192.168.50.11"])
        let six = try labels("nodes: pi1\naddresses: \"fd00::10/64\"\nuser: { name: pi, password: x }\n", roster: "")
        #expect(six.map(\.link) == ["ssh://pi@[fd00::10]"] && six.map(\.target) == ["pi@fd00::10"])
        let dynamic = try labels("nodes: pi1\n", roster: "")
        #expect(dynamic.map(\.target) == ["pi1.local"])
        #expect(dynamic[0].address == nil)
    }

    @Test func `text for a terminal has one line for each value and no control characters`() throws {
        let label = try labels(
            "nodes: pi1\nroster: students.csv\nuser: { name: pi, password: x }\n",
            roster: "note\n\"a\nb\u{1B}[31m\"\n")
        let text = LabelSheet(rack: "class", labels: label).text
        #expect(text == "node  pi1\nssh   pi@pi1.local\nuser  pi\nnote  a b [31m\n")
    }

    @Test func `a template escapes what the roster says, and a broken one is refused`() throws {
        let label = try labels(
            "nodes: pi1\nroster: students.csv\nuser: { name: pi, password: x }\n", roster: "full name\n<b>&\"\n")
        let sheet = LabelSheet(rack: "a & b", labels: label)
        let html = try sheet.html(
            template: "{{rack}}|{{#nodes}}{{node}}{{#address}}!{{/address}}|{{roster.full_name}}{{/nodes}}", file: "t")
        #expect(html == "a &amp; b|pi1|&lt;b&gt;&amp;&quot;")
        #expect(throws: Failure.self) { try sheet.html(template: "{{#nodes}}", file: "t") }
    }
}
