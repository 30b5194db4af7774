import Diagnostics
import Docker
import Recipes
import Stacks
import Systems
import Testing
import Text

@testable import Provisioning

/// What is wrong with a swarm only together with its image.
@Suite struct SwarmCheckTests {
    private static func node(
        _ surroundings: [(String, String)] = [], pool: [String] = [], packages: [String] = [], docker: String? = nil
    ) -> Node {
        var node = Sample.bare()
        node.swarm = Node.Swarm(
            managers: [Sample.at(node.hostname.value)], role: .manager,
            addressPool: pool.map { Sample.at($0, line: 7) },
            surroundings: surroundings.compactMap { network, name in
                IPNetwork(network).map { .init($0, name: name) }
            }, location: Sample.at("", line: 3).location)
        node.firstBoot.packages = packages.enumerated().map { Sample.at($1, line: 20 + $0) }
        node.docker.location = Sample.here
        return node
    }

    private static func profile(
        _ docker: String? = nil, package: String? = nil, system: String = "debian", version: String = "12",
        codename: String = "bookworm", architecture: String = "arm64"
    ) -> OSProfile {
        OSProfile(
            flavour: system == "ubuntu" ? .ubuntuCloudInit : .debianRaspi, bootMountPoint: "/boot",
            architecture: architecture, system: .init(id: system, versionID: version, codename: codename),
            initSystem: .init(.systemd, version: "252"), network: .ifupdown,
            docker: docker.map { .init(version: $0, package: package) })
    }

    private static func report(_ node: Node, _ profile: OSProfile) -> DiagnosticReport {
        RecipeChecks.report(node, profile: profile, root: RootSnapshot())
    }

    @Test func `Docker's pool is taken unless it holds one of the rack's networks`() {
        for (networks, pools) in [
            ([], []), (["192.168.50.0/24"], []), (["10.0.0.0/24"], ["172.30.0.0/16"]),
            (["10.0.7.0/24", "172.30.1.1/32"], ["10.201.0.0/16"]), (["10.0.0.0/8"], ["172.30.0.0/16"]),
            (["10.0.0.0/8", "172.16.0.0/12"], ["192.168.208.0/20"]),
        ] as [([String], [String])] {
            let node = Self.node(networks.map { ($0, "it") })
            #expect(node.swarm.map(AddressPool.networks) == pools, "\(networks)")
            let warnings = Self.report(node, Self.profile("20.10.24")).warnings.filter { $0.text.contains("pool") }
            #expect(warnings.count == (pools.isEmpty ? 0 : 1), "\(warnings)")
            if let pool = pools.first { #expect(warnings[0].text.contains("the swarm takes \(pool) instead")) }
        }
        let everywhere = Self.node([("10.0.0.0/8", "it"), ("172.16.0.0/12", "it"), ("192.168.0.0/16", "it")])
        #expect(
            Self.report(everywhere, Self.profile("20.10.24")).errors.contains { $0.text.contains("name a free one") })
    }

    @Test func `an engine before 18.09 cannot be given a pool`() {
        let given = Self.report(Self.node(pool: ["10.201.0.0/16"]), Self.profile("17.09.0", package: "docker-ce"))
            .errors
        #expect(given.contains { $0.location?.line == 7 && $0.text.contains("Docker 17.09.0 has its own pool only") })
        let chosen = Self.report(
            Self.node([("10.0.0.0/24", "the network of red01")]), Self.profile("17.09.0", package: "docker-ce"))
        #expect(chosen.warnings.contains { $0.text.contains("cannot be given another pool") })
        #expect(!Self.report(Self.node(pool: ["10.201.0.0/16"]), Self.profile("18.09.1")).hasErrors)
    }

