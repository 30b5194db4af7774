import Foundation
import SystemPackage
import TestSupport
import Testing
import Text

@testable import Recipes

/// The rules of the table of keys, held against examples and against python3-jsonschema as an oracle.
@Suite struct ValueRuleTests {
    /// Values of one rule.
    struct Examples: Sendable, CustomTestStringConvertible {
        let rule: ValueRule
        let good: [String]
        /// What the decoder and the pattern refuse.
        let bad: [String]
        /// What only the decoder refuses, because no pattern can say why.
        var unsaid: [String] = []

        var testDescription: String { rule.name }
    }

    private static func times(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    static let all: [Examples] = [
        Examples(
            rule: .hostname, good: ["a", "red01", "a-b", "0", times("a", 63)],
            bad: ["", "-a", "a-", "Red", "a.b", "a_b", "é", "a b", times("a", 64), "a\n", "a\u{301}"]),
        Examples(
            rule: .userName, good: ["pi", "pirate-1", "rooted", times("a", 32)],
            bad: ["", "root", "1a", "-a", "Pi", "a_b", "é", times("a", 33), "root\n"],
            unsaid: ["staff", "daemon", "www-data", "docker", "systemd-network", "gpio"]),
        Examples(
            rule: .groupName, good: ["docker", "_ssh", "a-b_1", times("a", 32)],
            bad: ["", "1a", "-a", "A", "a b", times("a", 33)]),
        Examples(
            rule: .country, good: ["DE", "US"], bad: ["", "de", "D", "DEU", "D1", "ÄÖ"], unsaid: ["UK", "EU", "XX"]),
        Examples(
            rule: .ssid, good: ["a", "Café 2", " x ", times("x", 32), times("é", 16)],
            bad: ["", times("x", 33), "a\nb", "a\u{7F}"], unsaid: [times("é", 17), times("😀", 9)]),
        Examples(
            rule: .timeZone, good: ["Europe/Berlin", "UTC", "Etc/GMT+1", "America/Argentina/Ushuaia"],
            bad: ["", "Europe Berlin", "/UTC", "UTC/", "a//b", "../etc", "é"],
            unsaid: ["Europe/Berln", "europe/berlin", "Berlin", "US/Pacifc"]),
        Examples(
            rule: .language, good: ["en_GB.UTF-8", "C", "C.UTF-8", "POSIX", "de_DE@euro", "ast_ES", "sr_RS@latin"],
            bad: ["", "EN", "en_gb", "en-GB", "en_GB.", "C.utf8", "x"],
            unsaid: ["de", "de_DE.utf8", "de_DE.UTF8", "de_DF.UTF-8"]),
        Examples(
            rule: .keyboard, good: ["de", "gb", "latam", "de(nodeadkeys)", "us(intl)"],
            bad: ["", "d", "DE", "de-latin1", "ninechars", "de nodeadkeys", "de(", "de()"],
            unsaid: ["uk", "en", "xx", "de(nodeadkey)", "gb(nodeadkeys)"]),
        Examples(
            rule: .packageName, good: ["docker.io", "g++", "libc6", "avahi-daemon=0.8-10+deb12u1", "ab=1:2~3"],
            bad: ["", "a", "A1", "a; rm", "-ab", "ab=", "a b"]),
        Examples(
            rule: .filePath,
            good: [
                "/etc/motd", "/a", "/a/..b", "/a/b..", "/a b", "/é", "~/a", "/runner/a", "/var/tmp/a", "/a/.b", "/...",
            ],
            bad: [
                "", "etc/motd", "/", "/a/", "/..", "/../a", "/a/../b", "/a/..", "..", "../a", "//a", "/a//b", "/a\nb",
                "/a\tb", "/a/./b", "/.", "~", "~/", "~a/b", "~/../a",
            ],
            unsaid: [
                "/run/a", "/tmp/a", "/proc/a", "/sys/a", "/dev/a", "/var/run/a", "/var/lock/a", "/tmp", "/run/user/1/a",
            ]),
        Examples(
            rule: .account, good: ["root", "0", "65533", "Debian-snmp", "www-data", "_ssh", "a.b"],
            bad: ["", "01", "-1", "1a", "a b", "123456", "é", "+1"], unsaid: ["65534", "99999"]),
        Examples(rule: .fileMode, good: ["644", "0644", "0000"], bad: ["", "0o644", "64", "888", "00644", "u+x"]),
        Examples(
            rule: .sha256, good: [times("a", 64), times("0F", 32)], bad: ["", times("a", 63), times("g", 64)]),
        Examples(
            rule: .localPath, good: ["a.deb", "../a b.tar", "/é", "a\u{301}"], bad: [],
            unsaid: ["a\nb", "\u{1B}[2J", "a\u{9B}", "a\u{7F}"]),
        Examples(rule: .imagePath, good: ["x.img", "../a b.zip", "/é"], bad: [], unsaid: ["http://a/x.img", "a://b"]),
        Examples(
            rule: .gateway, good: ["0.0.0.0", "192.168.50.1", "255.255.255.255", "10.0.0.10", "fd00::1", "fe80::1"],
            bad: [
                "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.04", "a.b.c.d", "1.2.3.4/24", "1.2.3.4\n",
                "fe80::1%eth0", "[fd00::1]", "fd00::1/64",
            ], unsaid: ["::", "::ffff:1.2.3.4", "ff02::1", ":::", "1:2"]),
        Examples(
            rule: .nameServer, good: ["9.9.9.9", "fd00::1", "127.0.0.1", "::1", "2001:db8:0:0:0:0:0:1", "fe80::1"],
            bad: ["", "example.org", "fe80::1%eth0", "[fd00::1]", "1.2.3", "1.2.3.256", "...."],
            unsaid: [":::", "1:2", "::", "::ffff:1.2.3.4", "ff02::1"]),
        Examples(
            rule: .nodeAddress,
            good: [
                "192.168.50.11/24", "10.0.0.1/8", "10.0.0.1/30", "1.2.3.4/1", "fd00::11/64", "2001:DB8::5/48",
                "fd00::1/128", "fd00::/127",
            ],
            bad: [
                "", "10.0.0.1", "10.0.0.1/0", "10.0.0.1/31", "10.0.0.1/32", "10.0.0.1/024", "10.0.01.1/24", "a/24",
                "fd00::1", "fd00::1/0", "fd00::1/129", "fd00::1/064", "fe80::1%eth0/64",
            ],
            unsaid: [
                "10.0.0.0/24", "10.0.0.255/24", "10.0.0.3/30", "fd00::/64", "fe80::11/64", "ff02::1/64", "::1/128",
                "::ffff:10.0.0.1/96", "fd00:::1/64",
            ]),
        Examples(
            rule: .manager,
            good: [
                "10.0.0.1", "10.0.0.1:2377", "red01", "red00.local", "RED.lan:1", "fd00::1", "[fd00::1]",
                "[fd00::1]:2377",
                "a:65535",
            ],
            bad: ["", "a b", "$(id)", "-x", "é", "a_b", "a/b", "http://a"],
            unsaid: ["a:0", "a:65536", "a:", "10.0.0.300", "1.2.3", "[red01]:1", "[fd00::1", "a..b", "a-", "[::1]2377"]),
        Examples(
            rule: .mirror,
            good: [
                "http://a", "https://mirror.example.org", "http://192.168.50.2:5000", "http://[fd00::1]:5000",
                "http://[fd00::1]", "https://a:65535",
            ],
            bad: [
                "", "a:5000", "ftp://a", "http://", "http://user@host", "http://a/path", "http://a/", "http://a b",
                "http://a?x", "HTTP://a", "http://fd00::1", "https:///x",
            ], unsaid: ["http://a:0", "http://a:70000", "http://1.2.3.400", "http://a..b"]),
        Examples(
            rule: .proxy,
            good: [
                "http://p:3128", "https://p", "http://u:a%20b@p:1/", "http://[fd00::1]:1", "http://u:%C3%A4~!*+,=.-_@p",
            ],
            bad: [
                "", "p:3128", "socks5://p", "http://u p@h", "http://p/x", "http://u\"@p", "http://u\u{1}@p",
                "http://-p", "http://u:a#b@p", "http://u:a?b@p", "http://u:ä@p", "http://u:100%@p", "http://u:$x@p",
                "http://a\u{600}';touch${IFS}PWN;echo\u{600}'@p", "http://a\u{600}\" \"X=b@p", "http://u:`id`@p",
                "http://u:a&b@p", "http://u:a;b@p", "http://u:(a)@p", "http://\u{1B}@p", "http://\u{9B}@p",
                "http://p\u{301}",
                "http://\u{430}.org",
            ]),
        Examples(
            rule: .directHost,
            good: ["*", "host", ".example.org", "10.0.0.0/8", "fd00::/8", "[fd00::1]", "*.lan", "h:80"],
            bad: ["", "a b", "a,b", "-a", "a/", "a/1234"]),
        Examples(
            rule: .labelKey, good: ["a", "a.b/c-d_e", times("a", 128)], bad: ["", "-a", "a-", "a b", times("a", 129)]),
        Examples(
            rule: .labelValue, good: ["a", ":_.+@/-", times("x", 128)], bad: ["", "a b", "é", times("x", 129)]),
        Examples(
            rule: .stackName, good: ["web", "a_b-1", "0", times("a", 63)], bad: ["", "A", "-a", "a.b", times("a", 64)]),
        Examples(
            rule: .swarmNetworkName, good: ["traefik", "A_b.c-1", "ingress2", times("a", 63)],
            bad: ["", "-a", "a b", "a,b", "ingress", "host", "docker_gwbridge", times("a", 64)]),
        Examples(
            rule: .addressPool, good: ["10.201.0.0/16", "172.30.5.0/24", "10.0.0.0/8"],
            bad: ["", "10.0.0.0", "10.0.0.0/25", "fd00::/8", "10.0.0.0/0"],
            unsaid: ["10.201.0.1/16", "127.0.0.0/8", "224.0.0.0/8", "10.300.0.0/16"]),
        Examples(
            rule: .subnet, good: ["10.201.7.0/24", "172.30.0.0/28"], bad: ["", "10.0.0.0", "10.0.0.0/31", "x/24"],
            unsaid: ["10.201.7.1/24", "0.0.0.0/8"]),
        Examples(
            rule: .certificateLife, good: ["365d", "1h", "2160h", "7300d"], bad: ["", "0d", "90", "1y", "-1d", "1.5d"],
            unsaid: ["7301d", "175201h"]),
    ]

    /// All rules of texts in the table of keys.
    private static func rules(of shape: RecipeShape) -> Set<ValueRule> {
        switch shape {
        case .text(let rule): [rule]
        case .list(let item), .oneOrMore(let item): rules(of: item)
        case .map(let keys): keys.reduce(into: []) { $0.formUnion(rules(of: $1.shape)) }
        case .flag, .choice, .taggable, .taggableMap, .free: []
        }
    }

    @Test func `every rule of the table of keys has examples here`() {
        let known = Set(Self.all.map(\.rule))
        #expect(known.count == Self.all.count)
        #expect(Self.rules(of: .recipe).subtracting([.text]).isSubset(of: known))
    }

    @Test(arguments: all)
    func `the decoder takes what is valid and refuses the rest`(_ examples: Examples) {
        for text in examples.good { #expect(examples.rule.problem(with: text) == nil, "\(text.debugDescription)") }
        for text in examples.bad + examples.unsaid + examples.good.map({ $0 + "\0" }) {
            #expect(examples.rule.problem(with: text) != nil, "\(text.debugDescription)")
        }
    }

    @Test func `the schema's patterns agree with the decoder`() throws {
        // Python's "$" also matches before a final line end, ECMA-262's does not.
        let program = """
            import json, sys, jsonschema
            def pattern(validator, pattern, instance, schema):
                import re
                if not re.search(pattern.replace("$", r"\\Z"), instance):
                    yield jsonschema.ValidationError("no match")
            checker = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": pattern})
            answers = []
            for question in json.load(sys.stdin):
                checker.check_schema({"pattern": question["pattern"]})
                validator = checker({"type": "string", "pattern": question["pattern"]})
                answers.append([validator.is_valid(value) for value in question["values"]])
            print(json.dumps(answers))
            """
        let patterned = Self.all.filter { $0.rule.pattern != nil }
        struct Question: Encodable {
            let pattern: String
            let values: [String]
        }
        let questions = try JSONEncoder().encode(
            patterned.map {
                Question(pattern: $0.rule.anchoredPattern ?? "", values: $0.good + $0.bad + $0.unsaid)
            })
        let result = try OutsideTool("python3").run(["-c", program], input: Array(questions))
        let answers = try JSONDecoder().decode([[Bool]].self, from: Data(result.output))
        #expect(answers.count == patterned.count, "\(result.errors)")
        for (examples, answers) in zip(patterned, answers) {
            let expected =
                examples.good.map { ($0, true) } + examples.bad.map { ($0, false) } + examples.unsaid.map { ($0, true) }
            for ((text, isValid), answer) in zip(expected, answers) {
                #expect(answer == isValid, "\(examples.rule.name): \(text.debugDescription)")
            }
        }
    }

    @Test func `random texts get the same verdict from the pattern and the decoder, where a pattern says all`() throws {
        let alphabet = Array("aZ09-_./:@ é\n\t\"[]%+=*").map(String.init)
        var random = SystemRandomNumberGenerator()
        let texts = (0..<500).map { _ in
            (0..<Int.random(in: 0...6, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "" }
                .joined()
        }
        let patterned = Self.all.filter { $0.unsaid.isEmpty && $0.rule.pattern != nil }
        let question = try JSONEncoder().encode([patterned.map { $0.rule.anchoredPattern ?? "" }, texts])
        let program = """
            import json, re, sys
            patterns, texts = json.load(sys.stdin)
            print(json.dumps([[bool(re.search(p.replace("$", r"\\Z"), t)) for t in texts] for p in patterns]))
            """
        let result = try OutsideTool("python3").run(["-c", program], input: Array(question))
        let answers = try JSONDecoder().decode([[Bool]].self, from: Data(result.output))
        for (examples, answers) in zip(patterned, answers) {
            for (text, answer) in zip(texts, answers) {
                #expect(
                    answer == (examples.rule.problem(with: text) == nil),
                    "\(examples.rule.name): \(text.debugDescription)")
            }
        }
    }

    @Test func `a message names what is wrong, and a secret's message never shows it`() {
        #expect(
            ValueRule.hostname.problem(with: "Red_1")
                == "\"Red_1\" is not a valid host name (1 to 63 of a-z, 0-9 and \"-\", without \"-\" at either end)")
        #expect(ValueRule.userName.problem(with: "root")?.contains("an ordinary user") == true)
        #expect(ValueRule.nodeAddress.problem(with: "10.0.0.0/24")?.contains("network's own") == true)
        for rule: ValueRule in [.password, .passphrase, .joinToken, .authorizedKeys] {
            for text in ["hush\n", "hush", times("hush", 200), "hush PRIVATE KEY"] {
                #expect(rule.problem(with: text)?.contains("hush") != true)
            }
        }
    }

    private func times(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    @Test func `the schema lets a variable stand for any value`() throws {
        let scratch = ScratchDirectory()
        scratch.write(RecipeSchema.json(), to: "schema.json")
        let program = """
            import json, sys, jsonschema
            validator = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
            print([validator.is_valid(recipe) for recipe in json.load(sys.stdin)])
            """
        let recipes = """
            [{"nodes": "a[1-2]", "user": {"name": "{{login}}", "groups": ["{{ group }}", "docker"]}},
             {"network": {"gateway": "192.168.{{index}}.1"}}, {"user": {"name": "{{.Name}}"}},
             {"user": {"name": "x", "groups": ["Docker"]}}, {"network": {"dns": ["example.org"]}},
             {"first_boot": {"files": [{"path": "etc/motd"}]}}, {"docker": {"registry": {"mirror": "http://a/b"}}}]
            """
        let result = try OutsideTool("python3").run(
            ["-c", program, scratch["schema.json"].string], input: Array(recipes.utf8))
        #expect(result.text == "[True, True, False, False, False, False, False]\n", "\(result.errors)")
    }
}
