import Diagnostics
import Recipes
import TestSupport
import Testing

@Suite struct RecipeErrorTests {
    /// The third line is what each test is about; the place and the gist of the one error it must give.
    static let mistakes: [(text: String, place: String, gist: String)] = [
        ("hostnme: x", "3:1", "unknown key \"hostnme\" (did you mean \"hostname\"?)"),
        ("wifi: { country: de, networks: [] }", "3:18", "wifi.country: \"de\" is not a valid country"),
        ("wifi: { country: DE, networks: [{ ssid: \"123456789012345678901234567890123\" }] }", "3:41", "has 33"),
        ("wifi: { country: DE, networks: [{ ssid: a, passphrase: short }] }", "3:56", "this one has 5"),
        (
            "wifi: { country: DE, networks: [{ ssid: a, passphrase: \(String(repeating: "x", count: 64)) }] }", "3:56",
            "must be hex"
        ),
        ("wifi: { country: DE, networks: [{ ssid: a }, { ssid: a }] }", "3:54", "twice"),
        ("wifi: { country: DE, networks: [{ ssid: a, hidden: maybe }] }", "3:52", "expected true or false"),
        ("wifi: { country: DE }", "3:7", "wifi.networks: missing"),
        ("address: 192.168.50.0/24", "3:10", "network's own"),
        ("address: 192.168.50.11", "3:10", "is not a valid IPv4 address with its prefix length"),
        ("address: 192.168.050.11/24", "3:10", "is not a valid IPv4 address"),
        ("address: 192.168.50.11/24\nnetwork: { gateway: 192.168.51.1 }", "4:21", "is not another host"),
        ("network: { dns: [example.org] }", "3:18", "is not a valid IP address"),
        ("docker: { daemon: { labels: [!env X] } }", "3:30", "daemon.json cannot hold secrets"),
        ("docker: { registry: { mirror: \"http://user@host\" } }", "3:31", "is not a valid registry mirror"),
        ("docker: { proxy: {} }", "3:18", "no proxy is named"),
        ("network: { proxy: {} }", "3:19", "network.proxy: no proxy is named"),
        (
            "network: { proxy: { http: \"proxy:3128\" } }", "3:27",
            "network.proxy.http: \"proxy:3128\" is not a valid proxy"
        ),
        ("first_boot: { legacy_archive: maybe }", "3:31", "first_boot.legacy_archive: expected true or false"),
        ("docker: { install: apt }", "3:20", "must be one of auto, none, debian, convenience-script"),
        (
            "swarm: { managers: [192.168.50.300], token: \(RecipeHarness.token) }", "3:21",
            "is not a valid address of a manager"
        ),
        ("swarm: { managers: [a] }", "3:21", "neither a node of the rack nor an address"),
        ("swarm: { managers: [a, a.lan] }", "3:21", "neither a node of the rack nor an address"),
        ("swarm: { managers: [red01] }", "3:21", "has no fixed address"),
        ("swarm: { managers: [\"10.0.0.1:2378\"] }", "3:21", "Docker's own port"),
        ("swarm: { managers: [red01], role: worker }", "3:35", "is listed in swarm.managers"),
        ("swarm: { managers: [10.0.0.1], labels: { a b: c } }", "3:42", "is not a valid label"),
        ("swarm: { managers: [10.0.0.1], labels: { a: b c } }", "3:45", "placement constraint"),
        (
            "swarm: { managers: [10.0.0.1], stacks: [{ name: A, compose: x }] }", "3:49",
            "is not a valid name of a stack"
        ),
        ("swarm: { managers: [10.0.0.1], consul: 10.0.0.1 }", "3:40", "only with swarm.mode: classic"),
        ("swarm: { mode: clasic, managers: [10.0.0.1] }", "3:16", "did you mean \"classic\"?"),
        ("swarm: { mode: classic, managers: [] }", "3:8", "the list is empty"),
        ("swarm: { mode: classic, managers: [red00] }", "3:36", "neither a node of the rack nor an address"),
        ("swarm: { mode: classic, managers: [red01] }", "3:36", "has no fixed address, and a manager"),
        ("swarm: { mode: classic, managers: [red01], role: worker }", "3:50", "is listed in swarm.managers"),
        ("swarm: { mode: classic, managers: [\"10.0.0.1:2375\"] }", "3:36", "without a port"),
        ("swarm: { mode: classic, managers: [\"fd00::1\"] }", "3:36", "takes an IPv4 address or a name"),
        ("swarm: { mode: classic, managers: [10.0.0.1], consul: \"a.lan:8500\" }", "3:55", "without a port"),
        ("swarm: { mode: classic, managers: [10.0.0.1], consul: red01 }", "3:55", "and a Consul server"),
        (
            "swarm: { mode: classic, managers: [10.0.0.1], consul: laptop }", "3:55",
            "consul: \"laptop\" is neither a node"
        ),
        ("swarm: { mode: classic, managers: [10.0.0.1], token: \(RecipeHarness.token) }", "3:54", "does not have this"),
        ("swarm: { mode: classic, managers: [10.0.0.1], labels: { a: b } }", "3:55", "does not have this"),
        (
            "swarm: { mode: classic, managers: [10.0.0.1], availability: { worker: drain } }", "3:61",
            "does not have this"
        ),
        ("swarm: { mode: classic, managers: [10.0.0.1], stacks: [] }", "3:55", "does not have this"),
        (
            "swarm: { managers: [a], token: \(RecipeHarness.token), labels: { a: b } }",
            "3:\(42 + RecipeHarness.token.count)", "without swarm.token"
        ),
        ("swarm: { managers: [a], token: SWMTKN-1-abc }", "3:32", "is not a valid join token"),
        (
            "swarm: { managers: [a], token: \(RecipeHarness.token), role: boss }",
            "3:\(40 + RecipeHarness.token.count)", "must be one of"
        ),
        ("first_boot: { files: [{ path: etc/motd, content: x }] }", "3:31", "is not a valid absolute path"),
        ("first_boot: { files: [{ path: /etc/motd, content: x, mode: 0644 }] }", "3:60", "quoted octal"),
        ("first_boot: { files: [{ path: /a/../etc, content: x }] }", "3:31", "is not a valid absolute path"),
        ("first_boot: { files: [{ path: /tmp/a, content: x }] }", "3:31", "/tmp is empty at each boot"),
        ("first_boot: { files: [{ path: /a//b, content: x }] }", "3:31", "is not a valid absolute path"),
        ("first_boot: { files: [{ path: /a, content: x }, { path: /a, content: y }] }", "3:57", "/a appears twice"),
        (
            "first_boot: { files: [{ path: /a/b, content: x }, { path: /a, content: y }] }", "3:31",
            "/a cannot be a file and also the directory of /a/b"
        ),
        (
            "first_boot: { files: [{ path: /boot/A.txt, content: x }, { path: /boot/a.TXT, content: y }] }", "3:66",
            "appears twice"
        ),
        ("first_boot: { files: [{ path: /boot/a, content: x, owner: pirate }] }", "3:59", "FAT, which has no owners"),
        ("first_boot: { files: [{ path: /boot/a, content: x, mode: \"0600\" }] }", "3:58", "FAT, which has no owners"),
        ("first_boot: { files: [{ path: /srv/a, content: x, owner: 65534 }] }", "3:58", "65534 is too large"),
        ("first_boot: { files: [{ path: /srv/a, content: x, group: \"a:b\" }] }", "3:58", "as two keys"),
        (
            "first_boot: { files: [{ path: ~/a, content: x }, { path: /home/pirate/a, content: y }] }", "3:58",
            "/home/pirate/a appears twice"
        ),
        ("first_boot: { packages: [\"a; rm\"] }", "3:26", "is not a valid package name"),
        ("image: { source: http://example.org/x.img }", "3:18", "is a URL: download it"),
        ("image: { source: https://example.org/x.img }", "3:18", "is a URL: download it"),
        ("image: { source: x.img, sha256: abc }", "3:33", "is not a valid SHA-256"),
        ("image: { sha256: \(String(repeating: "a", count: 64)) }", "3:8", "image.source: missing"),
        ("locale: { timezone: \"Europe Berlin\" }", "3:21", "is not a valid time zone"),
        ("locale: [de]", "3:9", "expected a map of keys, this is a list"),
        ("addresses: 10.0.0.1/24", "3:1", "only in a recipe with nodes"),
        ("first_boot: { run: [\"echo {{nod}}\"] }", "3:21", "there is no variable {{nod}} (did you mean \"node\"?)"),
        ("first_boot: { run: [!env X] }", "3:21", "!env is not allowed here"),
        ("first_boot: { run: }", "3:20", "expected a list, this is nothing"),
        ("wifi: { country: DE, networks: [{ ssid: a, passphrase: !secret x }] }", "3:56", "unknown tag !secret"),
    ]

