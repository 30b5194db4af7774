import Diagnostics
import Filesystems
import Foundation
import Testing

@testable import Provisioning
@testable import Recipes

/// What `render` shows holds no secret, in no encoding.
@Suite struct MaskingTests {
    private struct Vault: SecretReading {
        static let content =
            "-----BEGIN KEY-----\n\"top\\secret\" it's <of the vault> $HOME\nEND\n" + String(repeating: "k", count: 150)
        func read(_ secret: Secret) async throws(DiagnosticReport) -> SecretValue {
            if case .literal(let text) = secret.source { return .value(text) }
            return .value(Self.content)
        }
    }

    private static let password = "it's my \"clear\" pass\\word"
    private static let passphrase = "wifi's \"clear\" pass\\phrase"

    private static func node(_ column: SettingsTable.Column) -> Recipes.Node {
        var node = Sample.full(for: column)
        node.user?.password = Sample.secret(password)
        node.wifi?.networks = [
            .init(ssid: Sample.at("lab"), passphrase: Sample.secret(passphrase), hidden: true),
            .init(ssid: Sample.at("Café"), passphrase: Sample.secret(String(repeating: "0F", count: 32))),
        ]
        // Files of every length, since base64 cuts a text at every third byte and a script's lines at every hundredth digit.
        node.firstBoot.files = (0..<3).map { index in
            .init(path: Sample.at("/etc/key\(index)"), content: Secret(.file("/k"), at: Sample.here), mode: 0o600)
        }
        return node
    }

    /// What of a file is shown.
    private static func shown(_ contents: [UInt8], _ sensitive: Set<String>) -> String {
        sensitive.sorted { $0.utf8.count > $1.utf8.count }.reduce(String(decoding: contents, as: UTF8.self)) {
            $0.replacing($1, with: "********")
        }
    }

    private static func contents(_ change: Provision.RootChange) -> [UInt8] {
        if case .file(let contents, _) = change.edit.action { contents } else { [] }
    }

    /// All that one can read in a text: the text, and whatever decodes as base64, with line ends inside or not.
    private static func readings(_ text: String) -> [[UInt8]] {
        let bytes = Array(text.utf8)
        var readings = [bytes]
        for source in [bytes, bytes.filter { $0 != 0x0A }] {
            for run in source.split(whereSeparator: { !isBase64($0) }) where run.count >= 8 {
                for offset in 0..<4 {
                    let digits = run.dropFirst(offset)
                    let whole = Data(digits.prefix(digits.count / 4 * 4))
                    if let data = Data(base64Encoded: whole) { readings.append(Array(data)) }
                }
            }
        }
        return readings
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F: true
        default: false
        }
    }

    private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        Data(bytes).range(of: Data(part)) != nil
    }

    /// Pieces that must not be shown: halves, too, in case only a part is masked.
    private static func secrets(_ provision: Provision) throws -> [String] {
        let texts = (provision.bootFiles.map(\.contents) + provision.rootChanges.map(Self.contents))
            .map { String(decoding: $0, as: UTF8.self) }
        let hash = try #require(
            texts.lazy.compactMap {
                $0.firstMatch(of: /\$(?:6\$rounds=[0-9]+|y\$j9T)\$[^$]+\$([.\/A-Za-z0-9]{43,86})/)
            }.first.map { String($0.1) })
        let lab = Node.WiFiNetwork(ssid: Sample.at("lab"), passphrase: Sample.secret(passphrase))
        let keys = [try Passphrases.keys(of: [lab])[0] ?? "", String(repeating: "0f", count: 32)]
        return [
            password, "clear\" pass", passphrase, "pass\\phrase", Sample.token, String(Sample.token.suffix(20)), hash,
            String(hash.prefix(20)), String(hash.suffix(20)), keys[0], String(keys[0].prefix(16)),
            String(keys[0].suffix(16)), keys[1], String(keys[1].prefix(16)), "top\\secret", "of the vault",
            String(repeating: "k", count: 12), "it's <of",
        ]
    }

    @Test(arguments: Sample.columns)
    func `nothing that is shown holds a secret`(_ column: SettingsTable.Column) async throws {
        let provision = try await Sample.provision(Self.node(column), column, secrets: Vault())
        let secrets = try Self.secrets(provision)
        var texts: [(String, String)] = []
        for file in provision.bootFiles { texts.append((file.path, Self.shown(file.contents, file.sensitive))) }
        for file in provision.nodeFiles { texts.append((file.path, Self.shown(file.contents, file.sensitive))) }
        for change in provision.rootChanges {
            texts.append((change.edit.path, Self.shown(Self.contents(change), change.sensitive)))
        }
        texts.append(("warnings", provision.warnings.map(\.description).joined(separator: "\n")))
        for (path, text) in texts {
            let readings = Self.readings(text)
            for secret in secrets {
                for form in [secret, YAML.quoted(secret).dropFirst().dropLast().description] {
                    let bytes = Array(form.utf8)
                    #expect(!readings.contains { Self.contains($0, bytes) }, "\(path) shows \(form)")
                }
            }
        }
    }

    @Test(arguments: Sample.others)
    func `other people's hashes in the card's account files are not shown`(_ column: SettingsTable.Column) async throws
    {
        var tree = RootTree(column)
        let hash = "$y$j9T$othersalt$" + String(repeating: "o", count: 43)
        tree.file((tree.text("/etc/shadow") ?? "") + "other:\(hash):17000:0:99999:7:::\n", "/etc/shadow")
        tree.file((tree.text("/etc/gshadow") ?? "") + "others:\(hash)::\n", "/etc/gshadow")
        let provision = try await Sample.provision(Self.node(column), column, root: tree.asRead, secrets: Vault())
        for change in provision.rootChanges where change.edit.path.hasSuffix("shadow") {
            #expect(!Self.shown(Self.contents(change), change.sensitive).contains("oooo"), "\(change.edit.path)")
        }
    }

    @Test(arguments: Sample.columns)
    func `what is refused is refused without a secret's value`(_ column: SettingsTable.Column) async throws {
        var node = Sample.full(for: column)
        node.user?.password = Sample.secret("very\u{7}-secret", .password)
        node.user?.sshAuthorizedKeys = [
            Sample.secret("-----BEGIN OPENSSH PRIVATE KEY-----\nvery-secret", .authorizedKeys)
        ]
        node.wifi?.networks = [
            .init(ssid: Sample.at("lab"), passphrase: Sample.secret("very-secret\n-phrase", .passphrase))
        ]
        node.swarm?.token = Sample.secret("SWMTKN-1-very-secret!", .joinToken)
        let errors = try await Sample.errors(node, column)
        #expect(errors.count >= 3)
        for error in errors { #expect(!error.description.contains("very") && !error.description.contains("secret")) }
    }
}
