import Diagnostics
import Host
import Recipes
import SystemPackage
import TestSupport
import Testing

@Suite struct RackTests {
    private func load(_ name: String, in scratch: ScratchDirectory) throws -> Node {
        try RecipeLoader(user: InvokingUser(environment: [:]), workingDirectory: scratch.path, requireImage: false)
            .load("red/\(name)").node
    }

    @Test func `a node knows the names and addresses of its rack, and is one of them`() throws {
        let scratch = ScratchDirectory()
        scratch.write("network: { dns: [10.0.0.1] }\n", to: "red/red.yaml")
        scratch.write("extends: red.yaml\nhostname: red02\naddress: 10.0.0.12/24\n", to: "red/red02.yaml")
        scratch.write("extends: red.yaml\nhostname: red01\naddress: 10.0.0.11/24\n", to: "red/red01.yaml")
        scratch.write("extends: red.yaml\nhostname: red03\n", to: "red/red03.yaml")
        scratch.write("extends: red.yaml\nhostname: [oops\n", to: "red/red04.yaml")
        scratch.write("hostname: other\naddress: 10.0.0.99/24\n", to: "blue/blue01.yaml")
        let rack = [Node.RackHost(name: "red01", address: "10.0.0.11"), .init(name: "red02", address: "10.0.0.12")]
        #expect(try load("red01.yaml", in: scratch).rack == rack)
        #expect(try load("red02.yaml", in: scratch).rack == rack)
        // Its own address comes by DHCP; the others' are still worth knowing.
        #expect(try load("red03.yaml", in: scratch).rack == rack)
    }

    @Test func `a stack's compose file beside the recipes is none of them`() throws {
        let scratch = ScratchDirectory()
        let swarm = "swarm: { managers: [red00], stacks: [{ name: web, compose: web.yml }] }\n"
        scratch.write("services: {}\n", to: "red/web.yml")
        scratch.write(swarm, to: "red/red.yaml")
        for index in 0...1 {
            scratch.write(
                "extends: red.yaml\nhostname: red0\(index)\naddress: 10.0.0.1\(index)/24\n", to: "red/red0\(index).yaml"
            )
        }
        let loader = RecipeLoader(
            user: InvokingUser(environment: [:]), workingDirectory: scratch.path, requireImage: false)
        #expect(try loader.recipes(at: "red") == ["red/red00.yaml", "red/red01.yaml"])
        #expect(try loader.loadRack(["red"]).nodes.count == 2)
    }

    /// Recipes of two nodes in 10.0.7.0/24, with more keys.
    private func pooled(_ more: String) throws -> (LoadedRack?, [String]) {
        let scratch = ScratchDirectory()
        scratch.write(
            "network: { gateway: 10.0.7.1, dns: [10.200.0.1] }\nswarm: { managers: [red01]\(more) }\n",
            to: "red/red.yaml")
        for index in 1...2 {
            scratch.write(
                "extends: red.yaml\nhostname: red0\(index)\naddress: 10.0.7.\(index)0/24\n"
                    + "docker: { registry: { mirror: 'http://10.9.9.9:5000' }, daemon: { bip: 10.77.0.1/16 } }\n",
                to: "red/red0\(index).yaml")
        }
        let loader = RecipeLoader(
            user: InvokingUser(environment: [:]), workingDirectory: scratch.path, requireImage: false)
        do {
            return (try loader.reading(of: ["red"]).loaded(), [])
        } catch let error as DiagnosticReport {
            return (nil, error.errors.map(\.description))
        }
    }