    @Test(arguments: mistakes.indices)
    func `every mistake is found at its place`(_ index: Int) {
        let mistake = Self.mistakes[index]
        let errors = RecipeHarness.with(mistake.text + "\n").errors()
        #expect(errors.count == 1, "\(errors)")
        #expect(errors.first?.hasPrefix("r.yaml:\(mistake.place): ") == true, "\(errors)")
        #expect(errors.first?.contains(mistake.gist) == true, "\(errors)")
    }

    @Test(arguments: [
        ("", "is empty"), ("- a\n- b\n", "a recipe is a map"), ("a: [\n", "not valid YAML"),
        ("hostname: a\nhostname: b\n", "twice"),
        ("hostname: &a [*a]\n", "alias"),
        ("hostname: Red\nuser: { name: root, password: x }\n", "not a valid host name"),
        ("user: { name: pirate }\n", "hostname: missing"),
        ("hostname: a\nuser: { name: pirate }\n", "nobody could log in"),
        ("hostname: a\nuser: { name: staff, password: x }\n", "a user or a group of the system itself"),
        ("hostname: a\nuser: { name: 123, password: x }\n", "is not a valid user name"),
        ("hostname: a\nuser: { name: b, password: x, sudo: never }\n", "must be one of passwordless, password, none"),
        ("hostname: a\nuser: { name: b, password: x, sudo: none, groups: [sudo] }\n", "but user.sudo is none"),
        ("hostname: a\nuser: { name: b, password: x, ssh_password: maybe }\n", "expected true or false"),
        (
            "hostname: a\nuser: { name: b, ssh_authorized_keys: [\"\(RecipeHarness.key)\"], ssh_password: true }\n",
            "ssh_password: true, but there is no password"
        ),
        ("hostname: a\nuser: { name: b, password: \"${PI_PASSWORD}\" }\n", "write !env PI_PASSWORD"),
        ("hostname: a\nuser: { name: b, password: \"${PW:-x}\" }\n", "write !env PW"),
        ("hostname: a\nuser: { name: b, password: $PI_PASSWORD }\n", "write !env PI_PASSWORD"),
        ("hostname: a\nuser: { name: b, password: \"%PW%\" }\n", "write !env PW"),
        ("hostname: a\nuser: { name: b, password: $(pass show pi) }\n", "write !command"),
        ("hostname: a\nuser: { name: b, password: \"!env PI_PASSWORD\" }\n", "without the quotes"),
        (
            "hostname: a\nuser: { name: b, password: x }\nwifi: { country: DE, networks: [{ ssid: a, passphrase: \"${WIFI_KEY}\" }] }\n",
            "write !env WIFI_KEY"
        ),
        (
            "hostname: a\nuser: { name: b, password: x }\nswarm: { managers: [10.0.0.1], token: \"${TOKEN}\" }\n",
            "write !env TOKEN"
        ),
    ])
    func `a file that is no recipe is said to be none`(_ text: String, _ gist: String) {
        let errors = RecipeHarness(text).errors()
        #expect(errors.contains { $0.contains(gist) }, "\(errors)")
        #expect(errors.allSatisfy { $0.hasPrefix("r.yaml:") })
    }

