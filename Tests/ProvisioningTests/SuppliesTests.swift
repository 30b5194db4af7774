import Diagnostics
import Filesystems
import Recipes
import Systems
import Testing
import Text

@testable import Provisioning

@Suite struct SuppliesTests {
    private static func node(_ change: (inout Node) -> Void = { _ in }) -> Node {
        var node = Sample.bare()
        node.docker.location = Sample.here
        change(&node)
        return node
    }

    private static func package(_ name: String, _ architecture: String, _ version: String = "1", depends: [String] = [])
        -> Supplies.Package
    {
        .init(
            path: Sample.at("/debs/\(name).deb", line: 5), contents: Array(name.utf8),
            package: DebianPackage(name: name, version: version, architecture: architecture, depends: depends))
    }

    private static func images(_ architecture: String, _ variant: String? = nil) -> Supplies.SavedImages {
        .init(
            path: Sample.at("/images/web.tar", line: 6), contents: [1],
            images: [SavedImage(tags: ["web:1"], architecture: architecture, variant: variant)])
    }

    private static func check(_ supplies: Supplies, _ column: SettingsTable.Column) -> [Diagnostic] {
        var report = DiagnosticReport()
        SupplyChecks.check(supplies, node(), profile: column.profile, report: &report)
        return report.diagnostics
    }

    @Test func `packages of another architecture are refused, and so is a set without an engine`() {
        let right = [Self.package("docker.io", "arm64"), Self.package("tini", "all")]
        #expect(Self.check(Supplies(packages: right), Sample.bookworm).isEmpty)
        let wrong = Self.check(Supplies(packages: [Self.package("docker.io", "armhf")]), Sample.bookworm)
        #expect(wrong.map(\.text) == ["docker.packages: docker.io is for armhf; the image is arm64"])
        #expect(wrong.first?.location?.line == 5)
        #expect(Self.check(Supplies(packages: [Self.package("docker.io", "armhf")]), Sample.stretch).isEmpty)
        let none = Self.check(Supplies(packages: [Self.package("containerd", "arm64")]), Sample.bookworm)
        #expect(none.map(\.severity) == [.error])
        // An update of what the image has.
        let update = Supplies(packages: [Self.package("containerd", "armhf")])
        #expect(Self.check(update, Sample.column("HypriotOS 1.7–1.12")).isEmpty)
        #expect(Self.check(Supplies(packages: right + right), Sample.bookworm).count == 2)
    }

    @Test func `packages that need what is not there, or another processor, are warned of`() {
        let docker = Self.package(
            "docker-ce", "armhf", "5:29.0.1-1~debian.12~bookworm", depends: ["containerd.io", "libc6"])
        let said = Self.check(Supplies(packages: [docker]), Sample.bullseye)
        #expect(said.map(\.severity) == [.warning, .warning])
        #expect(said.contains { $0.text.contains("for ARMv7") } && said.contains { $0.text.contains("containerd.io") })
    }

    @Test(
        arguments: [
            ("arm64", nil, "Raspberry Pi OS bookworm", []), ("arm", "v7", "Raspberry Pi OS bookworm", []),
            ("amd64", nil, "Raspberry Pi OS bookworm", [.error]), ("arm", "v7", "HypriotOS 1.7–1.12", []),
            ("arm64", nil, "HypriotOS 1.7–1.12", [.error]), ("arm", "v8", "HypriotOS 1.7–1.12", [.error]),
            ("arm", "v6", "Raspbian jessie, stretch", []), ("arm", "v7", "Raspbian jessie, stretch", [.warning]),
            ("amd64", nil, "Raspbian jessie, stretch", [.error]), ("amd64", nil, "Ubuntu Server", []),
        ] as [(String, String?, String, [Diagnostic.Severity])])
    func `images for another processor are refused`(
        _ architecture: String, _ variant: String?, _ title: String, _ expected: [Diagnostic.Severity]
    ) {
        let said = Self.check(Supplies(savedImages: [Self.images(architecture, variant)]), Sample.column(title))
        #expect(said.map(\.severity) == expected)
        if let error = said.first(where: { $0.severity == .error }) {
            #expect(error.location?.line == 6)
            #expect(error.text.contains("web:1 is for \(architecture)"))
            #expect(error.text.contains("docker pull --platform linux/arm"))
        }
    }

