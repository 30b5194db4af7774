import Provisioning
import Recipes
import SystemPackage
import Systems
import Testing
import TestSupport

/// What ifupdown itself, and readers of the other small files in /etc, find in the files that are written.
@Suite struct InterfacesTests {
    private static let ifupdown = Sample.others.filter {
        $0.profile.network == .ifupdown && $0.profile.flavour != .dietPi
    }

    @Test(arguments: ifupdown, [true, false])
    func `ifupdown gives the interface its address`(_ column: SettingsTable.Column, wifi: Bool) async throws {
        var node = Sample.full(for: column)
        if !wifi { node.wifi = nil }
        let interface = wifi ? "wlan0" : "eth0"
        let provision = try await Sample.provision(node, column)
        let tree = try RootTree(column).applying(provision)
        let scratch = ScratchDirectory()
        for name in ["eth0", "wlan0"] {
            if let text = tree.text("/etc/network/interfaces.d/\(name)") {
                scratch.write(text, to: "interfaces.d/\(name)")
            }
        }
        let main = try #require(tree.text("/etc/network/interfaces"))
        scratch.write(
            main.replacing("/etc/network/interfaces.d", with: scratch["interfaces.d"].string), to: "interfaces")
        scratch.write("", to: "state/.keep")
        let arguments = ["--interfaces=\(scratch["interfaces"])", "--state-dir=\(scratch["state"])"]

        let query = try OutsideTool("ifquery").run(arguments + [interface])
        #expect(query.succeeded && query.errors.isEmpty, "\(query.errors)")
        let lines = query.text.split(separator: "\n").map(String.init)
        #expect(lines.contains("address: 192.168.50.11"))
        #expect(lines.contains("netmask: 255.255.255.0"))
        #expect(lines.contains("gateway: 192.168.50.1"))
        #expect(lines.contains("dns-nameservers: 192.168.50.1 9.9.9.9"))
        #expect(lines.contains("wpa-conf: /etc/wpa_supplicant/wpa_supplicant.conf") == wifi)

        let up = try OutsideTool("ifup").run(arguments + ["--no-act", "--verbose", "--allow=hotplug", "--all"])
        #expect(up.succeeded, "\(up.errors)")
        let said = up.text + up.errors
        #expect(said.contains("ip addr add 192.168.50.11/255.255.255.0"))
        #expect(said.contains("dev \(interface) label \(interface)"))
    }

    /// dhcpcd.conf(5): an option belongs to the last `interface` line above it.
    @Test(arguments: [Sample.stretch, Sample.bullseye, Sample.bullseyeTOML])
    func `dhcpcd gives the interface its address`(_ column: SettingsTable.Column) async throws {
        let provision = try await Sample.provision(Sample.full(for: column), column)
        var text = provision.rootText("/etc/dhcpcd.conf")
        if text == nil {
            let node = try FirstRunTests.Node(provision, column)
            _ = try node.run()
            text = node.text("root/etc/dhcpcd.conf")
        }
        let read: [String: [String]] = try Oracle.ask(
            text,
            """
            answer, block = {}, ""
            for line in question.split("\\n"):
                words = line.split("#")[0].split()
                if not words: continue
                if words[0] == "interface": block = words[1]
                else: answer.setdefault(block, []).append(" ".join(words))
            """)
        #expect(
            read["wlan0"] == [
                "static ip_address=192.168.50.11/24", "static routers=192.168.50.1",
                "static domain_name_servers=192.168.50.1 9.9.9.9",
            ])
        #expect(Set(read.keys) == ["", "wlan0"])
    }

    /// The first address of each name, as the resolver takes it (hosts(5)).
    @Test(arguments: Sample.others.filter { $0.profile.flavour == .raspbian })
    func `the host's name leads to itself`(_ column: SettingsTable.Column) async throws {
        let provision = try await Sample.provision(Sample.full(for: column), column)
        let read: [String: String] = try Oracle.ask(
            provision.rootText("/etc/hosts"),
            """
            answer = {}
            for line in question.split("\\n"):
                words = line.split("#")[0].split()
                for name in words[1:]: answer.setdefault(name, words[0])
            """)
        #expect(read["red01"] == "127.0.1.1")
        #expect(read["localhost"] == "127.0.0.1")
        #expect(read["raspberrypi"] == nil)
        #expect(provision.rootText("/etc/hostname") == "red01\n")
    }

    @Test(arguments: Sample.others)
    func `sh and dash source the locale's and the keyboard's files`(_ column: SettingsTable.Column) async throws {
        let provision = try await Sample.provision(Sample.full(for: column), column)
        let files = provision.laidDown
        let scratch = ScratchDirectory()
        for (path, names, expected) in [
            ("/etc/default/locale", "$LANG", "en_GB.UTF-8"),
            ("/etc/default/keyboard", "$XKBMODEL|$XKBLAYOUT|$XKBVARIANT|$XKBOPTIONS|$BACKSPACE", "pc105|de|||guess"),
        ] {
            // On trixie /etc/default/locale is a link to it.
            guard let file = files[path] ?? (path == "/etc/default/locale" ? files["/etc/locale.conf"] : nil) else {
                #expect([.dietPi, .raspberryPiOSCustomTOML].contains(column.profile.flavour), "\(path)")
                continue
            }
            let copy = scratch.write(file.contents, to: "file").string
            for shell in ["dash", "bash"] {
                let result = try OutsideTool("env").run([
                    "-i", "/bin/\(shell)", "-euc", ". \"$1\"; printf %s \"\(names)\"", shell, copy,
                ])
                #expect(result.text == expected && result.errors.isEmpty, "\(path) \(result.errors)")
            }
        }
        if let text = provision.rootText("/etc/locale.gen") {
            #expect(text.split(separator: "\n").filter { !$0.hasPrefix("#") } == ["en_GB.UTF-8 UTF-8"])
        }
    }
}
