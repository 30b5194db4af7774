import Diagnostics
import Recipes
import Systems
import Testing

@testable import Provisioning

/// Values and networks that only the image can judge.
@Suite struct ImageValueTests {
    private static let debian = Sample.debian

    /// An image's root partition with these packages, zones, locales and keyboards.
    private static func root(
        _ packages: [String] = [], resolver: String? = nil, count: Int = 300
    ) -> RootSnapshot {
        var tree = RootTree(debian)
        tree.packages = Dictionary(uniqueKeysWithValues: (["base-files"] + packages).map { ($0, "1") })
        tree.file("de_DE.UTF-8 UTF-8\nen_GB.UTF-8 UTF-8\nxx_YY.UTF-8 UTF-8\n", RootPath.supportedLocales)
        tree.file(
            "! model\n  pc105  PC\n\n! layout\n  de  German\n  gb  English\n\n! variant\n  nodeadkeys  de: German\n",
            RootPath.keyboardRules)
        if let resolver { tree.file(resolver, RootPath.resolver) }
        var root = tree.asRead
        root.timeZones = Set(KnownTimeZones.list.names).subtracting(["US/Pacific", "Europe/Kyiv", "Europe/Kyev"])
        root.packageCount = count
        return root
    }

    private static func problems(
        _ node: Node, _ root: RootSnapshot? = ImageValueTests.root(["locales", "avahi-daemon"])
    ) -> [String] {
        RecipeChecks.report(node, profile: debian.profile, root: root).diagnostics.map(\.text)
    }

    private static func locale(_ zone: String? = nil, _ lang: String? = nil, _ keyboard: String? = nil) -> Node {
        var node = Sample.bare()
        node.locale = Node.Locale(
            timezone: zone.map { Sample.at($0) }, lang: lang.map { Sample.at($0) },
            keyboard: keyboard.map { Sample.at($0) })
        return node
    }

    @Test func `what the image has is accepted, also what no list knows`() {
        #expect(Self.problems(Self.locale("Europe/Berlin", "xx_YY.UTF-8", "de(nodeadkeys)")) == [])
        #expect(Self.problems(Self.locale(nil, "C.UTF-8")) == [])
    }

    @Test(arguments: [
        (locale("US/Pacific"), "time zone \"US/Pacific\" (did you mean America/Los_Angeles?)"),
        (locale("Europe/Kyiv"), "time zone \"Europe/Kyiv\" (did you mean Europe/Kiev?)"),
        (locale(nil, "fr_FR.UTF-8"), "the image does not have the locale \"fr_FR.UTF-8\""),
        (locale(nil, nil, "de(neo)"), "the image does not have the keyboard layout \"de(neo)\""),
    ])
    func `what the image does not have is refused, with what it has`(_ node: Node, _ part: String) {
        let problems = Self.problems(node)
        #expect(problems.count == 1 && problems[0].contains(part), "\(problems)")
    }

    @Test func `without the image the lists decide`() {
        var node = Self.locale("Mars/Olympus_Mons", "xx_YY.UTF-8", "xx")
        node.address = Sample.at(Node.StaticAddress(address: "192.168.50.11", prefixLength: 24))
        let problems = Self.problems(node, RootTree(Self.debian).asRead)
        #expect(problems.count == 3)
        #expect(problems.allSatisfy { $0.contains("is not a valid") }, "\(problems)")
    }

    @Test func `an image without locale-gen is warned of, unless the recipe installs it`() {
        var node = Self.locale(nil, "de_DE.UTF-8", "de")
        let problems = Self.problems(node, Self.root(["avahi-daemon"]))
        #expect(problems.count == 1 && problems[0].contains("add locales"), "\(problems)")
        #expect(Self.problems(node, Self.root(["avahi-daemon"], count: 5)) == [])
        node.firstBoot.packages = [Sample.at("locales")]
        #expect(Self.problems(node, Self.root(["avahi-daemon"])) == [])
    }

    @Test func `a handful of time zones is not all that an image has`() {
        var root = Self.root(["avahi-daemon", "locales"])
        root.timeZones = ["Europe/Berlin"]
        #expect(Self.problems(Self.locale("Asia/Tokyo"), root) == [])
    }

    // MARK: NAME.local

