import Diagnostics
import Recipes
import Systems
import Testing
import Text

@testable import Provisioning

/// A recipe's docker section on images with one Docker or another.
@Suite struct DaemonConfigurationTests {
    static func profile(
        _ version: String?, _ service: OSProfile.Docker.Service? = nil, _ kind: OSProfile.InitSystem.Kind = .systemd
    ) -> OSProfile {
        OSProfile(
            flavour: .raspbian, bootMountPoint: "/boot", architecture: "armv7", initSystem: .init(kind),
            docker: version.map { .init(version: $0, service: service) })
    }

    static func key(_ name: String, _ value: JSONValue) -> Node.Docker.Key {
        .init(name: Sample.at(name, line: 7), value: Sample.at(value, line: 8))
    }

    static func configuration(_ docker: Node.Docker, _ profile: OSProfile, swarm: Bool = false)
        -> (DaemonConfiguration?, DiagnosticReport)
    {
        var node = Sample.full()
        node.docker = docker
        node.docker.location = Sample.here
        if !swarm { node.swarm = nil }
        var report = DiagnosticReport()
        return (DaemonConfiguration(node, profile: profile, report: &report), report)
    }

    @Test func `the image's version decides, and the line of the value is reported`() throws {
        let docker = Node.Docker(daemon: [Self.key("storage-driver", .string("overlay"))])
        let (_, old) = Self.configuration(docker, Self.profile("17.05.0"))
        #expect(old.diagnostics.isEmpty, "\(old)")
        let (_, new) = Self.configuration(docker, Self.profile("29.7.2"))
        #expect(new.errors.map(\.location?.line) == [8] && "\(new)".contains("overlay2"), "\(new)")
        let (_, unknown) = Self.configuration(docker, Self.profile(nil))
        #expect(!unknown.hasErrors, "\(unknown)")
    }

    @Test func `options of the image's unit conflict, except the -H that the first boot removes`() {
        let unit = OSProfile.Docker.Service.unit(
            path: "/lib/systemd/system/docker.service", command: "/usr/bin/dockerd -H fd:// --containerd=/c --debug",
            takesOptions: false)
        let docker = Node.Docker(daemon: [
            Self.key("hosts", .array([.string("fd://")])), Self.key("containerd", .string("/run/c")),
            Self.key("debug", .bool(true)),
        ])
        let (_, report) = Self.configuration(docker, Self.profile("20.10.24", unit))
        #expect(report.errors.count == 2 && !"\(report)".contains("docker.daemon.hosts"), "\(report)")
        #expect(report.errors.allSatisfy { $0.location?.line == 7 })
    }

    @Test func `proxies are a key from 23,0 on, and a drop-in before`() throws {
        let proxy = Node.Proxy(
            http: Sample.at("http://p:3128"), https: Sample.at("http://p:3128"), noProxy: [Sample.at(".lan")],
            location: Sample.here)
        let (new, newReport) = Self.configuration(Node.Docker(proxy: proxy), Self.profile("23.0.1"))
        #expect(newReport.diagnostics.isEmpty, "\(newReport)")
        #expect(
            String(decoding: try #require(new).contents, as: UTF8.self).contains(
                "\"no-proxy\": \".lan,192.168.50.0/24\""))
        #expect(new?.dropIns(Self.profile("23.0.1"), options: nil).isEmpty == true)
        for version in ["20.10.24", nil] {
            let (old, _) = Self.configuration(Node.Docker(proxy: proxy), Self.profile(version))
            let files = try #require(old).dropIns(Self.profile(version), options: nil)
            #expect(files.map(\.path) == ["/etc/systemd/system/docker.service.d/piflash-proxy.conf"])
            #expect(files.first?.mode == 0o600)
            #expect(old?.members.contains { $0.name == "proxies" } == false)
        }
        let plain = Self.profile("1.6.0", .script(path: "/etc/init.d/docker"), .sysvinit)
        let (script, _) = Self.configuration(Node.Docker(proxy: proxy), plain)
        var report = DiagnosticReport()
        let options = try #require(script?.options(plain, docker: Node.Docker(), report: &report))
        let once = options.edited("# x\nDOCKER_OPTS=\"-D\"\n")
        #expect(String(decoding: once, as: UTF8.self).contains("export HTTP_PROXY='http://p:3128'"))
        #expect(options.edited(String(decoding: once, as: UTF8.self)) == once)
    }

    @Test func `an old engine whose unit reads no DOCKER_OPTS gets its options in a drop-in`() throws {
        let unit = OSProfile.Docker.Service.unit(
            path: "u", command: "/usr/bin/docker daemon -H fd://", takesOptions: false)
        let profile = Self.profile("1.9.1", unit)
        let (daemon, report) = Self.configuration(Node.Docker(daemon: [Self.key("debug", .bool(true))]), profile)
        var more = report
        let options = daemon?.options(profile, docker: Node.Docker(), report: &more)
        let file = try #require(daemon?.dropIns(profile, options: options).first)
        #expect(!more.hasErrors, "\(more)")
        #expect(
            String(decoding: file.contents, as: UTF8.self).contains(
                "ExecStart=/usr/bin/docker daemon -H fd:// --debug=true --label=arch=armv7\n"))
    }

    @Test func `remote insecure listens for all, and says what that means`() throws {
        let docker = Node.Docker(remote: Sample.at(.insecure, line: 9))
        let (daemon, report) = Self.configuration(docker, Self.profile("20.10.24"))
        #expect(report.errors.isEmpty && report.warnings.count == 1, "\(report)")
        #expect(
            "\(report)".contains("red01.yaml:9:1: warning: docker.remote: anyone who can reach this address"),
            "\(report)")
        #expect(daemon?.hasHosts == true && daemon?.members.contains { $0 == .init("tls", .bool(false)) } == true)
        let both = Node.Docker(
            daemon: [Self.key("hosts", .array([.string("fd://")]))], remote: Sample.at(.insecure, line: 9))
        #expect(Self.configuration(both, Self.profile("20.10.24")).1.errors.count == 1)
    }

    @Test func `a swarm takes no live-restore and needs the socket`() {
        let docker = Node.Docker(daemon: [
            Self.key("live-restore", .bool(true)), Self.key("hosts", .array([.string("tcp://127.0.0.1:2375")])),
        ])
        #expect(Self.configuration(docker, Self.profile("20.10.24"), swarm: true).1.errors.count == 2)
        #expect(Self.configuration(docker, Self.profile("20.10.24")).1.errors.isEmpty)
    }
}