    @Test(arguments: Sample.columns)
    func `carried files are written once, and not again after the node has used them up`(
        _ column: SettingsTable.Column
    ) async throws {
        let node = Self.node {
            $0.docker.packages = [Sample.at("/debs/docker io_1.deb")]
            $0.docker.preload = [Sample.at("/images/web.tar.gz")]
            $0.docker.remote = Sample.at(.tls)
        }
        let tree = RootTree(column)
        let first = try await Sample.provision(node, column)
        var card = try tree.applying(first)
        let names = first.rootChanges.map(\.edit.path).filter { $0.hasPrefix(CarriedFile.directory) }
        #expect(names.count == 2 && names[0].hasSuffix("-docker_io_1.deb") && names[1].hasSuffix("-web.tar.gz"))
        #expect(card.entries["/etc/docker/piflash/key.pem"]?.mode == 0o600)
        #expect(card.entries["/etc/docker/piflash"]?.mode == 0o700)
        let key = first.rootChanges.first { $0.edit.path == "/etc/docker/piflash/key.pem" }
        #expect(key?.sensitive == ["a key of its own\n"])
        for file in first.bootFiles {
            #expect(!String(decoding: file.contents, as: UTF8.self).contains("a key of its own"))
        }

        // The node has booted: the files are gone, the notes are there.
        for name in names { card.remove(name) }
        let digests = names.compactMap { $0.split(separator: "/").last?.prefix(12) }
        card.file(digests.map { "\($0)\n" }.joined(), CarriedFile.takenPath)
        let boot = Sample.boot(column).applying(first)
        let second = try await Sample.provision(node, column, boot: boot, root: card.asRead)
        #expect(!second.rootChanges.contains { $0.edit.path.hasPrefix(CarriedFile.directory) })
        #expect(second.text(CardRecord.path) == first.text(CardRecord.path))

        // The recipe drops all of it.
        let bare = try await Sample.provision(Self.node(), column, boot: boot, root: card.asRead)
        let after = try card.applying(bare)
        #expect(after.entries["/etc/docker/piflash/key.pem"] == nil)
    }

    @Test func `daemon-json listens with certificates on both sides, and beside the socket`() async throws {
        let node = Self.node { $0.docker.remote = Sample.at(.tls) }
        let text = try #require(try await Sample.provision(node, Sample.bookworm).rootText(DaemonConfiguration.path))
        for part in [
            "\"unix:///var/run/docker.sock\"", "\"tcp://0.0.0.0:2376\"", "\"tlsverify\": true",
            "\"tlscacert\": \"/etc/docker/piflash/ca.pem\"", "\"tlskey\": \"/etc/docker/piflash/key.pem\"",
        ] { #expect(text.contains(part)) }
        let settings = try await Sample.provision(node, Sample.bookworm).rootText(FirstBootProgram.settingsPath)
        #expect(settings?.contains("DOCKER_HOSTS='1'") == true)
    }

    @Test func `a recipe's own hosts contradict it`() async throws {
        let node = Self.node {
            $0.docker.remote = Sample.at(.tls)
            $0.docker.daemon = [
                .init(name: Sample.at("hosts", line: 9), value: Sample.at(.array([.string("fd://")]), line: 9))
            ]
        }
        #expect(try await Sample.errors(node, Sample.bookworm).contains { $0.location?.line == 9 })
    }

    @Test func `another certificate restarts Docker`() async throws {
        let node = Self.node { $0.docker.remote = Sample.at(.tls) }
        var supplies = Sample.supplies(of: node)
        func settings() async throws -> String? {
            try await Sample.provisioner().provision(
                node, profile: Sample.bookworm.profile, boot: Sample.boot(Sample.bookworm),
                root: RootTree(Sample.bookworm).asRead, supplies: supplies, secrets: UnreadSecrets()
            ).rootText(FirstBootProgram.settingsPath)
        }
        let before = try await settings()
        supplies.certificate?.certificate = "another\n"
        #expect(try await settings() != before)
    }
}
