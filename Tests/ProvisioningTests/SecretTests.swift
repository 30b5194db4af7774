import Diagnostics
import Recipes
import Systems
import Testing
import TestSupport
import Text

@testable import Provisioning

@Suite struct SecretTests {
    @Test func `a password's hash is openssl's, and the same again`() throws {
        for password in ["hypriot", "it's $HOME `id`", "Café 😀", "x", String(repeating: "y", count: 200)] {
            let key: [UInt8] = [1, 2, 3]
            func hash(_ scheme: PasswordHash.Scheme = .sha512crypt, key: [UInt8] = key, host: String = "red01") throws
                -> String
            {
                try PasswordHash.hash(password, as: scheme, key: key, host: host, user: "pirate")
            }
            let parts = try hash().split(separator: "$").map(String.init)
            #expect(parts[1] == "rounds=30000" && parts[2].utf8.count == 16)
            let result = try OutsideTool("openssl").run(
                ["passwd", "-6", "-salt", "\(parts[1])$\(parts[2])", "-stdin"], input: Array((password + "\n").utf8))
            #expect(result.text == (try hash()) + "\n")
            // python calls the machine's own crypt(3), as login does.
            let program = """
                import ctypes
                library = ctypes.CDLL("libcrypt.so.1")
                library.crypt.restype = ctypes.c_char_p
                answer = [library.crypt(word.encode(), hash.encode()).decode() for word, hash in question]
                """
            let yescrypt = try hash(.yescrypt)
            #expect(yescrypt.hasPrefix("$y$j9T$") && CryptHash.scheme(of: yescrypt) == "y")
            let answer: [String] = try Oracle.ask([[password, yescrypt], [password + "x", yescrypt]], program)
            #expect(answer[0] == yescrypt && answer[1] != yescrypt)
            for scheme in PasswordHash.Scheme.allCases {
                #expect(try hash(scheme) == (try hash(scheme)))
                #expect(try hash(scheme, host: "red02") != (try hash(scheme)))
                #expect(try hash(scheme, key: [4]) != (try hash(scheme)))
            }
        }
    }

    /// If the password were in the salt, its MAC would say which guess is right, without a hash.
    @Test(arguments: PasswordHash.Scheme.allCases)
    func `the salt of a hash does not depend on the password`(_ scheme: PasswordHash.Scheme) throws {
        func salt(_ password: String, host: String = "red01", user: String = "pirate") throws -> [Substring] {
            let hash = try PasswordHash.hash(password, as: scheme, key: [1, 2], host: host, user: user)
            return hash.split(separator: "$").dropLast()
        }
        #expect(try salt("black pearl") == (try salt("queen anne")))
        #expect(try salt("black pearl") != (try salt("black pearl", host: "red02")))
        #expect(try salt("black pearl") != (try salt("black pearl", user: "mate")))
        // A host and a user that give the same letters.
        #expect(try salt("x", host: "ab", user: "c") != (try salt("x", host: "a", user: "bc")))
    }

    @Test func `a hash passes through, a password that only looks like one is hashed`() async throws {
        let hash = try PasswordHash.crypt("x", setting: "$6$saltsalt")
        for (password, passes) in [(hash, true), ("$HOME", false), ("$6$nothash", false), ("$1$a$b", false)] {
            var node = Sample.bare()
            node.user?.password = Sample.secret(password)
            let data = try #require(try await Sample.provision(node, .ubuntuCloudInit).text("user-data"))
            #expect(data.contains("hashed_passwd: \"\(password)\"") == passes)
        }
    }

    @Test func `a yescrypt hash is refused for HypriotOS, whose libc cannot check it`() async throws {
        var node = Sample.bare()
        node.user?.password = Sample.secret(try PasswordHash.crypt("x", setting: "$y$j9T$saltsaltsalt"), line: 7)
        _ = try await Sample.provision(node, .raspberryPiOSCloudInit)
        let report = try await Self.report(node, .hypriotCloudInit)
        #expect(report.errors.map(\.location?.line) == [7])
    }

    @Test func `a name of 32 bytes is taken by every flavour`() async throws {
        for flavour in Sample.flavours {
            var node = Sample.bare()
            node.wifi = .init(
                country: Sample.at("DE"), networks: [.init(ssid: Sample.at(String(repeating: "é", count: 16)))])
            _ = try await Sample.provision(node, flavour)
        }
    }

    @Test func `secrets that are not read leave placeholders`() async throws {
        var node = Sample.full()
        node.user?.password = Secret(.environment("PI_PASSWORD"), at: Sample.here)
        node.swarm?.token = Secret(.command(["pass", "token"]), at: Sample.here)
        let provision = try await Sample.provision(node, .raspberryPiOSCloudInit)
        #expect(provision.hasPlaceholders)
        #expect(provision.text("user-data")?.contains("passwd: \"<!env PI_PASSWORD>\"") == true)
        #expect(try await !Sample.provision(Sample.full(), .raspberryPiOSCloudInit).hasPlaceholders)
    }

    @Test func `a secret is marked in every file that holds it, in the form that it has there`() async throws {
        struct Vault: SecretReading {
            func read(_ secret: Secret) async throws(DiagnosticReport) -> SecretValue {
                if case .literal(let text) = secret.source { return .value(text) }
                return .value("-----BEGIN KEY-----\n\"top\\secret\"\n")
            }
        }
        var node = Sample.full()
        node.firstBoot.files = [
            .init(path: Sample.at("/etc/key.pem"), content: Secret(.file("/k"), at: Sample.here), mode: 0o600)
        ]
        for flavour in Sample.flavours {
            let provision = try await Sample.provision(node, flavour, secrets: Vault())
            let data = try #require(provision.bootFiles.first { $0.path == "user-data" })
            let quoted = String(YAML.quoted("-----BEGIN KEY-----\n\"top\\secret\"\n").dropFirst().dropLast())
            #expect(data.sensitive.contains(quoted))
            #expect(data.sensitive.contains { $0.hasPrefix("$6$") || $0.hasPrefix("$y$") })
            let token = try #require(provision.bootFiles.first { $0.path == "piflash/join-token" })
            #expect(token.sensitive == [Sample.token])
            #expect(String(decoding: token.contents, as: UTF8.self) == Sample.token + "\n")
            for file in provision.bootFiles where file.path != token.path {
                #expect(!String(decoding: file.contents, as: UTF8.self).contains(Sample.token))
                #expect(
                    !String(decoding: file.contents, as: UTF8.self).contains(
                        CloudConfig.base64(Array(Sample.token.utf8))))
            }
            let wifi = provision.bootFiles.first {
                $0.path == (flavour == .hypriotCloudInit ? "user-data" : "network-config")
            }
            #expect(wifi?.sensitive.contains(String(repeating: "0f", count: 32)) == true)
        }
    }

    @Test func `keys come one to a line, however the file was saved`() async throws {
        var node = Sample.bare()
        node.user?.sshAuthorizedKeys = [Sample.secret("\u{FEFF}# mine\r\n\(Sample.key)\r\n\r\n\(Sample.key)2 \r\n")]
        let data = try #require(try await Sample.provision(node, .ubuntuCloudInit).text("user-data"))
        #expect(data.contains("    - \"\(Sample.key)\"\n    - \"\(Sample.key)2\"\n"))
        #expect(data.contains("ssh_pwauth: false"))
    }

    static func report(_ node: Recipes.Node, _ flavour: OSProfile.Flavour) async throws -> DiagnosticReport {
        try #require(
            await #expect(throws: DiagnosticReport.self) { _ = try await Sample.provision(node, flavour) })
    }
}
