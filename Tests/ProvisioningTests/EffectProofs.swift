import Foundation
import Testing

@testable import Provisioning

/// How it was seen that each setting takes effect on each system, for docs/settings.md.
enum EffectProofs {
    /// The systems of the table by the names that Tests/boots and Tests/e2e have for them.
    static let systems = [
        "sysvinit": "HypriotOS 2015", "deviceinit": "HypriotOS 0.2.5–1.6", "hypriot": "HypriotOS 1.7–1.12",
        "stretch": "Raspbian jessie, stretch", "firstrun": "Raspberry Pi OS buster, early bullseye",
        "bullseye": "Raspberry Pi OS bullseye from 2022-09", "customtoml": "Raspberry Pi OS bookworm",
        "trixiefirstrun": "Raspberry Pi OS trixie of 2025-10", "trixie": "Raspberry Pi OS trixie",
        "ubuntu": "Ubuntu Server", "dietpi": "DietPi", "debian": "Debian",
        "trixie-purged": "Without a first boot of its own",
    ]

    /// Tests/boots/effects.tsv, which `Tests/boots/run PIFLASH effects --record` writes: a system and a setting for each
    /// effect that was seen on a booted node. What `make e2e E2E=sysvinit` sees is noted there by hand.
    static func booted() throws -> [String: Set<Setting>] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "boots/effects.tsv")
        var seen: [String: Set<Setting>] = [:]
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            let fields = line.split(separator: "\t").map(String.init)
            guard let system = systems[fields[0]], let setting = Setting(rawValue: fields[1]) else { continue }
            seen[system, default: []].insert(setting)
        }
        return seen
    }

    /// What the real consumer has accepted: settings, and the test in which it did so on the systems that it names.
    static let consumers: [(settings: Set<Setting>, systems: Set<String>?, test: String)] = [
        ([.user, .password, .groups], rootEdited, "pwck and grpck find nothing"),
        ([.sudo], nil, "sudo allows what the recipe says, whatever a vendor has written"),
        ([.sshKeys], rootEdited, "ssh-keygen reads every key of authorized_keys"),
        ([.sshPassword], rootEdited, "sshd accepts the configuration, and the keys' options"),
        (
            [.address, .nameServers, .ipv6Address, .ipv6Gateway, .wiredBesideWiFi],
            [wheezy, "HypriotOS 2015", "HypriotOS 0.2.5–1.6", "Debian"],
            "ifupdown adds both addresses and all name servers"
        ),
        (
            [.ipv6Gateway],
            ["Raspberry Pi OS bookworm", "Raspberry Pi OS trixie of 2025-10", "Without a first boot of its own"],
            "NetworkManager reads both families from the keyfile"
        ),
        (
            [.ipv6Gateway], ["Raspberry Pi OS trixie"],
            "NetworkManager accepts what netplan makes of the name servers of both families"
        ),
        ([.ipv6Gateway], ["Ubuntu Server"], "networkd gets addresses, routes and name servers of both families"),
        ([.ipv6Gateway], ["HypriotOS 1.7–1.12"], "cloud-init makes ifupdown's stanzas of both families on HypriotOS"),
        (
            [.ipv6Gateway, .ipv6Address], ["DietPi"],
            "DietPi's own script gets all name servers, and ifupdown the IPv6 address"
        ),
        (
            [.wifi, .severalNetworks, .hiddenNetwork, .openNetwork],
            [wheezy, "HypriotOS 2015", "HypriotOS 0.2.5–1.6", "Debian"],
            "wpa-supplicant takes every network for what it is"
        ),
        (
            [.wifi, .severalNetworks, .hiddenNetwork, .openNetwork], ["DietPi"],
            "bash sources every network and nothing else"
        ),
        (
            [.timezone, .language, .keyboard, .keyboardVariant], rootEdited,
            "sh and dash source the locale's and the keyboard's files"
        ),
        ([.proxy], nil, "apt reads its file of proxies as it is meant"),
        ([.packages], nil, "packages are installed with what they depend on"),
        (
            [.swarm, .swarmNetworks, .stacks], nil,
            "a rack in Docker's pool has another one, and its stack comes with files, secrets and variables"
        ),
        ([.remoteTLS], nil, "a card with certificates is reached by who has them, and its images are loaded"),
        ([.docker], ["HypriotOS 2015", wheezy], "sh and systemd read the same options"),
    ]

    /// What piflash's own first-boot program did in a test, every program that it calls being a stand-in.
    static let programs: [(settings: Set<Setting>, test: String)] = [
        ([.install], "Debian's package is installed once, with the command if that is a separate package"),
        ([.dockerPackages], "carried packages are installed together, without a network, once"),
        ([.preload], "carried images are loaded once without a network, and give back their room"),
        ([.classicSwarm], "a worker fetches the images and runs an agent of Consul and one of Swarm"),
        ([.rackHosts], "the rack's names are in hosts after every boot, and go if the recipe drops them"),
        ([.commands], "commands run once, in order, each, and a failing one stops nothing"),
        ([.swarmCommands], "commands after the swarm wait for every node, run once, and their failures are reported"),
        ([.homeFiles], "a file in the home belongs to the user, with its directories, and the skeleton stays"),
        ([.clock], "a clock from before the card was written is set to that time"),
        ([.remoteSSH], "the first boot adds a user who works with Docker to its group"),
    ]

    private static let wheezy = "Raspbian wheezy"
    private static let rootEdited: Set = [
        "HypriotOS 2015", "HypriotOS 0.2.5–1.6", wheezy, "Raspbian jessie, stretch", "DietPi", "Debian",
        "Without a first boot of its own",
    ]

    /// The best proof for each mark of the table.
    static func table() throws -> [String: [Setting: SettingsTable.Proof]] {
        let booted = try booted()
        var table: [String: [Setting: SettingsTable.Proof]] = [:]
        for column in SettingsTable.columns {
            var proofs: [Setting: SettingsTable.Proof] = [:]
            for (settings, _) in programs { for setting in settings { proofs[setting] = .program } }
            for (settings, systems, _) in consumers where systems?.contains(column.title) ?? true {
                for setting in settings { proofs[setting] = .consumer }
            }
            for setting in booted[column.title] ?? [] { proofs[setting] = .boot }
            table[column.title] = proofs
        }
        return table
    }
}

