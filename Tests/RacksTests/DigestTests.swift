import Diagnostics
import Host
import Planning
import Recipes
import SystemPackage
import TestSupport
import Testing

@testable import Racks

/// Ledgers keep these digests: if one changes, every finished card of every rack is stale. The values are those of
/// Python's hashlib and hmac.
@Suite struct DigestTests {
    let scratch = ScratchDirectory()
    static let here = Location(file: "red01.yaml", line: 1, column: 1)

    private func node() -> Node {
        scratch.write("a package", to: "docker.deb")
        var node = Node(
            hostname: Located("red01", at: Self.here), recipeDigest: "recipe-digest",
            recipePath: scratch["red01.yaml"].string)
        node.rack = [.init(name: "red01", address: "10.0.0.1"), .init(name: "red02", address: "10.0.0.2")]
        node.swarm = .init(managers: [], role: .worker, nodes: ["red01", "Größe"], location: Self.here)
        node.docker.packages = [Located(scratch["docker.deb"].string, at: Self.here)]
        node.docker.preload = [Located(scratch["missing.tar"].string, at: Self.here)]
        return node
    }

    @Test func `the digest of a configuration stays what it was`() throws {
        var digest = ConfigurationDigest()
        let expected = "3c0b892fad403a4cd334c80887b7cd47df6c066ed510c13b5f5396bfffba9ccf"
        #expect(try digest.of(node()) == expected)
        // The second node of a rack takes what the first has left.
        #expect(try digest.of(node()) == expected)
    }

    @Test func `the digest of secrets stays what it was`() throws {
        let digest = SecretsDigest(saltKey: Array(0..<32))
        for _ in 1...2 {
            #expect(
                try digest.of([.value("black pearl"), .value(""), .value("Größe")], for: "red01")
                    == "2:335a1e26e19f700953b2101265bf947a1c2496dd030fe41cfc76620b1c7228ff")
        }
        #expect(try digest.of([.value("black pearl"), .placeholder("x")], for: "red01") == nil)
    }

    /// Someone with all of `.piflash` must not try passwords faster than with their hashes.
    @Test func `each guess at a secret costs as much as a hash of a login`() throws {
        let clock = ContinuousClock()
        let digest = SecretsDigest(saltKey: Array(1...32))
        let time = try clock.measure {
            for guess in 1...4 { _ = try digest.of([.value("guess \(guess)")], for: "red01") }
        }
        // An HMAC takes a microsecond.
        #expect(time > .milliseconds(20), "\(time)")
        // A second node with the same secrets costs nothing.
        let again = try clock.measure {
            for node in 1...1000 { _ = try digest.of([.value("guess 1"), .value("guess 2")], for: "red\(node)") }
        }
        #expect(again < .seconds(5), "\(again)")
    }

    @Test func `the files that a compose file names count, a secret one among the secrets`() async throws {
        scratch.write(
            "services: { web: { image: x } }\nconfigs: { c: { file: c } }\nsecrets: { s: { file: s } }\n", to: "web.yml"
        )
        var node = node()
        node.swarm?.stacks = [
            .init(
                name: Located("web", at: Self.here), compose: Located(scratch["web.yml"].string, at: Self.here))
        ]
        let state = RackState(of: node)
        func digests(_ config: String, _ secret: String) async throws -> [String?] {
            scratch.write(config, to: "c")
            scratch.write(secret, to: "s")
            var digest = ConfigurationDigest()
            return [try digest.of(node), try await state.secretsDigest(of: node, reading: UnreadSecrets())]
        }
        let first = try await digests("one", "one")
        #expect(try await digests("one", "one") == first)
        let config = try await digests("two", "one")
        #expect(config[0] != first[0] && config[1] == first[1])
        let secret = try await digests("one", "two")
        #expect(secret[0] == first[0] && secret[1] != first[1])
    }

    @Test func `every part of a configuration counts`() throws {
        var digest = ConfigurationDigest()
        let first = try digest.of(node())
        let changes: [(inout Node) -> Void] = [
            { $0.hostname = Located("red02", at: Self.here) }, { $0.recipeDigest = "other" },
            { $0.rack[0].address = "10.0.0.3" }, { $0.swarm?.nodes = ["red01"] }, { $0.docker.packages = [] },
        ]
        for change in changes {
            var node = node()
            change(&node)
            #expect(try digest.of(node) != first)
        }
        let same = node()
        scratch.write("another package", to: "docker.deb")
        var fresh = ConfigurationDigest()
        #expect(try fresh.of(same) != first)
    }
}