    @Test func `every node knows what the swarm's containers have to reach`() throws {
        let (rack, _) = try pooled("")
        let networks = try #require(rack).nodes.map { $0.swarm?.surroundings.map { "\($0.network) \($0.name)" } ?? [] }
        #expect(networks[0] == networks[1])
        #expect(
            networks[0] == [
                "10.0.7.0/24 the network of red01", "10.200.0.1/32 the name server", "10.9.9.9/32 the registry mirror",
                "10.77.0.0/16 Docker's bridge",
            ])
    }

    @Test(
        arguments: [
            ("address_pool: [10.0.0.0/16]", "10.0.0.0/16 overlaps the network of red01, 10.0.7.0/24"),
            ("address_pool: [10.200.0.0/16]", "overlaps the name server, 10.200.0.1/32"),
            ("address_pool: [10.9.0.0/16]", "overlaps the registry mirror"),
            ("address_pool: [10.77.5.0/24]", "overlaps Docker's bridge"),
            ("address_pool: [10.30.0.0/16, 10.30.7.0/24]", "10.30.7.0/24 overlaps 10.30.0.0/16"),
            ("networks: [{ name: a, subnet: 10.0.7.0/24 }]", "overlaps the network of red01"),
            ("networks: [{ name: a }, { name: a }]", "\"a\" appears twice"),
            ("networks: [{ name: ingress }]", "is not a valid name of a network"),
            ("certificates: 90", "is not a valid lifetime"),
        ])
    func `a pool or a network that holds the rack's own addresses is refused, once`(_ part: String, text: String) throws
    {
        let (rack, errors) = try pooled(", \(part)")
        #expect(rack == nil)
        #expect(errors.count == 1 && errors.first?.contains(text) == true, "\(errors)")
        #expect(errors.first?.hasPrefix("red/red.yaml:2:") == true, "\(errors)")
    }

    @Test func `a node without others has no rack`() throws {
        let scratch = ScratchDirectory()
        scratch.write("hostname: solo\naddress: 10.0.0.11/24\n", to: "red/solo.yaml")
        #expect(try load("solo.yaml", in: scratch).rack.isEmpty)
    }

    @Test func `the rack is no part of the recipe's digest`() throws {
        let scratch = ScratchDirectory()
        scratch.write("hostname: red01\naddress: 10.0.0.11/24\n", to: "red/red01.yaml")
        let alone = try load("red01.yaml", in: scratch)
        scratch.write("hostname: red02\naddress: 10.0.0.12/24\n", to: "red/red02.yaml")
        let together = try load("red01.yaml", in: scratch)
        #expect(together.rack.count == 2)
        #expect(alone.recipeDigest == together.recipeDigest)
    }

    @Test func `a classic swarm's managers and Consul server are nodes of the rack with fixed addresses`() throws {
        let scratch = ScratchDirectory()
        scratch.write("swarm: { mode: classic, managers: [red01], consul: red02 }\n", to: "red/red.yaml")
        scratch.write("extends: red.yaml\nhostname: red01\naddress: 10.0.0.11/24\n", to: "red/red01.yaml")
        scratch.write("extends: red.yaml\nhostname: red02\naddress: 10.0.0.12/24\n", to: "red/red02.yaml")
        let swarm = try load("red02.yaml", in: scratch).swarm
        #expect(swarm?.mode == .classic && swarm?.consul?.value == "red02" && swarm?.role == .worker)
        #expect(try load("red01.yaml", in: scratch).swarm?.role == .manager)
        scratch.write("extends: red.yaml\nhostname: red02\n", to: "red/red02.yaml")
        let report = try #require(throws: DiagnosticReport.self) { try load("red01.yaml", in: scratch) }
        #expect(
            report.errors.map(\.text) == [
                "swarm.consul: red02 has no fixed address, and a Consul server whose address changes loses all workers: "
                    + "add address to its recipe, or write here the address that the network reserves for it"
            ])
    }

    @Test(
        arguments: [
            (1, 0, nil), (2, 0, "2 managers tolerate"), (2, 1, nil), (3, 1, "4 managers tolerate"), (7, 0, nil),
            (7, 1, "so 8 managers"), (8, 0, "so 8 managers"), (9, 0, "so 9 managers"),
        ] as [(Int, Int, String?)])
    func `how many managers there are is warned of once, with its line`(
        _ listed: Int, _ others: Int, _ warning: String?
    ) throws {
        let scratch = ScratchDirectory()
        let names = (1...listed).map { "red\($0)" }
        let overrides = (0..<others).map { "  red\(listed + 1 + $0): { swarm: { role: manager } }\n" }.joined()
        scratch.write(
            "nodes: \"red[1-\(listed + others + 1)]\"\naddresses: 10.0.0.11/24\nuser: { name: pi, password: x }\n"
                + "swarm: { managers: [\(names.joined(separator: ", "))] }\n"
                + (others > 0 ? "overrides:\n" + overrides : ""), to: "red.yaml")
        let loader = RecipeLoader(
            user: InvokingUser(userID: 0, groupID: 0, home: "/root"), workingDirectory: scratch.path,
            requireImage: false)
        let warnings = try loader.loadRack(["red.yaml"]).warnings.filter { $0.text.contains("managers") }
        #expect(warnings.count == (warning == nil ? 0 : 1), "\(warnings)")
        if let warning {
            #expect(warnings.first?.text.contains(warning) == true, "\(warnings)")
            #expect(warnings.first?.location?.line == 4)
        }
    }
}
