import Diagnostics
import Host
import Recipes
import SystemPackage
import Systems
import Testing
import TestSupport

@testable import Provisioning

/// One value, one verdict: what is wrong with a secret does not depend on where it is read from.
@Suite struct SecretRuleTests {
    /// How a recipe gives a secret.
    enum Source: CaseIterable, Sendable { case literal, environment, file, command, prompt }

    /// A recipe's line with a secret in the place of VALUE, and values with a part of the message; nil for a good one.
    struct Kind: Sendable, CustomTestStringConvertible {
        let key: String
        let line: String
        let values: [(text: String, gist: String?)]

        var testDescription: String { key }
    }

    static let kinds: [Kind] = [
        Kind(
            key: "user.password", line: "user: { name: pi, password: VALUE }",
            values: [
                ("hypriot", nil), (String(repeating: "é", count: 255), nil),
                (String(repeating: "é", count: 256), "more than 511 bytes"), ("p\tw-very-secret", "control character"),
                ("p\nw-very-secret", "control character"), ("very-secret\n\n", "second line"),
                ("\u{FEFF}very-secret", "byte-order mark"), ("$HOME-1", nil), ("a$6$b", nil),
                ("$6$very$secret", "$6$ hash that is cut off"), ("$6$very", "cut off"),
                ("$y$j9T$very$secret", "$y$ hash that is cut off"),
                ("$6$salt$" + String(repeating: "s", count: 85), "cut off"),
                ("$6$salt$" + String(repeating: "s", count: 87), "cut off"),
                ("$6$salt$" + String(repeating: "s", count: 86), nil),
                ("$6$rounds=5000$salt$" + String(repeating: "s", count: 86), nil),
                ("!$6$salt$" + String(repeating: "s", count: 86), "locked account"),
                ("$argon2id$v=19$very", "crypt(5) cannot check"),
            ]),
        Kind(
            key: "user.ssh_authorized_keys", line: "user: { name: pi, ssh_authorized_keys: [VALUE] }",
            values: [
                (Sample.key, nil), ("no-pty,from=\"10.0.0.0/8\" " + Sample.key, nil),
                ("# mine\n\(Sample.key)\n\n  \(Sample.key)2", nil), ("very-secret", "not a valid SSH public key"),
                ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"), ("very-secret " + Sample.key, "option"),
                (Sample.key + "\nvery-secret", "not a valid SSH public key"),
                (Sample.key.replacing("ssh-ed25519 ", with: "ssh-rsa "), "damaged"),
            ]),
        Kind(
            key: "wifi.networks.passphrase",
            line: "wifi: { country: DE, networks: [{ ssid: a, passphrase: VALUE }] }",
            values: [
                ("correct horse", nil), (String(repeating: "0F", count: 32), nil), ("short", "8 to 63 characters"),
                (String(repeating: "g", count: 64), "must be hex"),
                (String(repeating: "x", count: 65), "this one has 65"),
                ("very\tsecret", "control character"), ("very secret\nline", "second line"),
                ("\u{FEFF}very secret", "byte-order mark"),
            ]),
        Kind(
            key: "swarm.token", line: "swarm: { managers: [10.0.0.1], token: VALUE }",
            values: [
                ("SWMTKN-1-\(String(repeating: "0a", count: 25))-\(String(repeating: "z", count: 25))", nil),
                ("SWMTKN-1-abc-def", "not a valid join token"), ("SWMTKN-1-very-secret!", "not a valid join token"),
                ("very-secret", "not a valid join token"), (Sample.token.uppercased(), "not a valid join token"),
                ("SWMTKN-1-\(String(repeating: "0a", count: 25))-\(String(repeating: "z", count: 26))", "join token"),
            ]),
        Kind(
            key: "first_boot.files.content", line: "first_boot: { files: [{ path: /etc/a, content: VALUE }] }",
            values: [("any\ttext\n\nat all", nil), ("zero\0byte", nil)]),
    ]

    private let scratch = ScratchDirectory()