    @Test func `a node that nothing finds by its name is warned of`() {
        var node = Sample.bare()
        let problems = Self.problems(node, Self.root())
        #expect(
            problems.count == 1 && problems[0].contains("nothing on the image answers to red01.local"), "\(problems)")
        #expect(Self.problems(node, Self.root(["avahi-daemon"])) == [])
        #expect(Self.problems(node, Self.root(resolver: "[Resolve]\n#MulticastDNS=no\nMulticastDNS = yes\n")) == [])
        #expect(Self.problems(node, Self.root(resolver: "[Resolve]\n#MulticastDNS=yes\n")).count == 1)
        node.firstBoot.packages = [Sample.at("avahi-daemon")]
        #expect(Self.problems(node, Self.root()) == [])
        node.firstBoot.packages = []
        node.address = Sample.at(Node.StaticAddress(address: "192.168.50.11", prefixLength: 24))
        #expect(Self.problems(node, Self.root()) == [])
    }

    @Test(arguments: SettingsTable.columns)
    func `without a list of packages, what the vendor's images have decides`(_ column: SettingsTable.Column) {
        let isSilent = ["Ubuntu Server", "DietPi", "Debian", "Without a first boot of its own"].contains(column.title)
        for root in [nil, RootTree(column).asRead] {
            #expect(column.profile.answersLocalNames(root) == !isSilent)
        }
        var stripped = RootTree(column).asRead
        stripped.packageCount = 300
        #expect(!column.profile.answersLocalNames(stripped))
    }

    // MARK: An address without a name server

    private static func fixed(
        _ change: (inout Node) -> Void = { _ in }, gateway: String? = "192.168.50.1", dns: [String] = []
    ) -> Node {
        var node = Sample.bare()
        node.address = Sample.at(Node.StaticAddress(address: "192.168.50.11", prefixLength: 24), line: 5)
        node.network = Node.Network(gateway: gateway.map { Sample.at($0) }, dns: dns.map { Sample.at($0) })
        change(&node)
        return node
    }

    private static let fetching: [@Sendable (inout Node) -> Void] = [
        { $0.firstBoot.packages = [Sample.at("git")] },
        {
            $0.docker.install = Sample.at(.debian); $0.docker.location = Sample.here
        },
        { $0.firstBoot.run = [Sample.at("set -e; curl -fsS https://example.org | sh")] },
        { $0.docker.registry = .init(mirror: Sample.at("http://mirror.lan:5000"), insecure: true) },
        {
            $0.docker.location = Sample.here
            $0.swarm = Node.Swarm(
                managers: [Sample.at("manager.lan")], role: .worker, token: Sample.secret(Sample.token),
                location: Sample.here)
        },
    ]

    @Test(arguments: fetching.indices)
    func `an address without a name server is warned of where the first boot fetches something`(_ index: Int) {
        let warnings = Self.problems(Self.fixed(Self.fetching[index]))
        #expect(warnings.count == 1 && warnings[0].contains("add network.dns: [192.168.50.1]"), "\(warnings)")
        #expect(Self.problems(Self.fixed(Self.fetching[index], dns: ["192.168.50.1"])) == [])
    }

    @Test func `an address alone, or beside Wi-Fi by DHCP, is fine`() {
        #expect(Self.problems(Self.fixed()) == [])
        #expect(Self.problems(Self.fixed { $0.firstBoot.run = [Sample.at("echo curly")] }) == [])
        let head = Self.fixed(
            {
                $0.firstBoot.packages = [Sample.at("git")]
                $0.wifi = Node.WiFi(country: Sample.at("DE"), networks: [.init(ssid: Sample.at("home"))])
                $0.network.interface = Sample.at(.wired)
            }, gateway: nil)
        #expect(Self.problems(head) == [])
    }

    @Test func `a proxy in the node's own network finds names and the way out`() {
        func problems(_ url: String) -> [String] {
            Self.problems(
                Self.fixed(
                    {
                        $0.firstBoot.packages = [Sample.at("git")]
                        $0.network.proxy = .init(http: Sample.at(url), location: Sample.here)
                    }, gateway: nil))
        }
        #expect(problems("http://192.168.50.2:3128") == [])
        #expect(problems("http://proxy.lan:3128").map { $0.contains("add network.dns") } == [true])
        #expect(problems("http://10.0.0.1:3128").map { $0.contains("add network.gateway") } == [true])
    }

    @Test func `an address without a gateway is warned of where something is fetched from the Internet`() {
        let node = Self.fixed({ $0.firstBoot.packages = [Sample.at("git")] }, gateway: nil, dns: ["192.168.50.1"])
        let warnings = Self.problems(node)
        #expect(warnings.count == 1 && warnings[0].contains("add network.gateway"), "\(warnings)")
        let far = Self.problems(Self.fixed(gateway: nil, dns: ["9.9.9.9"]))
        #expect(far.count == 1 && far[0].contains("9.9.9.9 is outside of the node's network"), "\(far)")
    }
}
