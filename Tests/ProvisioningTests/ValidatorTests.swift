import Foundation
import Recipes
import SystemPackage
import Systems
import Testing
import TestSupport
import Yams

@testable import Provisioning

/// What cloud-init, netplan and wpa_supplicant themselves make of our files.
@Suite struct ValidatorTests {
    /// A node with every name of the corpus as a network, and every passphrase.
    static func corpusNode() -> Recipes.Node {
        var node = Sample.full()
        node.wifi?.networks = zip(Corpus.names, Corpus.passphrases).map { name, passphrase in
            let secret = passphrase.utf8.count > 63 ? String(passphrase.prefix(8)) + "--------" : passphrase
            return Node.WiFiNetwork(
                ssid: Sample.at(name), passphrase: Sample.secret(secret), hidden: name.count % 2 == 0)
        }
        return node
    }

    @Test(arguments: Sample.flavours)
    func `cloud-init accepts the user-data`(_ flavour: OSProfile.Flavour) async throws {
        for node in [Sample.full(), Sample.bare(), Self.corpusNode()] {
            let provision = try await Sample.provision(node, flavour)
            let scratch = ScratchDirectory()
            let file = scratch.write(try #require(provision.text("user-data")), to: "user-data")
            let result = try OutsideTool("cloud-init").run(["schema", "--config-file", file.string])
            #expect(result.succeeded, "\(result.text) \(result.errors)")
            #expect(result.text.contains("Valid cloud-config"))
        }
    }

    @Test(arguments: [OSProfile.Flavour.raspberryPiOSCloudInit, .ubuntuCloudInit], ["networkd", "NetworkManager"])
    func `netplan takes every network name for what it is`(_ flavour: OSProfile.Flavour, renderer: String) async throws
    {
        try Self.checkNetplan(try await Sample.provision(Self.corpusNode(), flavour), flavour, renderer)
        // With Wi-Fi in the root partition, in a file beside the one that cloud-init makes.
        let column = try #require(Sample.columns.first { $0.profile.flavour == flavour })
        let provision = try await Sample.provision(Self.corpusNode(), column)
        #expect(provision.text("network-config")?.contains("wifis") == false)
        #expect(provision.rootText(NetworkConfig.wifiPath) != nil)
        try Self.checkNetplan(provision, flavour, renderer)
    }

    private static func checkNetplan(_ provision: Provision, _ flavour: OSProfile.Flavour, _ renderer: String) throws {
        let scratch = ScratchDirectory()
        if let wifi = provision.rootText(NetworkConfig.wifiPath) {
            let file = scratch.write(wifi, to: NetworkConfig.wifiPath).string
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        }
        var text = try #require(provision.text("network-config"))
        if !text.hasPrefix("network:") {
            text = "network:\n" + text.split(separator: "\n").map { "  \($0)\n" }.joined()
        }
        text = text.replacing("network:\n", with: "network:\n  renderer: \(renderer)\n", maxReplacements: 1)
        let file = scratch.write(text, to: "etc/netplan/50-cloud-init.yaml")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.string)
        let result = try OutsideTool("netplan").run(["generate", "--root-dir", scratch.path.string])
        #expect(result.succeeded, "\(result.errors)")
        // Trixie's file names NetworkManager for its networks, which have an order.
        if renderer == "networkd", flavour == .ubuntuCloudInit {
            let written = String(decoding: scratch.read("run/netplan/wpa-wlan0.conf"), as: UTF8.self)
            for name in Corpus.names where !name.contains("\t") { #expect(written.contains("ssid=\"\(name)\"\n")) }
            let network = String(decoding: scratch.read("run/systemd/network/10-netplan-wlan0.network"), as: UTF8.self)
            #expect(network.contains("Address=192.168.50.11/24"))
            #expect(network.contains("Gateway=192.168.50.1"))
        } else {
            let directory = scratch["run/NetworkManager/system-connections"].string
            let files = try FileManager.default.contentsOfDirectory(atPath: directory)
            #expect(files.count { $0.contains("wlan0") } == Corpus.names.count)
        }
    }

    @Test func `wpa-supplicant reads every network of the Hypriot file`() async throws {
        let node = Self.corpusNode()
        let provision = try await Sample.provision(node, .hypriotCloudInit)
        let file = try #require(provision.node("/etc/wpa_supplicant/wpa_supplicant.conf"))
        #expect(file.mode == 0o600)
        let lines = String(decoding: file.contents, as: UTF8.self).split(separator: "\n")
        #expect(lines.contains("country=DE"))
        let scratch = ScratchDirectory()
        // Without its control interface, which would be a socket on this machine.
        let text = lines.filter { !$0.hasPrefix("ctrl_interface") }.map { $0 + "\n" }.joined()
        let path = scratch.write(text, to: "wpa.conf").string
        // It reads the file, and then finds no such interface.
        let result = try OutsideTool("wpa_supplicant").run(["-D", "none", "-i", "nosuch0", "-c", path, "-dd"])
        #expect(!result.text.contains("Failed to read or parse"))
        for name in Corpus.names {
            // The name as wpa_supplicant prints it: bytes outside ASCII, quotes and backslashes escaped.
            let printed = name.utf8.map { byte -> String in
                switch byte {
                case 0x22: "\\\""
                case 0x5C: "\\\\"
                case 0x09: "\\t"
                case 0x20...0x7E: String(UnicodeScalar(byte))
                default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }
            }.joined()
            #expect(result.text.contains("ssid='\(printed)'"), "\(name)")
        }
    }

    @Test func `the key of a network is wpa-passphrase's`() async throws {
        var node = Sample.bare()
        for (name, passphrase) in [("lab", "correct horse"), ("Café", "it's \"8\" \\o/"), ("$HOME", "`id` $PATH #x")] {
            node.wifi = Node.WiFi(
                country: Sample.at("DE"),
                networks: [.init(ssid: Sample.at(name), passphrase: Sample.secret(passphrase))])
            let provision = try await Sample.provision(node, .hypriotCloudInit)
            let result = try OutsideTool("wpa_passphrase").run([name], input: Array((passphrase + "\n").utf8))
            let key = try #require(
                result.text.split(separator: "\n").first { $0.hasPrefix("\tpsk=") }.map { String($0.dropFirst(5)) })
            let file = try #require(provision.node("/etc/wpa_supplicant/wpa_supplicant.conf"))
            #expect(String(decoding: file.contents, as: UTF8.self).contains("\tpsk=\(key)\n"))
            #expect(file.sensitive == [key])
        }
    }

