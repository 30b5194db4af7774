import Diagnostics
import Docker
import Recipes
import Testing
import Text

@testable import Provisioning

/// What a recipe's classic swarm makes of a card.
@Suite struct ClassicRecipeTests {
    static func node(
        _ role: Node.Swarm.Role = .worker, managers: [String] = ["red00"], consul: String? = nil,
        address: String? = "192.168.50.11"
    ) -> Node {
        var node = Sample.bare()
        node.rack = [.init(name: "red00", address: "192.168.50.10")]
        node.address = address.map { Sample.at(.init(address: $0, prefixLength: 24)) }
        node.swarm = Node.Swarm(
            mode: .classic, managers: managers.map { Sample.at($0, line: 8) }, role: role,
            consul: consul.map { Sample.at($0, line: 9) }, location: Sample.at("", line: 7).location)
        return node
    }

    @Test func `an image of 2015 is rendered as recorded`() async throws {
        let provision = try await Sample.provision(Self.node(), Sample.hypriot2015)
        try expectGolden("classic-swarm-hypriotos-2015.txt", GoldenTests.rendered(provision))
        let options = try #require(provision.rootText(DockerOptions.path))
        for host in ["unix:///var/run/docker.sock", "tcp://0.0.0.0:2375"] {
            #expect(options.contains("--host=\(host)"))
        }
    }

    @Test func `the recipe decides which node runs Consul's server`() {
        func consul(_ node: Node) -> String? { ClassicSwarm(node)?.consul }
        #expect(consul(Self.node()) == "192.168.50.10")
        #expect(consul(Self.node(.manager, managers: ["red01", "red00"])) == nil)
        #expect(consul(Self.node(.manager, managers: ["red00", "192.168.50.11"])) == "192.168.50.10")
        #expect(consul(Self.node(consul: "192.168.50.2")) == "192.168.50.2")
        #expect(consul(Self.node(consul: "laptop.lan")) == "laptop.lan")
        #expect(consul(Self.node(managers: ["192.168.50.12"], consul: "red00")) == "192.168.50.10")
        for own in ["red01", "192.168.50.11"] { #expect(consul(Self.node(consul: own)) == nil) }
        #expect(consul(Self.node(.manager, managers: ["red01"], consul: "192.168.50.2")) == "192.168.50.2")
        // The network reserves the only manager's address, and its recipe has none.
        let reserved = ClassicSwarm(Self.node(.manager, managers: ["192.168.50.20"], address: nil))
        #expect(reserved?.consul == nil && reserved?.ownAddress == "192.168.50.20")
        #expect(reserved?.managers == [])
        var formed = Self.node()
        formed.swarm?.mode = .swarm
        #expect(ClassicSwarm(formed) == nil)
    }

    @Test func `engines with a daemon file get the hosts there, and their unit gives way`() async throws {
        let column = Sample.column("HypriotOS 0.2.5–1.6")
        let provision = try await Sample.provision(Self.node(), column)
        let file = try #require(provision.rootText(DaemonConfiguration.path))
        #expect(file.contains("tcp://0.0.0.0:2375"))
        let settings = try #require(provision.rootText(FirstBootProgram.settingsPath))
        for line in ["DOCKER_HOSTS='1'", "CLASSIC='1'", "CONSUL='192.168.50.10'", "MANAGERS='192.168.50.10'"] {
            #expect(settings.contains(line + "\n"))
        }
        #expect(!settings.contains("FORM="))
    }

    @Test(arguments: [("HypriotOS 2015", false), ("HypriotOS 0.2.5–1.6", true), ("HypriotOS 1.7–1.12", true)])
    func `one warning says who is root on the node, another that newer engines do not need this`(
        _ title: String, hasSwarmMode: Bool
    ) async throws {
        let warnings = try await Sample.provision(Self.node(), Sample.column(title)).warnings
            .filter { $0.location?.line == 7 }.map(\.text)
        #expect(
            warnings.count { $0.contains("everyone in the node's network has root on the node") } == 1, "\(warnings)")
        #expect(warnings.contains { $0.contains("has a swarm mode of its own") } == hasSwarmMode, "\(warnings)")
    }

    @Test func `what contradicts an open engine is refused with its line`() async throws {
        for (name, value) in [
            ("hosts", JSONValue.array([.string("fd://")])), ("tlsverify", .bool(true)), ("tls", .bool(true)),
        ] {
            var node = Self.node()
            node.docker.daemon = [.init(name: Sample.at(name, line: 20), value: Sample.at(value, line: 20))]
            let errors = try await Sample.errors(node, Sample.hypriot2015)
            #expect(errors.contains { $0.location?.line == 20 && $0.text.contains("swarm.mode: classic") }, "\(errors)")
        }
        var node = Self.node()
        node.docker.remote = Sample.at(.tls, line: 21)
        let errors = try await Sample.errors(node, Sample.hypriot2015)
        #expect(errors.map(\.location?.line) == [21], "\(errors)")
        #expect(errors.first?.text.contains("without TLS") == true)
        // The same thing said twice.
        node.docker.remote = Sample.at(.insecure, line: 21)
        let provision = try await Sample.provision(node, Sample.hypriot2015)
        let options = provision.rootText(DockerOptions.path) ?? ""
        #expect(options.split(separator: "tcp://0.0.0.0:2375").count == 2)
    }

    @Test func `for an engine before 1-12 the error names classic Swarm`() async throws {
        var node = Self.node()
        node.swarm?.mode = .swarm
        let errors = try await Sample.errors(node, Sample.hypriot2015)
        #expect(
            errors.map(\.description) == [
                "red01.yaml:7:1: swarm: not on HypriotOS of 2015 (occidentalis.txt): Docker 1.6.0 has no swarm "
                    + "mode, which came with 1.12; write swarm.mode: classic"
            ])
    }
}