    @Test(
        arguments: [
            ("20.10.24", "docker.io", "podman-docker", "another docker command"),
            ("20.10.24", "docker.io", "docker-ce", "only Docker's archive has it"),
            ("20.10.24", "docker.io", "docker-compose-plugin", "write docker-compose"),
            ("20.10.24", "docker.io", "docker-compose-v2", "write docker-compose"),
            ("28.5.2", "docker-ce", "docker-compose", "write docker-compose-plugin"),
            ("28.5.2", "docker-ce", "docker.io=20.10.24", "in the place of docker-ce"),
            ("28.5.2", "docker-ce", "containerd", "in the place of docker-ce"),
            ("1.6.0", "docker-hypriot", "docker.io", "in the place of docker-hypriot"),
            ("28.5.2", "docker-ce", "docker", "no archive has Docker under this name"),
        ])
    func `a package that brings another Docker is refused with its line`(
        _ version: String, package: String, name: String, text: String
    ) {
        let errors = Self.report(Self.node(packages: ["vim", name]), Self.profile(version, package: package)).errors
        #expect(
            errors.contains {
                $0.location?.line == 21 && $0.text.hasPrefix("first_boot.packages: ") && $0.text.contains(text)
            },
            "\(errors)")
    }

    @Test(
        arguments: [
            ("20.10.24", "docker.io", "docker.io"), ("20.10.24", "docker.io", "docker-compose"),
            ("28.5.2", "docker-ce", "docker-compose-plugin"), ("28.5.2", "docker-ce", "docker-ce-cli"),
            (nil, nil, "docker.io"), (nil, nil, "docker-compose"), ("20.10.24", "docker.io", "docker-clean"),
        ] as [(String?, String?, String)])
    func `a package of the same Docker is taken`(_ version: String?, package: String?, name: String) {
        let errors = Self.report(Self.node(packages: [name]), Self.profile(version, package: package)).errors
        #expect(errors.isEmpty, "\(errors)")
    }

    @Test func `on Ubuntu compose has another name`() {
        let profile = Self.profile(
            "24.0.7", package: "docker.io", system: "ubuntu", version: "24.04", codename: "noble")
        #expect(!Self.report(Self.node(packages: ["docker-compose-v2"]), profile).hasErrors)
        #expect(
            Self.report(Self.node(packages: ["docker-compose-plugin"]), profile).errors.contains {
                $0.text.contains("write docker-compose-v2")
            })
    }

    @Test func `Debian's docker.io by name is validated as that engine`() {
        let node = Self.node(packages: ["docker.io"])
        #expect(DockerInstallation.version(of: node, profile: Self.profile()) == EngineVersion(20, 10, 24))
    }

    @Test func `Ubuntu's kernels without vxlan get the package that has it`() {
        for (version, package) in [
            ("20.04", nil), ("21.10", KernelNeeds.extraModules), ("22.04", KernelNeeds.extraModules),
            ("23.10", KernelNeeds.extraModules), ("24.04", nil),
        ] as [(String, String?)] {
            let profile = Self.profile(system: "ubuntu", version: version, codename: "x")
            #expect(KernelNeeds.package(for: profile) == package, "\(version)")
        }
        var node = Self.node()
        node.address = Sample.at(.init(address: "192.168.50.11", prefixLength: 24))
        let errors = Self.report(node, Self.profile(system: "ubuntu", version: "22.04", codename: "jammy")).errors
        #expect(
            errors.contains { $0.location?.line == 3 && $0.text.contains("linux-modules-extra-raspi") }, "\(errors)")
        node.network.gateway = Sample.at("192.168.50.1")
        #expect(!Self.report(node, Self.profile(system: "ubuntu", version: "22.04", codename: "jammy")).hasErrors)
    }

    @Test func `a swarm on ARMv6 is warned of from Docker 25 on`() {
        for (version, isWarned) in [("20.10.24", false), ("24.0.9", false), ("25.0.5", true), ("28.5.2", true)] {
            let warnings = Self.report(
                Self.node(), Self.profile(version, package: "docker-ce", system: "raspbian", architecture: "armv6")
            ).warnings
            #expect(warnings.contains { $0.text.contains("ARMv6") } == isWarned, "\(version)")
        }
    }

    // MARK: Stacks on their node

    private static func stackReport(_ compose: String, run: [String] = [], files: [String] = []) -> DiagnosticReport {
        var node = Self.node()
        node.firstBoot.run = run.map { Sample.at($0, line: 30) }
        node.firstBoot.files = files.map { .init(path: Sample.at($0), content: Sample.secret("x")) }
        let stack = Node.Swarm.Stack(name: Sample.at("web"), compose: Sample.at("/web.yml"))
        node.swarm?.stacks = [stack]
        var report = DiagnosticReport()
        let source = StackSource(stack, compose: Array(compose.utf8), &report)
        StackChecks.check([source], node, profile: profile("28.5.2", package: "docker-ce"), report: &report)
        return report
    }

    @Test func `a mount that nothing makes is warned of`() {
        let compose = "services: { web: { image: x, volumes: ['/mnt/data/web:/data', '/var/run/docker.sock:/s'] } }\n"
        let report = Self.stackReport(compose)
        #expect(report.warnings.count == 1 && report.warnings[0].text.contains("mkdir -p /mnt/data/web"), "\(report)")
        for run in ["mkdir -p /mnt/data/web", "mount /dev/sda1 /mnt/data"] {
            #expect(Self.stackReport(compose, run: [run]).diagnostics.isEmpty)
        }
        #expect(Self.stackReport(compose, files: ["/mnt/data/web/index.html"]).diagnostics.isEmpty)
    }

    @Test func `a config by an absolute path must be one of the recipe's files`() {
        let compose = "services: { web: { image: x, configs: [c] } }\nconfigs: { c: { file: /etc/web.conf } }\n"
        let errors = Self.stackReport(compose).errors
        #expect(errors.count == 1 && errors[0].text.contains("nothing puts /etc/web.conf on the first manager"))
        #expect(Self.stackReport(compose, files: ["/etc/web.conf"]).diagnostics.isEmpty)
    }

    @Test func `a command that needs the swarm before it is formed is warned of`() {
        let compose = "services: { web: { image: x } }\n"
        for command in [
            "docker network create --driver overlay --attachable traefik", "docker service ls", "docker stack ls",
            "docker  secret create a b",
        ] {
            let report = Self.stackReport(compose, run: [command])
            #expect(report.warnings.map(\.location?.line) == [30], "\(command): \(report)")
            #expect(report.warnings[0].text.contains("first_boot.after_swarm"))
        }
        for command in ["docker network create mine", "docker run x", "docker plugin install x"] {
            #expect(Self.stackReport(compose, run: [command]).diagnostics.isEmpty, "\(command)")
        }
    }
}
