import Text
import Diagnostics
import Foundation
@testable import Recipes
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct RecipeValueTests {
    static let nasty = [
        "Café", "my \"net\" \\o/", " lead", "trail ", "it's", "$HOME", "`id`", "a#b", "x #y", "yes", "0123", "12:30",
        "null",
        "65;66;", "1;2", "-h", "😀 net", "~", "true", "1e3", "{{", "%h", "!env X", "&a", "*a", "- x", "a: b", "=",
    ]

    @Test(arguments: nasty)
    func `nasty names come through as they are`(_ name: String) throws {
        let quoted = JSONValue.string(name).prettyText.trimmingCharacters(in: .newlines)
        let node = try RecipeHarness.with("wifi: { country: DE, networks: [{ ssid: \(quoted) }] }\n").load().node
        #expect(node.wifi?.networks.map(\.ssid.value) == [name])
    }

    @Test(arguments: ["yes", "0123", "12:30", "null", "1_000", "0x1f", "2024-01-01", "1.10", "on"])
    func `plain words are what they look like`(_ word: String) throws {
        let node = try RecipeHarness.with("wifi: { country: NO, networks: [{ ssid: \(word) }] }\n").load().node
        #expect(node.wifi?.networks.map(\.ssid.value) == [word])
    }

    @Test func `daemon keys keep their types and their order`() throws {
        let node = try RecipeHarness.with(
            """
            docker:
              daemon:
                storage-driver: overlay2
                debug: true
                max-concurrent-downloads: 3
                log-opts: { max-size: "10m", max-file: "3" }
                default-address-pools: [{ base: 10.10.0.0/16, size: 24 }]

            """
        ).load().node
        #expect(
            node.docker.daemon.map(\.name.value)
                == ["storage-driver", "debug", "max-concurrent-downloads", "log-opts", "default-address-pools"])
        #expect(node.docker.daemon[2].value.value == .integer(3))
        #expect(
            node.docker.daemon[3].value.value
                == .object([.init("max-size", .string("10m")), .init("max-file", .string("3"))]))
    }

    @Test func `a recipe stands on others, key by key`() throws {
        let recipe = RecipeHarness(
            "extends: rack.yaml\nhostname: red01\nlocale: { keyboard: gb }\ndocker: { daemon: { \"+labels\": [slot=1] } }\n",
            [
                "rack.yaml":
                    "extends: [base/base.yaml]\nlocale: { keyboard: de, timezone: Europe/Berlin }\ndocker: { daemon: { labels: [rack=red] } }\n",
                "base/base.yaml":
                    "hostname: nobody\nuser: { name: pirate, ssh_authorized_keys: [!file id.pub] }\nimage: { source: ../x.img }\n",
            ])
        let node = try recipe.load().node
        #expect(node.hostname.value == "red01")
        #expect(node.locale.keyboard?.value == "gb")
        #expect(node.locale.timezone?.value == "Europe/Berlin")
        #expect(node.docker.daemon.first?.value.value == .array([.string("rack=red"), .string("slot=1")]))
        #expect(node.user?.sshAuthorizedKeys.map(\.source) == [.file("/work/base/id.pub")])
        #expect(node.image?.source.value == "/work/x.img")
        #expect(node.user?.name.location.file == "base/base.yaml")
    }

    @Test func `a circle of recipes is named`() {
        let errors = RecipeHarness("extends: a.yaml\n", ["a.yaml": "extends: r.yaml\n"]).errors()
        #expect(errors.count == 1)
        #expect(errors.first?.contains("r.yaml → a.yaml → r.yaml") == true)
    }

    @Test func `a missing base is reported where it is named`() {
        #expect(
            RecipeHarness("hostname: a\nextends: no.yaml\n").errors().first?.hasPrefix(
                "r.yaml:2:10: no.yaml: cannot be read") == true)
    }

    @Test func `the digest follows the meaning, not the layout, and no secret`() throws {
        func digest(_ text: String) throws -> String { try RecipeHarness.with(text).load().node.recipeDigest }
        let one = try digest("locale: { keyboard: de, lang: en_GB.UTF-8 }\n")
        #expect(try digest("# a remark\nlocale:\n  lang: en_GB.UTF-8\n  keyboard: \"de\"\n") == one)
        #expect(try digest("locale: { keyboard: gb, lang: en_GB.UTF-8 }\n") != one)
        func wifi(_ passphrase: String) throws -> String {
            try digest("wifi: { country: DE, networks: [{ ssid: a, passphrase: \(passphrase) }] }\n")
        }
        #expect(try wifi("12345678") == wifi("87654321"))
        #expect(try wifi("!env A") != wifi("!env B"))
    }

    /// The digest is on every card: with another one, every card would count as stale.
    @Test func `the digest of a recipe that has not changed stays the same`() throws {
        let recipe = RecipeHarness(
            """
            hostname: red01
            user: { name: pirate, password: hush, ssh_authorized_keys: ["\(RecipeHarness.key)", !file id.pub] }
            wifi:
              country: DE
              networks: [{ ssid: a, passphrase: "12345678" }, { ssid: b, passphrase: !command [pass, wifi] }]
            swarm: { managers: [10.0.0.1], token: \(RecipeHarness.token) }
            first_boot: { files: [{ path: /etc/motd, content: hello }] }

            """)
        #expect(
            try recipe.load().node.recipeDigest == "7fa3f6282861b7c733de4857e48fdab97585fe38231aa324b41cab22b062a9c1")
    }

    @Test func `no secret that is written out changes the digest, every other text does`() throws {
        func digest(_ password: String, _ token: String, _ key: String, _ content: String) throws -> String {
            try RecipeHarness(
                "hostname: red01\nuser: { name: pirate, password: \(password), ssh_authorized_keys: [\"\(key)\"] }\n"
                    + "swarm: { managers: [10.0.0.1], token: \(token) }\n"
                    + "first_boot: { files: [{ path: /etc/motd, content: \(content) }] }\n"
            ).load().node.recipeDigest
        }
        let (token, key) = (RecipeHarness.token, RecipeHarness.key)
        let one = try digest("a", token, key, "x")
        #expect(try digest("b", token, key, "x") == one)
        #expect(try digest("a", token.replacing("3pu6", with: "aaaa"), key, "x") == one)
        #expect(try digest("a", token, "no-pty " + key, "x") != one)
        #expect(try digest("a", token, key, "y") != one)
        #expect(try digest("!env A", token, key, "x") != one)
    }

    @Test func `secrets are read once, from where they say`() async throws {
        let scratch = ScratchDirectory()
        scratch.write("from a file\n", to: "secret")
        let reader = SecretReader(environment: ["A": "from the environment"]) {
            $0 == "question" ? "from a person" : nil
        }
        let here = Location(file: "r.yaml", line: 1, column: 1)
        func read(_ source: Secret.Source) async throws -> SecretValue {
            try await reader.read(Secret(source, at: here))
        }
        #expect(try await read(.environment("A")) == .value("from the environment"))
        #expect(try await read(.file(scratch["secret"].string)) == .value("from a file"))
        #expect(try await read(.prompt("question")) == .value("from a person"))
        // No shell: neither the variable nor the semicolon means anything.
        #expect(try await read(.command(["printf", "%s", "$HOME; id"])) == .value("$HOME; id"))
        scratch.write("#!/bin/sh\necho from a program\n", to: "program")
        #expect(try OutsideTool("chmod").run(["755", scratch["program"].string]).succeeded)
        #expect(try await read(.command([scratch["program"].string])) == .value("from a program"))
        scratch.write("changed", to: "secret")
        #expect(try await read(.file(scratch["secret"].string)) == .value("from a file"))
        let counting: Secret.Source = .command(["sh", "-c", "echo x >> \(scratch["count"]); echo done"])
        for _ in 0..<3 { #expect(try await read(counting) == .value("done")) }
        #expect(scratch.read("count") == Array("x\n".utf8))
    }

    /// The answers of a person who is asked for a new password, and what comes of them; nil for a refusal.
    @Test(
        arguments: [
            (["a", "a"], "a", ["Class", "Class, again"]),
            (
                ["a", "b", "c", "c"], "c",
                ["Class", "Class, again", "they are different; Class", "Class, again"]
            ),
            (["a", "b", "a", "b", "a", "b", "a", "a"], nil, []), (["a"], nil, []),
        ] as [([String], String?, [String])])
    func `a new password is asked for twice, three times at most`(
        _ answers: [String], value: String?, questions: [String]
    ) async throws {
        for rule: ValueRule in [.password, .passphrase] {
            let asked = Mutex<[String]>([])
            let reader = SecretReader(environment: [:], asksTwice: true) { question in
                asked.withLock {
                    $0.append(question)
                    return $0.count <= answers.count ? answers[$0.count - 1] : nil
                }
            }
            let here = Location(file: "r.yaml", line: 7, column: 13)
            let secret = Secret(.prompt("Class"), at: here, path: "user.password", rule: rule)
            if let value {
                #expect(try await reader.read(secret) == .value(value))
                #expect(asked.withLock { $0 } == questions)
                // Once for each run.
                #expect(try await reader.read(secret) == .value(value))
                #expect(asked.withLock { $0.count } == questions.count)
            } else {
                let report = await #expect(throws: DiagnosticReport.self) { try await reader.read(secret) }
                #expect(report?.errors.first?.location == here)
                #expect(report?.errors.first?.text.hasPrefix("user.password: !prompt \"Class\": ") == true)
                #expect(asked.withLock { $0.count } <= 6)
            }
        }
        // What exists already is asked for once.
        let reader = SecretReader(environment: [:], asksTwice: true) { $0 }
        let here = Location(file: "r.yaml", line: 7, column: 13)
        #expect(try await reader.read(Secret(.prompt("Token"), at: here, rule: .joinToken)) == .value("Token"))
    }

    @Test func `a secret that cannot be read says where it stands and never what it printed`() async throws {
        let reader = SecretReader(environment: [:]) { _ in nil }
        let here = Location(file: "r.yaml", line: 7, column: 13)
        for source: Secret.Source in [
            .environment("NO_SUCH"), .file("/no/such"), .command(["sh", "-c", "echo hush; exit 3"]),
            .command(["/no/such/program"]), .prompt("x"),
        ] {
            let mistakes = await #expect(throws: DiagnosticReport.self) {
                try await reader.read(Secret(source, at: here))
            }
            #expect(mistakes?.errors.map(\.location) == [here])
            #expect(mistakes?.description.contains("hush") == false)
        }
    }

    @Test func `the schema is one, and takes what the decoder takes`() throws {
        let scratch = ScratchDirectory()
        scratch.write(RecipeSchema.json(), to: "schema.json")
        scratch.write(
            """
            import json, sys, yaml, jsonschema
            schema = json.load(open(sys.argv[1]))
            jsonschema.Draft202012Validator.check_schema(schema)
            class Loader(yaml.SafeLoader): pass
            Loader.add_multi_constructor("!", lambda l, t, n: "secret")
            for line in sys.stdin.read().split("\\0"):
                errors = list(jsonschema.Draft202012Validator(schema).iter_errors(yaml.load(line, Loader)))
                print("bad" if errors else "good")
            """, to: "validate.py")
        let recipes = [
            "hostname: red01\nuser: { name: pirate, password: !env X, ssh_authorized_keys: [!file a] }\n",
            "extends: a.yaml\ndocker: { daemon: { \"+labels\": [a=b], x: 1 }, registry: { mirror: \"http://a\" } }\n",
            "swarm: { managers: [a], role: worker, token: \(RecipeHarness.token) }\nfirst_boot: { run: [a], \"+packages\": [bb] }\n",
            "hostnme: red01\n", "hostname: Red 01\n", "swarm: { role: boss }\n", "wifi: { country: d }\n",
        ]
        let result = try OutsideTool("/usr/bin/python3").run(
            [scratch["validate.py"].string, scratch["schema.json"].string],
            input: Array(recipes.joined(separator: "\0").utf8))
        #expect(
            result.text.split(separator: "\n") == ["good", "good", "good", "bad", "bad", "bad", "bad"],
            "\(result.errors)")
    }
}
