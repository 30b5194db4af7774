import Diagnostics
import Recipes
import Systems
import Testing

@testable import Provisioning

/// Where Docker comes from, release by release, and what is refused before a card is written.
@Suite struct DockerInstallationTests {
    typealias Install = Node.Docker.Install

    private static func profile(_ id: String, _ codename: String, _ architecture: String, docker: Bool = false)
        -> OSProfile
    {
        OSProfile(
            flavour: .raspberryPiOSFirstRun, bootMountPoint: "/boot", architecture: architecture,
            system: .init(id: id, codename: codename), docker: docker ? .init(version: "19.03.12") : nil)
    }

    private static func node(_ install: Install? = nil, packages: [String] = []) -> Node {
        var node = Sample.bare()
        node.docker.location = Sample.here
        node.docker.install = install.map { Sample.at($0, line: 7) }
        node.firstBoot.packages = packages.map { Sample.at($0) }
        return node
    }

    private static func plan(_ node: Node, _ profile: OSProfile) -> (DockerInstallation?, [Diagnostic]) {
        var report = DiagnosticReport()
        let plan = DockerInstallation.of(node, profile: profile, report: &report)
        return (plan, report.diagnostics)
    }

    @Test(
        arguments: [
            ("raspbian", "buster", "armv6", .debian), ("raspbian", "bullseye", "armv6", .debian),
            ("raspbian", "trixie", "armv6", .debian), ("debian", "bookworm", "arm64", .debian),
            ("ubuntu", "noble", "arm64", .debian), ("debian", "forky", "arm64", .debian),
            ("raspbian", "wheezy", "armv6", nil), ("raspbian", "jessie", "armv6", nil),
            ("raspbian", "stretch", "armv6", nil), ("debian", "stretch", "arm64", nil),
        ] as [(String, String, String, DockerInstallation?)])
    func `auto takes Debian's package where there is one`(
        _ id: String, _ codename: String, _ architecture: String, _ expected: DockerInstallation?
    ) {
        for install in [nil, Install.auto] {
            let (plan, said) = Self.plan(Self.node(install), Self.profile(id, codename, architecture))
            #expect(plan == expected)
            #expect(said.isEmpty == (expected != nil))
            #expect(said.allSatisfy { $0.severity == .warning && $0.text.contains("docker.packages") })
        }
    }

    @Test func `nothing is installed where Docker is, or where the recipe brings it itself`() {
        let bookworm = Self.profile("debian", "bookworm", "arm64")
        #expect(Self.plan(Self.node(), Self.profile("debian", "bookworm", "arm64", docker: true)).0 == nil)
        #expect(Self.plan(Self.node(), Sample.profile(.hypriotCloudInit)).0 == nil)
        #expect(Self.plan(Self.node(packages: ["docker.io"]), bookworm).0 == nil)
        #expect(Self.plan(Sample.bare(), bookworm).0 == nil)
        let (none, said) = Self.plan(Self.node(Install.none), bookworm)
        #expect(none == nil)
        #expect(said.map(\.severity) == [.warning])
        #expect(Self.plan(Self.node(Install.none, packages: ["docker-ce"]), bookworm).1.isEmpty)
    }

    @Test(
        arguments: [
            ("raspbian", "bullseye", "armv6", true), ("raspbian", "bookworm", "armv6", true),
            // Its packages are Debian's, for ARMv7.
            ("raspbian", "trixie", "armv6", false), ("debian", "trixie", "armv7", true),
            ("debian", "trixie", "arm64", true), ("raspbian", "buster", "armv6", false),
            ("debian", "buster", "arm64", false), ("ubuntu", "noble", "arm64", true),
        ])
    func `the convenience script is taken only where it finds packages`(
        _ id: String, _ codename: String, _ architecture: String, _ works: Bool
    ) {
        let (plan, said) = Self.plan(Self.node(.convenienceScript), Self.profile(id, codename, architecture))
        #expect(plan == (works ? .script : nil))
        #expect(said.map(\.severity) == (works ? [] : [.error]))
        for item in said {
            #expect(item.location?.line == 7)
            #expect(item.text.contains("write debian"))
        }
    }

    @Test func `what contradicts itself is refused with what to write instead`() {
        let bookworm = Self.profile("debian", "bookworm", "arm64")
        var channel = Self.node()
        channel.docker.channel = Sample.at(.test, line: 8)
        #expect(Self.plan(channel, bookworm).1.first?.text.contains("write docker.install: convenience-script") == true)
        #expect(Self.plan(channel, bookworm).1.first?.location?.line == 8)
        channel.docker.install = Sample.at(.convenienceScript)
        #expect(Self.plan(channel, bookworm).1.isEmpty)
        var both = Self.node(.debian)
        both.docker.packages = [Sample.at("/docker.deb")]
        #expect(Self.plan(both, bookworm).1.first?.text.contains("leave docker.install out") == true)
    }

    @Test func `an installation on an image with Docker, or of a lost release, is refused by name`() async throws {
        for (column, part) in [
            (Sample.column("HypriotOS 1.7–1.12"), "has Docker 19.03.12 already"),
            (Sample.stretch, "neither Debian nor download.docker.com has Docker for raspbian stretch"),
        ] {
            for install in [Install.debian, .convenienceScript] {
                let errors = try await Sample.errors(Self.node(install), column)
                #expect(errors.map(\.location?.line) == [7])
                #expect(errors.first?.text.contains(part) == true)
            }
        }
    }

    @Test func `the first boot adds a user who works with Docker to its group`() async throws {
        func settings(_ node: Node) async throws -> String {
            try await Sample.provision(node, Sample.bookworm).rootText(FirstBootProgram.settingsPath) ?? ""
        }
        #expect(try await settings(Self.node()).contains("DOCKER_USER='pirate'"))
        #expect(try await settings(Self.node()).contains("INSTALL='debian'"))
        #expect(try await !settings(Self.node(Install.none)).contains("DOCKER_USER"))
        var node = Self.node(Install.none)
        node.docker.remote = Sample.at(.ssh)
        #expect(try await settings(node).contains("DOCKER_USER='pirate'"))
        node.docker.remote = nil
        node.user?.groups = [Sample.at("docker")]
        #expect(try await settings(node).contains("DOCKER_USER='pirate'"))
    }

    @Test func `ssh without a user to log in as is refused`() async throws {
        var node = Self.node()
        node.user = nil
        node.docker.remote = Sample.at(.ssh, line: 9)
        #expect(try await Sample.errors(node, Sample.bookworm).map(\.location?.line) == [9])
    }
}