    @Test(arguments: [
        ("hostname: a\n", "1:1", "user: missing"),
        (
            "hostname: a\nuser: { name: b, password: c }\nwifi: { networks: [{ ssid: d }] }\n", "3:7",
            "wifi.country: missing"
        ),
    ])
    func `what is worth a warning has its place`(_ text: String, _ place: String, _ gist: String) throws {
        let warnings = try RecipeHarness(text).load().warnings.map(\.description)
        #expect(warnings.count == 1, "\(warnings)")
        #expect(warnings.first?.hasPrefix("r.yaml:\(place): warning: \(gist)") == true, "\(warnings)")
    }

    @Test func `all mistakes come at once`() {
        let errors = RecipeHarness(
            "hostname: Red_1\nuser: { name: Root, password: !env P }\nwifi: { country: d, networks: [] }\nfoo: 1\n"
        ).errors()
        #expect(errors.count == 4)
    }

    @Test func `no error shows a secret that is written out`() {
        let recipe = RecipeHarness.with(
            "wifi: { country: DE, networks: [{ ssid: a, passphrase: hush }] }\nswarm: { managers: [a], token: SWMTKN-hush }\n"
        )
        #expect(recipe.errors().count == 2)
        #expect(!recipe.errors().joined().contains("hush"))
    }

    @Test func `any text at all gives a recipe or errors with places, never a crash`() {
        let good =
            RecipeHarness.with(
                "wifi: { country: DE, networks: [{ ssid: \"Café 2\", passphrase: !env X, hidden: true }] }\n"
                    + "docker: { daemon: { labels: [a=b], log-opts: { max-file: \"3\" } } }\nfirst_boot: { run: [\"a: b\"] }\n"
            ).files["r.yaml"] ?? ""
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("abc:-[]{}!&*#'\"|>%@`\n\t ,?~0é😀")
        for _ in 0..<400 {
            var text = Array(good)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<text.count, using: &random)
                if Bool.random(using: &random) {
                    text[at] = alphabet.randomElement(using: &random) ?? "x"
                } else {
                    text.remove(at: at)
                }
            }
            for error in RecipeHarness(String(text)).errors() { #expect(error.hasPrefix("r.yaml:"), "\(error)") }
        }
    }
}