    /// What a recipe with the value is told, each line without its column: nothing for a value that goes on a card.
    private func report(_ kind: Kind, _ value: String, _ source: Source) async throws -> String {
        let given: String
        var environment: [String: String] = [:]
        scratch.write(value, to: "secret")
        switch source {
        case .literal: given = YAML.quoted(value).replacing("\0", with: "\\0")
        case .environment:
            given = "!env SECRET"
            environment["SECRET"] = value
        case .file: given = "!file secret"
        case .command: given = "!command [cat, \(scratch["secret"])]"
        case .prompt: given = "!prompt Secret"
        }
        let user = kind.line.hasPrefix("user:") ? "" : "user: { name: pi, password: x }\n"
        scratch.write(
            "hostname: red01\n" + user + kind.line.replacing("VALUE", with: given) + "\n", to: "red01.yaml")
        let loader = RecipeLoader(
            user: InvokingUser(environment: [:]), workingDirectory: scratch.path, requireImage: false)
        do {
            let node = try RecipeValidation.validateOne(loader.reading(of: "red01.yaml")).node
            let provision = try await Sample.provision(
                node, .raspberryPiOSCloudInit,
                secrets: SecretReader(environment: environment) { _ in value })
            #expect(!provision.hasPlaceholders)
            return ""
        } catch let report as DiagnosticReport {
            let place = try #require(report.errors.first?.location)
            #expect(place.file == "red01.yaml" && place.line == (user.isEmpty ? 2 : 3))
            #expect(place.column == kind.line.prefix(while: { $0 != "V" }).count + 1)
            return report.errors.map(\.text).joined(separator: "\n")
        }
    }

    @Test(arguments: kinds)
    func `a value gets the same verdict and message from every source`(_ kind: Kind) async throws {
        for (value, gist) in kind.values {
            // Yams ends a text at a zero byte, and drops a byte-order mark: such a value can only be read.
            let isReadOnly = value.utf8.contains(0) || value.unicodeScalars.first == "\u{FEFF}"
            let sources = isReadOnly ? Source.allCases.filter { $0 != .literal } : Source.allCases
            let literal = try await report(kind, value, sources[0])
            if let gist {
                #expect(literal.hasPrefix("\(kind.key): ") && literal.contains(gist), "\(literal)")
                #expect(!literal.contains("very") && !literal.contains("secret"), "\(literal)")
            } else {
                #expect(literal.isEmpty, "\(literal)")
            }
            for source in sources.dropFirst() {
                #expect(try await report(kind, value, source) == literal, "\(source)")
            }
        }
    }

    @Test func `what is wrong with several secrets is reported at once, with what is wrong in the light of the image`()
        async throws
    {
        scratch.write(
            """
            hostname: red01
            user: { name: pi, password: !env PASSWORD, ssh_authorized_keys: [!env KEY] }
            wifi: { country: DE, networks: [{ ssid: a, passphrase: !env WIFI }] }
            docker: { daemon: { live-restore: true } }
            swarm: { managers: [10.0.0.1], token: !env TOKEN }
            first_boot: { files: [{ path: /boot/firmware/mine.txt, content: x }] }

            """, to: "red01.yaml")
        let loader = RecipeLoader(
            user: InvokingUser(environment: [:]), workingDirectory: scratch.path, requireImage: false)
        let node = try RecipeValidation.validateOne(loader.reading(of: "red01.yaml")).node
        let values = ["PASSWORD": "very\tsecret", "KEY": "very", "WIFI": "secret", "TOKEN": "SWMTKN-very"]
        let report = try #require(
            await #expect(throws: DiagnosticReport.self) {
                _ = try await Sample.provision(
                    node, .hypriotCloudInit, secrets: SecretReader(environment: values) { _ in nil })
            })
        #expect(report.errors.compactMap(\.location?.line).sorted() == [2, 2, 3, 4, 5, 6])
        #expect(!report.description.contains("very") && !report.description.contains("secret"))
    }
}
