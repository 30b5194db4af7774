import Diagnostics
import Filesystems
import Foundation
import Recipes
import Systems
import Testing
import Text

@testable import Provisioning

@Suite struct SettingsTableTests {
    /// The place of the setting under test in its recipe.
    private static let line = 77

    @Test(arguments: Sample.columns)
    func `each setting is taken the way that the table says`(_ column: SettingsTable.Column) async throws {
        let support = SettingsTable.support(column.profile)
        for setting in Setting.allCases {
            let (with, without) = Self.pair(setting, boot: column.profile.bootMountPoint)
            let later: Int64 = setting == .clock ? 30 * 86_400 : 0
            let comment = Comment(rawValue: "\(setting.title) on \(column.title)")
            if case .impossible = support[setting] {
                let lines = try await Sample.errors(with, column).map(\.location?.line)
                #expect(lines == [Self.line], comment)
                continue
            }
            let a = try await Sample.provision(with, column)
            let b = try await Sample.provision(without, column, flashTime: Sample.flashTime + later)
            let isOther = Self.bootFiles(a) != Self.bootFiles(b)
            switch support[setting] {
            case .native where setting == .hiddenNetwork && column.profile.flavour == .dietPi:
                // It looks for every network as if it were hidden.
                #expect(!isOther)
            case .native:
                // What is not for all to read is in the root partition, and so is the switch of the radio.
                let hidden = (a: Self.hiddenFiles(a), b: Self.hiddenFiles(b))
                #expect(isOther || hidden.a != hidden.b, comment)
                // Both partitions may have a clock.
                var allowed = Set(hidden.a.union(hidden.b).map(\.edit.path)).union([RootPath.networkManagerState])
                // In the root partition, too, since a power cut can leave custom.toml unread for good.
                if column.profile.flavour == .raspberryPiOSCustomTOML {
                    allowed.formUnion([
                        RootPath.hostname, RootPath.hosts, RootPath.timezone, RootPath.localtime, RootPath.keyboard,
                        SudoersFile.path,
                    ])
                }
                // Nor does a power cut leave sysconf.txt as it was.
                if setting == .hostname, column.profile.flavour == .debianRaspi {
                    allowed.formUnion([RootPath.hostname, RootPath.hosts])
                }
                if setting != .clock { #expect(Self.differences(a, b).subtracting(allowed) == [], comment) }
            case .rootEdit:
                let isOther = a.rootChanges != b.rootChanges
                #expect(isOther, comment)
            case .impossible, nil: Issue.record(comment)
            }
        }
    }

    /// The root partition's files that are not for all to read.
    private static func hiddenFiles(_ provision: Provision) -> Set<Provision.RootChange> {
        Set(
            provision.rootChanges.filter { change in
                if case .file(_, let mode) = change.edit.action { mode & 0o004 == 0 } else { false }
            })
    }

    @Test(arguments: Sample.columns)
    func `what needs the root partition is refused without it, line by line and all at once`(
        _ column: SettingsTable.Column
    ) async throws {
        var node = Self.numbered(boot: column.profile.bootMountPoint)
        if !RootFlavour.readsDaemonFile(column.profile) { node.docker.daemon = [] }
        let support = SettingsTable.support(column.profile)
        var locked = RootTree(column).asRead
        locked.problem = "its journal was not replayed"
        for (root, reason) in [(nil, "name the card or the image file"), (locked, "its journal was not replayed")] {
            let errors = try await Sample.errors(node, column, root: .some(root))
            var expected: Set<Int> = []
            for setting in Setting.allCases {
                guard let location = setting.location(in: node) else { continue }
                let found = errors.filter { $0.location == location && $0.text.hasPrefix(setting.title + ": ") }
                switch support[setting] {
                case .rootEdit:
                    expected.insert(location.line)
                    #expect(found.count == 1 && found[0].text.contains(reason), "\(setting.title)")
                case .impossible: expected.insert(location.line)
                case .native, nil: #expect(found.isEmpty, "\(setting.title)")
                }
            }
            #expect(Set(errors.compactMap(\.location?.line)) == expected)
        }
    }

    @Test(arguments: Sample.columns)
    func `the table has an answer for every setting`(_ column: SettingsTable.Column) {
        #expect(Set(SettingsTable.support(column.profile).keys) == Set(Setting.allCases))
    }

    @Test func `the document of settings is the table`() throws {
        try expectGolden("../../../docs/settings.md", SettingsTable.document(proofs: EffectProofs.table()))
    }

    // MARK: Nodes

    private static func bootFiles(_ provision: Provision) -> [Provision.BootFile] {
        provision.bootFiles.filter { $0.path != CardRecord.path }
    }

    /// The paths in the root partition that one of two provisions changes otherwise, apart from the first-boot program's
    /// settings and keys, which hold a bit of everything.
    private static func differences(_ a: Provision, _ b: Provision) -> Set<String> {
        Set(Set(a.rootChanges).symmetricDifference(b.rootChanges).map(\.edit.path))
            .subtracting([FirstBootProgram.settingsPath, FirstBootProgram.keysPath])
    }

    private static func network(
        _ name: String, _ passphrase: String? = "correct horse", hidden: Bool = false, line: Int = 1
    ) -> Node.WiFiNetwork {
        .init(ssid: Sample.at(name, line: line), passphrase: passphrase.map { Sample.secret($0) }, hidden: hidden)
    }

    /// A node with the setting and little else, and the same node without it; `boot` is where the boot partition is mounted.
    static func pair(_ setting: Setting, boot: String = "/boot") -> (with: Node, without: Node) {
        var without = Sample.bare()
        var with = without
        let wifi = Node.WiFi(country: Sample.at("DE"), networks: [network("lab")])
        let address = Sample.at(Node.StaticAddress(address: "192.168.50.11", prefixLength: 24), line: line)
        switch setting {
        case .hostname:
            // A password's salt is the host's own.
            without.user?.password = nil
            with = without
            with.hostname = Sample.at("blue02", line: line)
        case .user:
            without.user = nil
            with.user?.name.location = Sample.at("", line: line).location
        case .password: without.user?.password = nil
        case .sshKeys: without.user?.sshAuthorizedKeys = []
        case .sshPassword: with.user?.sshPassword = Sample.at(true, line: line)
        case .sudo: with.user?.sudo = Sample.at(.password, line: line)
        case .groups: with.user?.groups = [Sample.at("rack", line: line)]
        case .wifi: with.wifi = wifi
        case .severalNetworks:
            without.wifi = wifi
            with.wifi = wifi
            with.wifi?.networks.append(network("home", line: line))
        case .hiddenNetwork:
            without.wifi = wifi
            with.wifi = wifi
            with.wifi?.networks = [network("lab", hidden: true, line: line)]
        case .openNetwork:
            without.wifi = wifi
            with.wifi = wifi
            without.wifi?.networks = [network("lab"), network("guests", line: line)]
            with.wifi?.networks = [network("lab"), network("guests", nil, line: line)]
        case .country:
            without.wifi = Node.WiFi(networks: [network("lab")])
            with.wifi = wifi
        case .address: with.address = address
        case .nameServers:
            without.address = address
            with.address = address
            with.network.dns = [Sample.at("9.9.9.9", line: line)]
        case .ipv6Address:
            with.address = Sample.at(Node.StaticAddress(address: "fd00::11", prefixLength: 64), line: line)
        case .ipv6Gateway:
            without.address = Sample.at(Node.StaticAddress(address: "fd00::11", prefixLength: 64), line: line)
            with.address = without.address
            with.network.gateway = Sample.at("fe80::1", line: line)
        case .wiredBesideWiFi:
            without.wifi = wifi
            without.address = address
            without.network.gateway = Sample.at("192.168.50.1")
            with = without
            with.network.interface = Sample.at(.wired, line: line)
        case .proxy:
            with.network.proxy = .init(
                http: Sample.at("http://192.168.50.3:3128"), location: Sample.at("", line: line).location)
        case .rackHosts: with.rack = [.init(name: "red00", address: "192.168.50.10")]
        case .timezone: with.locale.timezone = Sample.at("Europe/Berlin", line: line)
        case .language: with.locale.lang = Sample.at("de_DE.UTF-8", line: line)
        case .keyboard: with.locale.keyboard = Sample.at("de", line: line)
        case .keyboardVariant:
            without.locale.keyboard = Sample.at("de")
            with.locale.keyboard = Sample.at("de(nodeadkeys)", line: line)
        case .docker:
            with.docker.location = Sample.at("", line: line).location
            with.docker.daemon = [.init(name: Sample.at("debug"), value: Sample.at(.bool(true)))]
        case .install:
            (with, without) = (docker(), docker())
            with.docker.install = Sample.at(.debian, line: line)
            without.docker.install = Sample.at(.none)
        case .dockerPackages:
            (with, without) = (docker(), docker())
            with.docker.packages = [Sample.at("/debs/docker.io.deb", line: line)]
        case .preload:
            (with, without) = (docker(), docker())
            with.docker.preload = [Sample.at("/images/web.tar", line: line)]
        case .remoteTLS, .remoteSSH:
            (with, without) = (docker(), docker())
            with.docker.remote = Sample.at(setting == .remoteTLS ? .tls : .ssh, line: line)
            if setting == .remoteSSH { with.docker.install = Sample.at(.none) }
            without.docker.install = with.docker.install
        case .swarm:
            without.docker.location = Sample.here
            with.docker.location = Sample.here
            with.swarm = Node.Swarm(
                managers: [Sample.at("192.168.50.10")], role: .worker, token: Sample.secret(Sample.token),
                location: Sample.at("", line: line).location)
        case .classicSwarm:
            without.docker.location = Sample.here
            with.docker.location = Sample.here
            with.swarm = Node.Swarm(
                mode: .classic, managers: [Sample.at("192.168.50.10")], role: .worker,
                location: Sample.at("", line: line).location)
        case .swarmNetworks, .stacks, .swarmCommands:
            (with, without) = (forming(), forming())
            switch setting {
            case .swarmNetworks: with.swarm?.networks = [.init(name: Sample.at("proxy", line: line))]
            case .stacks:
                with.swarm?.stacks = [.init(name: Sample.at("web", line: line), compose: Sample.at("/stack.yml"))]
            default: with.firstBoot.afterSwarm = [Sample.at("true", line: line)]
            }
        case .packages: with.firstBoot.packages = [Sample.at("vim", line: line)]
        case .files:
            with.firstBoot.files = [.init(path: Sample.at("/etc/motd", line: line), content: Sample.secret("x"))]
        case .homeFiles:
            with.firstBoot.files = [
                .init(path: Sample.at("/home/pirate/.vimrc", line: line), content: Sample.secret("x"))
            ]
        case .bootFiles:
            with.firstBoot.files = [.init(path: Sample.at("\(boot)/mine.txt", line: line), content: Sample.secret("x"))]
        case .commands: with.firstBoot.run = [Sample.at("true", line: line)]
        case .clock: break
        }
        return (with, without)
    }

    /// The only manager of a swarm that its rack forms.
    private static func forming() -> Node {
        var node = docker()
        node.swarm = Node.Swarm(
            managers: [Sample.at(node.hostname.value)], role: .manager, location: Sample.at("", line: line).location)
        return node
    }

    /// A node that says something of Docker, but nothing that matters.
    private static func docker() -> Node {
        var node = Sample.bare()
        node.docker.location = Sample.here
        return node
    }

    /// A node that uses every setting, each on its own line as far as a recipe allows that.
    static func numbered(boot: String = "/boot") -> Node {
        func at<Value>(_ value: Value, _ setting: Setting) -> Located<Value> {
            Sample.at(value, line: 10 + Setting.allCases.firstIndex(of: setting)!)
        }
        var node = Sample.full()
        node.hostname.location = at("", .hostname).location
        node.user = Node.User(
            name: at("pirate", .user), password: Secret(.literal("hypriot"), at: at("", .password).location),
            sshAuthorizedKeys: [Secret(.literal(Sample.key), at: at("", .sshKeys).location)],
            groups: [at("docker", .groups)], sshPassword: at(true, .sshPassword), sudo: at(.password, .sudo))
        func line(_ setting: Setting) -> Int { at("", setting).location.line }
        node.wifi = Node.WiFi(
            country: at("DE", .country),
            networks: [
                network("lab", line: line(.wifi)), network("dark", hidden: true, line: line(.hiddenNetwork)),
                network("guests", nil, line: line(.openNetwork)), network("home", line: line(.severalNetworks)),
            ])
        node.address?.location = at("", .address).location
        node.addresses.append(at(Node.StaticAddress(address: "fd00::11", prefixLength: 64), .ipv6Address))
        node.network.gateways.append(at("fe80::1", .ipv6Gateway))
        node.network.interface = at(.wired, .wiredBesideWiFi)
        node.network.dns = [at("9.9.9.9", .nameServers)]
        node.rack = [.init(name: "red00", address: "192.168.50.10")]
        node.locale = Node.Locale(
            timezone: at("Europe/Berlin", .timezone), lang: at("en_GB.UTF-8", .language), keyboard: at("de", .keyboard))
        node.docker.location = at("", .docker).location
        node.docker.packages = [at("/debs/docker.io.deb", .dockerPackages)]
        node.docker.preload = [at("/images/web.tar", .preload)]
        node.docker.remote = at(.tls, .remoteTLS)
        node.swarm?.location = at("", .swarm).location
        node.firstBoot.packages = [at("vim", .packages)]
        node.firstBoot.files = [
            .init(path: at("/etc/motd", .files), content: Sample.secret("x")),
            .init(path: at("/home/pirate/.vimrc", .homeFiles), content: Sample.secret("x")),
            .init(path: at("\(boot)/mine.txt", .bootFiles), content: Sample.secret("x")),
        ]
        node.firstBoot.run = [at("true", .commands)]
        return node
    }
}
