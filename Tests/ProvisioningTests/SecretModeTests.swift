import Diagnostics
import Filesystems
import Foundation
import Recipes
import Systems
import Testing

@testable import Provisioning

/// Every file that holds a secret is readable by its owner alone, on every system.
///
/// The boot partition is FAT, which has no modes: a list below names what may be there, and private keys may not. A file
/// of the recipe (`first_boot.files`) has the mode that the recipe gives it.
@Suite struct SecretModeTests {
    /// How a node comes into its swarm: each way brings other secrets.
    enum Part: CaseIterable {
        case joinsByToken, formsAsManager, formsAsWorker, hasNoSwarm
    }

    private static let password = "it's my \"clear\" pass\\word"
    private static let passphrase = "wifi's \"clear\" pass\\phrase"
    private static let readyKey = String(repeating: "0F", count: 32)
    private static let proxyPassword = "pr0xy-pass"
    private static let stackVariable = "st4ck \"variable\" of it's"
    private static let filePath = "/etc/key.pem"
    private static let fileContent = "-----BEGIN KEY-----\n\"top\\secret\" of the vault\n"
    private static let derivedKey = Result {
        let lab = Node.WiFiNetwork(ssid: Sample.at("lab"), passphrase: Sample.secret(passphrase))
        return try #require(try Passphrases.keys(of: [lab])[0])
    }
    private static let saltKey = Array("a rack's secret".utf8)

    private struct Vault: SecretReading {
        func read(_ secret: Secret) async throws(DiagnosticReport) -> SecretValue {
            switch secret.source {
            case .literal(let text): .value(text)
            case .environment("STACK"): .value(stackVariable)
            default: .value(fileContent)
            }
        }
    }

    private static func node(_ part: Part, for column: SettingsTable.Column) -> Recipes.Node {
        var node = Sample.full(for: column)
        node.user?.password = Sample.secret(password)
        node.wifi?.networks = [
            .init(ssid: Sample.at("lab"), passphrase: Sample.secret(passphrase), hidden: true),
            .init(ssid: Sample.at("Café"), passphrase: Sample.secret(readyKey)),
        ]
        node.firstBoot.files = [
            .init(path: Sample.at(filePath), content: Secret(.file("/k"), at: Sample.here), mode: 0o600)
        ]
        node.docker.remote = Sample.at(.tls)
        node.docker.packages = [Sample.at("/debs/docker.io.deb")]
        node.docker.proxy = .init(
            http: Sample.at("http://me:\(proxyPassword)@192.168.50.3:8000"), https: nil, noProxy: [],
            location: Sample.here)
        if node.swarm == nil { return node }
        // A rack that forms its swarm needs systemd.
        let isOld = column.profile.initSystem?.kind == .sysvinit
        switch part {
        case .formsAsManager where isOld, .formsAsWorker where isOld: node.swarm = nil
        case .joinsByToken: break
        case .formsAsManager:
            node.swarm = Node.Swarm(
                managers: [Sample.at("red01"), Sample.at("red00")], role: .manager,
                stacks: [
                    .init(
                        name: Sample.at("web"), compose: Sample.at("/stack.yml"),
                        environment: [
                            .init(name: Sample.at("X"), value: Secret(.environment("STACK"), at: Sample.here))
                        ])
                ], nodes: ["red00", "red01"],
                location: Sample.here)
        case .formsAsWorker:
            node.swarm = Node.Swarm(
                managers: [Sample.at("red00")], role: .worker, nodes: ["red00", "red01"], location: Sample.here)
        case .hasNoSwarm: node.swarm = nil
        }
        return node
    }

    private static func provision(_ part: Part, _ column: SettingsTable.Column) async throws -> Provision {
        let node = node(part, for: column)
        return try await Provisioner(
            saltKey: saltKey, rackKeys: .ofOldRack, flashTime: Sample.flashTime, piflashVersion: "1.0.0"
        ).provision(
            node, profile: column.profile, boot: Sample.boot(column), root: RootTree(column).asRead,
            supplies: Sample.supplies(of: node), secrets: Vault())
    }

