import Text
import Diagnostics
import Foundation
import Testing

@testable import Docker

@Suite struct ModelTests {
    static func errors(_ text: String, _ version: String?, _ surroundings: DaemonSurroundings = .init()) -> [String] {
        DaemonModel(version: version.flatMap(EngineVersion.init), surroundings: surroundings).validate(text: text)
            .errors.map(\.text)
    }

    @Test(arguments: [
        ("1.6.0", "1.6.0"), ("17.05.0-ce", "17.05.0"), ("20.10.24+dfsg1", "20.10.24"), ("v29.7.2", "29.7.2"),
        ("5:28.0.1-1~raspbian.12~bookworm", "28.0.1"), ("1.6.2~dfsg1-1", "1.6.2"),
    ])
    func `a version is read as packagers write it`(_ text: String, _ number: String) throws {
        let version = try #require(EngineVersion(text))
        #expect(version.description == number)
        #expect(version > EngineVersion(1, 5) && version <= EngineVersion(29, 7, 2))
    }

    @Test func `versions are ordered by their numbers`() {
        #expect(EngineVersion(1, 9, 1) < EngineVersion(1, 10))
        #expect(EngineVersion("17.05.0-ce") == EngineVersion(17, 5))
        #expect(EngineVersion("latest") == nil && EngineVersion("") == nil && EngineVersion("20") == nil)
    }

