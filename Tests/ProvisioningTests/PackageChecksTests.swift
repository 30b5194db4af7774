import Diagnostics
import Filesystems
import Recipes
import Systems
import Testing

@testable import Provisioning

/// What is said before a card is written whose first boot cannot install its packages, and where a proxy's login goes.
@Suite struct PackageChecksTests {
    private static func warnings(_ node: Node, _ column: SettingsTable.Column) async throws -> [String] {
        try await Sample.provision(node, column).warnings.map(\.text)
    }

    private static func node(_ packages: [String] = ["git"]) -> Node {
        var node = Sample.bare()
        node.firstBoot.packages = packages.map { Sample.at($0, line: 9) }
        return node
    }

    private static func profile(
        _ id: String, _ codename: String, _ flavour: OSProfile.Flavour = .raspbian
    ) -> OSProfile {
        OSProfile(flavour: flavour, bootMountPoint: "/boot", system: .init(id: id, codename: codename))
    }

    @Test(
        arguments: [
            ("raspbian", "wheezy", "legacy.raspbian.org"), ("raspbian", "jessie", "legacy.raspbian.org"),
            ("raspbian", "stretch", "legacy.raspbian.org"), ("raspbian", "buster", "legacy.raspbian.org"),
            ("debian", "buster", "archive.debian.org"), ("debian", "stretch", "archive.debian.org"),
            ("ubuntu", "lunar", "old-releases.ubuntu.com"), ("ubuntu", "plucky", "old-releases.ubuntu.com"),
            ("raspbian", "bullseye", nil), ("debian", "bookworm", nil), ("ubuntu", "noble", nil),
            ("ubuntu", "focal", nil), ("kali", "rolling", nil),
        ] as [(String, String, String?)])
    func `the archives that are gone are known, with where their packages are`(
        _ id: String, _ codename: String, _ host: String?
    ) throws {
        let archive = PackageArchive.gone(Self.profile(id, codename))
        #expect(archive?.legacy.host == host)
        if let archive { #expect(archive.gone.wholeMatch(of: /[A-Z][a-z]+ 20[0-9]{2}/) != nil) }
        var report = DiagnosticReport()
        PackageChecks.check(Self.node(), profile: Self.profile(id, codename), installation: nil, report: &report)
        #expect(report.warnings.count == (host == nil ? 0 : 1))
        if let host {
            let warning = try #require(report.warnings.first)
            #expect(warning.location?.line == 9)
            #expect(warning.text.contains(host) && warning.text.contains("first_boot.legacy_archive: true"))
        }
        // Nothing to install: nothing to say.
        report = DiagnosticReport()
        PackageChecks.check(Self.node([]), profile: Self.profile(id, codename), installation: nil, report: &report)
        #expect(report.diagnostics.isEmpty)
    }

    @Test func `the key silences the warning, reaches the node, and is reported where it has no effect`() async throws {
        var node = Self.node()
        node.firstBoot.legacyArchive = Sample.at(true, line: 10)
        let old = try await Sample.provision(node, Sample.stretch)
        #expect(!old.warnings.contains { $0.text.contains("legacy") })
        #expect(old.rootText(FirstBootProgram.settingsPath)?.contains("LEGACY_ARCHIVE='raspbian'\n") == true)
        let new = try await Sample.provision(node, Sample.bookworm)
        #expect(new.warnings.contains { $0.location?.line == 10 && $0.text.contains("has no effect") })
        #expect(new.rootText(FirstBootProgram.settingsPath)?.contains("LEGACY_ARCHIVE") == false)
        // What the image brings needs no archive: the warning is about Docker here.
        var docker = Sample.bare()
        docker.docker.install = Sample.at(.debian, line: 11)
        docker.docker.location = Sample.here
        var report = DiagnosticReport()
        PackageChecks.check(docker, profile: Self.profile("raspbian", "buster"), installation: .debian, report: &report)
        #expect(report.warnings.first?.location?.line == 11)
        #expect(report.warnings.first?.text.hasPrefix("docker.install: the packages of Raspbian buster") == true)
    }

    @Test func `DietPi, which installs packages itself, is told of the archive`() async throws {
        var node = Self.node()
        node.firstBoot.legacyArchive = Sample.at(true)
        var column = Sample.dietPi
        column = .init(
            title: column.title,
            profile: OSProfile(
                flavour: .dietPi, bootMountPoint: "/boot", architecture: "armv7",
                system: .init(id: "raspbian", codename: "buster"), initSystem: .init(.systemd, version: "241"),
                network: .ifupdown))
        let text = try #require(try await Sample.provision(node, column).text("dietpi.txt"))
        #expect(text.contains("\nCONFIG_APT_RASPBIAN_MIRROR=http://legacy.raspbian.org/raspbian\n"))
    }

    @Test func `a proxy for dockerd alone is reported where apt or curl needs one`() async throws {
        var node = Self.node()
        node.docker.location = Sample.here
        node.docker.install = Sample.at(.auto)
        node.docker.proxy = .init(
            http: Sample.at("http://192.168.1.3:3128"), location: Sample.at("", line: 12).location)
        let lines = try await Sample.provision(node, Sample.bookworm).warnings.filter { $0.location?.line == 12 }
        #expect(lines.map { $0.text.prefix { $0 != ":" } } == ["first_boot.packages", "docker.install"])
        #expect(lines.allSatisfy { $0.text.contains("write network.proxy instead") })
        node.network.proxy = node.docker.proxy
        #expect(try await Sample.provision(node, Sample.bookworm).warnings.filter { $0.location?.line == 12 }.isEmpty)
    }

    private static let login = "me:S3cretOfTheProxy"

    @Test(arguments: Sample.columns)
    func `a proxy's login is on no boot partition where the root partition can hold it, and for root alone`(
        _ column: SettingsTable.Column
    ) async throws {
        var node = Self.node()
        node.network.proxy = .init(
            http: Sample.at("http://\(Self.login)@proxy.lan:3128"), location: Sample.here)
        let provision = try await Sample.provision(node, column)
        for file in provision.bootFiles {
            #expect(!String(decoding: file.contents, as: UTF8.self).contains("S3cretOfTheProxy"), "\(file.path)")
            #expect(
                !String(decoding: file.contents, as: UTF8.self).contains(CloudConfig.base64(Array(Self.login.utf8))))
        }
        for path in NodeProxy.paths {
            let change = try #require(provision.rootChanges.first { $0.edit.path == path }, "\(path)")
            guard case .file(let contents, let mode) = change.edit.action else {
                Issue.record("\(path)")
                continue
            }
            #expect(mode == 0o600)
            #expect(String(decoding: contents, as: UTF8.self).contains(Self.login))
            // It is shown masked.
            #expect(change.sensitive.contains { !$0.isEmpty && Self.login.contains($0) }, "\(path)")
        }
        #expect(!(provision.rootText("/etc/environment") ?? "").contains("@"))
        // A card whose recipe has no proxy any more loses the files.
        #expect(NodeProxy.paths.allSatisfy(RemovableFiles.isRootFile))
    }

    @Test func `without a root partition cloud-init carries the proxy, readable by root alone`() async throws {
        var node = Self.node()
        node.network.proxy = .init(http: Sample.at("http://\(Self.login)@proxy.lan:3128"), location: Sample.here)
        let provision = try await Sample.provision(node, .raspberryPiOSCloudInit)
        for path in NodeProxy.paths {
            let file = try #require(provision.node(path))
            #expect(file.mode == 0o600 && !file.sensitive.isEmpty)
        }
    }
}