    /// The secrets by what they are, each in the forms that a file may hold: plain, or as JSON and YAML quote it.
    private static func secrets(_ provision: Provision) throws -> [String: [String]] {
        let hashes = try PasswordHash.Scheme.allCases.map {
            try PasswordHash.hash(password, as: $0, key: saltKey, host: "red01", user: "pirate")
        }
        let plain = [
            "the password": [password], "its hash": hashes, "a passphrase": [passphrase],
            "a key of Wi-Fi": [try derivedKey.get(), readyKey.lowercased()],
            "a join token": [Sample.token], "a secret file": [fileContent], "a proxy's password": [proxyPassword],
            "a stack": [Sample.stackPassword], "a stack's secret": [Sample.stackSecret],
            "a stack's variable": [stackVariable], "the TLS key": ["a key of its own\n"],
            "the rack's host key": [RackKeys.sample.host.privateKey],
            "the node's key": [RackKeys.sample.own.privateKey],
            "the rack's worker key": [RackKeys.ofOldRack.shared?.worker.privateKey ?? "?"],
            "the rack's manager key": [RackKeys.ofOldRack.shared?.manager.privateKey ?? "?"],
            "the salt key": [String(decoding: saltKey, as: UTF8.self)],
        ]
        return plain.mapValues { texts in texts.flatMap(forms) }
    }

    /// How a text may stand in a file: as it is, in quotes, and one long line of it, which is as good as the whole.
    private static func forms(_ text: String) -> [String] {
        let quoted = String(YAML.quoted(text).dropFirst().dropLast())
        let lines = text.split(separator: "\n").map(String.init)
        return [text, quoted] + lines.filter { $0.utf8.count > 40 }
    }

    private static func found(_ secrets: [String: [String]], in contents: [UInt8]) -> [String] {
        let data = Data(contents)
        return secrets.filter { $0.value.contains { data.range(of: Data($0.utf8)) != nil } }.map(\.key).sorted()
    }

    /// What others than the owner may read, and why.
    private static func isException(_ path: String, mode: UInt16, group: UInt32) -> Bool {
        // Debian's own mode: programs that check passwords run in the group shadow, number 42 (base-passwd).
        (path == "/etc/shadow" || path == "/etc/gshadow") && mode == 0o640 && group == 42
    }

    @Test(arguments: Sample.columns, Part.allCases)
    func `on the node a file that holds a secret has no bits for group and others`(
        _ column: SettingsTable.Column, _ part: Part
    ) async throws {
        let provision = try await Self.provision(part, column)
        let secrets = try Self.secrets(provision)
        var seen: Set<String> = []
        for change in provision.rootChanges {
            guard case .file(let contents, let mode) = change.edit.action else { continue }
            let found = Self.found(secrets, in: contents)
            seen.formUnion(found)
            // What is shown masked is a secret as well, such as the hashes of others.
            guard !found.isEmpty || !Self.found(["": Array(change.sensitive)], in: contents).isEmpty else { continue }
            if Self.isException(change.edit.path, mode: mode, group: change.edit.group) { continue }
            #expect(mode & 0o077 == 0, "\(change.edit.path) has mode \(String(mode, radix: 8)): \(found)")
            #expect(change.edit.user == 0, "\(change.edit.path)")
        }
        for file in provision.nodeFiles {
            let found = Self.found(secrets, in: file.contents)
            seen.formUnion(found)
            guard !found.isEmpty || !Self.found(["": Array(file.sensitive)], in: file.contents).isEmpty else {
                continue
            }
            #expect(file.mode & 0o077 == 0, "\(file.path) has mode \(String(file.mode, radix: 8)): \(found)")
        }
        for file in provision.bootFiles { seen.formUnion(Self.found(secrets, in: file.contents)) }
        #expect(seen.isSuperset(of: Self.expected(part, column)), "\(seen.sorted())")
    }

    /// What each part brings, wherever it is: without these files the test would prove nothing.
    private static func expected(_ part: Part, _ column: SettingsTable.Column) -> Set<String> {
        var expected: Set = ["its hash", "a key of Wi-Fi", "a secret file", "a proxy's password", "the TLS key"]
        guard node(part, for: column).swarm != nil else { return expected }
        switch part {
        case .joinsByToken: expected.insert("a join token")
        case .formsAsManager:
            expected.formUnion(["the rack's host key", "the rack's manager key", "a stack"])
        case .formsAsWorker: expected.insert("the rack's worker key")
        case .hasNoSwarm: break
        }
        return expected
    }