    @Test func `a refusal names the version and what to write instead`() {
        #expect(Self.errors("{\"graph\": \"/x\"}", "23.0.1").first?.contains("23.0; write data-root") == true)
        #expect(Self.errors("{\"data-root\": \"/x\"}", "17.03.0").first?.contains("17.05; write graph") == true)
        #expect(
            Self.errors("{\"proxies\": {\"http-proxy\": \"http://p:1\"}}", "20.10.5").first?.contains("23.0") == true)
        #expect(Self.errors("{\"storage-driver\": \"aufs\"}", "24.0.0").first?.contains("overlay2") == true)
    }

    @Test func `an option of the service's command line must not be in the file as well`() {
        let unit = ServiceFlags(
            command: "/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS",
            options: "--label=a=b -s overlay2")
        #expect(unit.keys == ["hosts", "containerd", "labels", "storage-driver"])
        let model = DaemonModel(version: EngineVersion(20, 10, 24), service: unit.withoutHosts())
        let found = model.problems(in: [
            .init("labels", .array([.string("c=d")])), .init("hosts", .array([.string("fd://")])),
        ])
        #expect(found.filter { $0.severity == .error }.map(\.path) == ["labels"])
        #expect(ServiceFlags(command: "dockerd -p /var/run/docker.pid").keys == ["pidfile"])
    }

    @Test func `the drop-in keeps the unit's command line but for -H`() {
        #expect(
            ServiceDropIn.withoutHosts("/usr/sbin/dockerd -H fd:// --containerd=/run/c.sock $DOCKER_OPTS")
                == "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --containerd=/run/c.sock $DOCKER_OPTS\n")
    }

    @Test func `a node of a swarm takes no live-restore, no cluster store and no nftables`() {
        let swarm = DaemonSurroundings(isInSwarm: true)
        #expect(Self.errors("{\"live-restore\": true}", "29.7.2", swarm).count == 1)
        #expect(Self.errors("{\"live-restore\": false}", "29.7.2", swarm).isEmpty)
        #expect(Self.errors("{\"cluster-store\": \"consul://x\"}", "19.03.1", swarm).count == 1)
        #expect(Self.errors("{\"firewall-backend\": \"nftables\"}", "29.7.2", swarm).count == 1)
        let feature = "{\"firewall-backend\": \"nftables\", \"features\": {\"swarm-nftables\": true}}"
        #expect(Self.errors(feature, "29.7.2", swarm).isEmpty)
    }

    @Test func `networks of containers that hide the node's own are warned of`() throws {
        func warnings(_ text: String, _ lan: String) throws -> [String] {
            let network = try #require(IPNetwork(lan))
            let around = DaemonSurroundings(networks: [.init(network, name: "the node's network")])
            return DaemonModel(version: EngineVersion(20, 10, 24), surroundings: around).validate(text: text).warnings
                .map(\.text)
        }
        let pool = "{\"default-address-pools\": [{\"base\": \"192.168.0.0/16\", \"size\": 24}]}"
        #expect(try warnings(pool, "192.168.50.11/24").count == 1)
        #expect(try warnings("{\"bip\": \"192.168.50.1/24\"}", "192.168.50.11/24").count == 1)
        #expect(try warnings("{}", "172.20.1.1/24").first?.contains("default-address-pools") == true)
        #expect(try warnings("{}", "192.168.50.11/24").isEmpty)
        #expect(try warnings("{\"bip\": \"10.201.0.1/24\"}", "192.168.50.11/24").isEmpty)
    }

    @Test func `proxies are a member, a drop-in or lines of shell`() {
        let proxy = ProxySettings(
            http: "http://u:a%20b@p:3128", https: "http://p:3128", noProxy: ["10.0.0.0/8", ".lan"])
        #expect(
            proxy.dropIn
                == """
                [Service]
                Environment="HTTP_PROXY=http://u:a%%20b@p:3128"
                Environment="HTTPS_PROXY=http://p:3128"
                Environment="NO_PROXY=10.0.0.0/8,.lan"

                """)
        #expect(proxy.shellLines.first == "export HTTP_PROXY='http://u:a%20b@p:3128'")
        let model = DaemonModel(version: EngineVersion(23, 0))
        #expect(model.problems(in: [proxy.member]).isEmpty)
    }

    @Test func `options of engines without a file say what the file would`() {
        let members: [JSONValue.Member] = [
            .init("hosts", .array([.string("fd://"), .string("tcp://0.0.0.0:2375")])), .init("debug", .bool(true)),
            .init("log-opts", .object([.init("max-size", .string("1m"))])), .init("mtu", .integer(1400)),
        ]
        let options = DaemonOptions(members, version: EngineVersion(1, 6))
        #expect(options.words == ["--host=fd://", "--host=tcp://0.0.0.0:2375", "--debug=true", "--mtu=1400"])
        #expect(DaemonOptions(members, version: EngineVersion(1, 7)).words.contains("--log-opt=max-size=1m"))
        #expect(
            DaemonOptions([.init("labels", .array([.string("a=b c")]))], version: EngineVersion(1, 6)).problems.count
                == 1)
        #expect(Self.errors("{\"log-opts\": {}}", "1.6.0").count == 1)
    }

    @Test func `a log driver that is a plugin goes by its alias or its image, a mistyped one is an error`() {
        for options in ["", ", \"log-opts\": {\"loki-url\": \"http://x/\"}"] {
            for name in ["loki", "grafana/loki-docker-driver:latest", "my-logs"] {
                let text = "{\"log-driver\": \"\(name)\"\(options)}"
                let unknown = DaemonModel(version: EngineVersion(20, 10, 24), surroundings: .unknown).validate(
                    text: text)
                #expect(!unknown.hasErrors && unknown.warnings.count == 1, "\(name)\(options): \(unknown)")
                let expected = options.isEmpty ? "no container starts" : "dockerd does not start"
                #expect(unknown.warnings[0].text.contains(expected))
                // A card on which nothing has been installed.
                #expect(DaemonModel(version: EngineVersion(20, 10, 24)).validate(text: text).hasErrors)
                var installed = DaemonSurroundings()
                installed.plugins = [name]
                #expect(!DaemonModel(version: nil, surroundings: installed).validate(text: text).hasErrors)
            }
        }
        for name in ["jsonfile", "jurnald", "sylog"] {
            let report = DaemonModel(version: nil, surroundings: .unknown).validate(
                text: "{\"log-driver\": \"\(name)\"}")
            #expect(report.errors.first?.text.contains("did you mean") == true, "\(report)")
        }
    }

    @Test func `an engine says which docker command it still answers`() {
        for (engine, api, client) in [
            (EngineVersion(29, 0, 0), "1.44", "25.0"), (EngineVersion(29, 2, 4), "1.44", "25.0"),
            (EngineVersion(29, 3, 0), "1.40", "19.03"), (EngineVersion(29, 7, 2), "1.40", "19.03"),
            (EngineVersion(25, 0, 5), "1.24", "1.12"), (EngineVersion(28, 5, 2), "1.24", "1.12"),
        ] {
            let floor = ClientFloor.of(engine)
            #expect(floor?.api == api && floor?.client.description == client, "\(engine)")
        }
        #expect(ClientFloor.of(EngineVersion(24, 0, 9)) == nil)
    }

    @Test func `errors are the problems without the warnings`() {
        let members: [JSONValue.Member] = [
            .init("labels", .string("a")), .init("log-driver", .string("maker/name:tag")), .init("mtu", .integer(-1)),
            .init("tlscert", .string("/c.pem")), .init("hosts", .array([.string("tcp://0.0.0.0:2375")])),
        ]
        for version in [nil, EngineVersion(20, 10, 24), EngineVersion(29, 7, 2)] {
            let model = DaemonModel(version: version, service: ServiceFlags())
            let all = model.problems(in: members)
            #expect(all.contains { $0.severity == .warning } && all.contains { $0.severity == .error })
            #expect(model.errors(in: members) == all.filter { $0.severity == .error })
        }
    }

    @Test func `what is rendered passes the model and reads back`() throws {
        var random = SplitMix(state: 7)
        let values: [(String, JSONValue)] = [
            ("debug", .bool(true)), ("mtu", .integer(1400)), ("storage-driver", .string("overlay2")),
            ("labels", .array([.string("a=ä \"b\"\\")])), ("dns", .array([.string("9.9.9.9")])),
            ("bip", .string("10.201.0.1/24")), ("log-opts", .object([.init("max-size", .string("10m"))])),
            ("registry-mirrors", .array([.string("http://m:5000")])),
            ("insecure-registries", .array([.string("m:5000")])),
            (
                "default-address-pools",
                .array([.object([.init("base", .string("10.202.0.0/16")), .init("size", .integer(24))])])
            ),
            ("hosts", .array([.string("unix:///var/run/docker.sock")])), ("live-restore", .bool(false)),
        ]
        for _ in 0..<200 {
            let members = values.shuffled(using: &random).prefix(Int.random(in: 0...values.count, using: &random))
                .map { JSONValue.Member($0.0, $0.1) }
            let text = JSONValue.object(members).prettyText
            let back = try JSONDocument(parsing: text, file: "x").entries.map { JSONValue.Member($0.name, $0.value) }
            #expect(back == members)
            for version in [EngineVersion(20, 10, 24), EngineVersion(29, 7, 2)] {
                let report = DaemonModel(version: version, service: ServiceFlags()).validate(text: text)
                #expect(report.diagnostics.isEmpty, "\(report)")
            }
        }
    }

    @Test(arguments: [
        ("{\"a\":1,}", "1:8"), ("{\n  debug: true}", "2:3"), ("{\"mtu\": 01}", "1:9"), ("// x\n{}", "1:1"),
        ("{\"debug\": tru}", "1:11"), ("{\"a\": \"x\ny\"}", "1:9"), ("{", "1:2"),
    ])
    func `what is not valid JSON is told with its place`(_ text: String, _ place: String) {
        let report = DaemonModel(version: nil).validate(text: text)
        #expect(report.errors.first?.description.hasPrefix("daemon.json:\(place): not valid JSON") == true, "\(report)")
    }

    @Test func `marks of byte order and empty files depend on the version`() {
        let marked: [UInt8] = [0xEF, 0xBB, 0xBF] + Array("{}".utf8)
        for (bytes, old) in [(marked, true), ([], true), (Array("{}".utf8), false)] {
            #expect(DaemonModel(version: EngineVersion(20, 10)).validate(bytes).hasErrors == old)
            #expect(!DaemonModel(version: EngineVersion(29, 0)).validate(bytes).hasErrors)
        }
        let wide: [UInt8] = [0xFF, 0xFE] + "{\"debug\": 1}".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        #expect(
            DaemonModel(version: EngineVersion(29, 0)).validate(wide).errors.first?.text.hasPrefix("debug") == true)
        #expect(DaemonModel(version: nil).validate([0x7B, 0xFF, 0x7D]).hasErrors)
    }

    @Test func `the document lists every key with its versions`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let url = root.appending(path: "docs/docker-daemon.md")
        if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] != nil {
            try Data(DaemonKeyTable.markdown.utf8).write(to: url)
            Issue.record("recorded docs/docker-daemon.md; run again without RECORD_GOLDEN")
        }
        #expect(try String(contentsOf: url, encoding: .utf8) == DaemonKeyTable.markdown)
    }
}

/// Random numbers that are the same in every run (Steele, Lea, Flood: SplitMix).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension DaemonModel {
    func validate(text: String) -> DiagnosticReport { validate(Array(text.utf8)) }
}