@Suite struct EffectProofTests {
    @Test func `every mark of docs-settings-md has a proof, but for files that only their bytes can prove`() throws {
        let table = try EffectProofs.table()
        for column in SettingsTable.columns {
            let support = SettingsTable.support(column.profile)
            let unproved = Setting.allCases.filter { setting in
                if case .impossible = support[setting] { return false }
                return table[column.title]?[setting] == nil
            }
            // The bytes of these are read back from the card by other tests; nothing has to understand them.
            let plain: Set<Setting> = [.hostname, .files, .bootFiles, .country]
            #expect(Set(unproved).subtracting(plain).isEmpty, "\(column.title): \(unproved)")
        }
    }

    @Test func `each test that is named as a proof exists`() throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        var sources = ""
        let files = FileManager.default.enumerator(at: tests, includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "swift", file.lastPathComponent != "EffectProofs.swift" else { continue }
            sources += try String(contentsOf: file, encoding: .utf8)
        }
        for name in EffectProofs.consumers.map(\.test) + EffectProofs.programs.map(\.test) {
            #expect(sources.contains("func `\(name)`"), "\(name)")
        }
    }

    @Test func `each system of the table is booted, but for wheezy without HypriotOS`() {
        let booted = Set(EffectProofs.systems.values)
        #expect(SettingsTable.columns.map(\.title).filter { !booted.contains($0) } == ["Raspbian wheezy"])
    }
}