    /// What of a file is base64: user-data holds files so in one line each, firstrun.sh in many.
    private static func decoded(_ contents: [UInt8]) -> [[UInt8]] {
        func isDigit(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
                true
            default: false
            }
        }
        let joined = contents.filter { $0 != UInt8(ascii: "\n") }
        return [contents, joined].flatMap { $0.split { !isDigit($0) } }.filter { $0.count >= 16 }
            .compactMap { Data(base64Encoded: Data($0)) }.map { Array($0) }
    }

    /// Anyone with a card reader can read the boot partition, and so can every user of the node; what is deleted there stays
    /// in its clusters. Only the join token is there, which the first boot overwrites.
    @Test(arguments: Sample.columns, Part.allCases)
    func `the boot partition holds no secret but the join token`(
        _ column: SettingsTable.Column, _ part: Part
    ) async throws {
        let provision = try await Self.provision(part, column)
        let secrets = try Self.secrets(provision)
        let allowed: Set = part == .joinsByToken ? ["a join token"] : []
        // The mode of a file in a recipe is a promise.
        for file in provision.nodeFiles { #expect(file.mode & 0o004 != 0, "\(file.path) is on the boot partition") }
        for file in provision.bootFiles {
            for contents in [file.contents] + Self.decoded(file.contents) {
                let found = Set(Self.found(secrets, in: contents))
                #expect(found.subtracting(allowed).isEmpty, "\(file.path)")
            }
            if file.path != "piflash/join-token" {
                #expect(!Self.found(secrets, in: file.contents).contains("a join token"), "\(file.path)")
            }
        }
        // What it says of itself holds no secret at all.
        let record = try #require(provision.bootFiles.first { $0.path == CardRecord.path })
        #expect(Self.found(secrets, in: record.contents) == [])
    }

    /// If the root partition is not available, the systems' own ways are all there is.
    @Test(arguments: Sample.columns)
    func `without the root partition nothing but what the first boot needs is on the boot partition`(
        _ column: SettingsTable.Column
    ) async throws {
        var node = Sample.bare()
        node.user?.password = Sample.secret(Self.password)
        guard (try? await Sample.errors(node, column, root: .some(nil)))?.isEmpty == true else { return }
        let provision = try await Provisioner(saltKey: Self.saltKey, flashTime: Sample.flashTime).provision(
            node, profile: column.profile, boot: Sample.boot(column), root: nil, secrets: Vault())
        let secrets = try Self.secrets(provision)
        var seen: Set<String> = []
        for file in provision.bootFiles {
            for contents in [file.contents] + Self.decoded(file.contents) {
                seen.formUnion(Self.found(secrets, in: contents))
            }
        }
        #expect(seen == ["its hash"])
    }

    @Test(arguments: Sample.columns, Part.allCases)
    func `directories that hold keys are their owner's alone`(
        _ column: SettingsTable.Column, _ part: Part
    ) async throws {
        let provision = try await Self.provision(part, column)
        var modes: [String: UInt16] = [:]
        for change in provision.rootChanges {
            if case .directory(let mode) = change.edit.action { modes[change.edit.path] = mode }
        }
        #expect(modes["/etc/docker/piflash"] == 0o700)
        if provision.rootChanges.contains(where: { $0.edit.path.hasPrefix("/etc/piflash/swarm/") }) {
            #expect(modes["/etc/piflash/swarm"] == 0o700)
        }
    }

    /// Without a secret in it a file stays readable: modes are not the way to make this suite pass.
    @Test(arguments: Sample.columns)
    func `what holds no secret keeps the mode that programs expect`(_ column: SettingsTable.Column) async throws {
        var node = Sample.full(for: column)
        node.docker.proxy = .init(
            http: Sample.at("http://192.168.50.3:8000"), https: nil, noProxy: [], location: Sample.here)
        let files = try await Sample.provision(node, column).laidDown
        #expect(files["/etc/docker/daemon.json"].map { $0.mode == 0o644 } ?? true)
        #expect(files["/usr/local/lib/piflash/first-boot"].map { $0.mode == 0o755 } ?? true)
        #expect(files["/etc/default/docker"].map { $0.mode == 0o644 } ?? true)
    }

    /// The default accounts of DietPi get it, so it opens the node as the user's own password does.
    @Test func `DietPi's password that nobody knows is shown masked`() async throws {
        let provision = try await Self.provision(.joinsByToken, Sample.dietPi)
        let file = try #require(provision.bootFiles.first { $0.path == "dietpi.txt" })
        let text = String(decoding: file.contents, as: UTF8.self)
        let password = try #require(text.firstMatch(of: /AUTO_SETUP_GLOBAL_PASSWORD=(.*)\n/)).1
        #expect(password.utf8.count >= 32)
        #expect(file.sensitive.contains(String(password)))
    }
}