    @Test func `Hypriot's network-config becomes one static interface`() async throws {
        var node = Sample.full()
        node.wifi = nil
        let provision = try await Sample.provision(node, .hypriotCloudInit)
        let scratch = ScratchDirectory()
        let file = scratch.write(try #require(provision.text("network-config")), to: "network-config")
        let result = try OutsideTool("cloud-init").run([
            "devel", "net-convert", "-p", file.string, "-k", "yaml", "-d", scratch["out"].string, "-D", "debian", "-O",
            "eni",
        ])
        #expect(result.succeeded, "\(result.errors)")
        let text = String(decoding: scratch.read("out/etc/network/interfaces.d/50-cloud-init"), as: UTF8.self)
        #expect(text.contains("iface eth0 inet static"))
        #expect(text.contains("address 192.168.50.11/24"))
        #expect(text.contains("gateway 192.168.50.1"))
        #expect(text.contains("dns-nameservers 192.168.50.1 9.9.9.9"))
    }

    @Test func `a user that replaces the default one keeps its groups`() async throws {
        let provision = try await Sample.provision(Sample.full(), .raspberryPiOSCloudInit)
        let program = """
            import sys, yaml
            sys.path.insert(0, "/usr/lib/python3/dist-packages")
            from cloudinit import helpers
            from cloudinit.distros import debian, ug_util
            default = {"name": "pi", "groups": ["adm", "sudo", "gpio"], "lock_passwd": True, "shell": "/bin/sh"}
            distro = debian.Distro("debian", {"default_user": default}, helpers.Paths({}))
            config = {"users": ["default"], **yaml.safe_load(sys.stdin)}
            users, groups = ug_util.normalize_users_groups(config, distro)
            user = users.pop("pirate")
            print(sorted(users), user["groups"], user["lock_passwd"], user["shell"], user["hashed_passwd"][:3])
            """
        let result = try Oracle.python(program, input: Array(try #require(provision.text("user-data")).utf8))
        #expect(result.text == "[] adm,gpio,sudo False /bin/bash $y$\n", "\(result.errors)")
        #expect(
            provision.text("user-data")?.contains(#"["usermod", "--append", "--groups", "docker,dialout", "pirate"]"#)
                == true)
        #expect(provision.text("user-data")?.contains(#"["groupadd", "--force", "--system", "docker"]"#) == true)
    }
}
