import Diagnostics
import Foundation
import Provisioning
import Recipes
import SystemPackage
import Systems
import Testing
import TestSupport

/// IPv6 addresses, gateways and name servers beside IPv4's, as the programs that set up a network read what is written.
@Suite struct DualStackTests {
    static let servers = ["8.8.8.8", "fd51:42f8:caae:d92e::1", "fe80::53"]

    /// A node by cable with the name servers of both families.
    static func node(ipv6: Bool = true, gateway6: Bool = true, ipv4: Bool = true) -> Recipes.Node {
        var node = Sample.bare()
        var addresses: [(String, Int)] = []
        if ipv4 { addresses.append(("192.168.86.192", 24)) }
        if ipv6 { addresses.append(("fd00::11", 64)) }
        node.addresses = addresses.map { Sample.at(Node.StaticAddress(address: $0.0, prefixLength: $0.1)) }
        if ipv4 { node.network.gateways.append(Sample.at("192.168.86.1")) }
        if gateway6 { node.network.gateways.append(Sample.at("fe80::1")) }
        node.network.dns = servers.map { Sample.at($0) }
        return node
    }

    /// All that netplan makes of a card's network-config, with the image's own renderer, or alone as cloud-init checks it.
    private func netplan(
        _ node: Recipes.Node, _ flavour: OSProfile.Flavour, _ renderer: String?
    ) async throws -> ScratchDirectory {
        let provision = try await Sample.provision(node, flavour)
        let scratch = ScratchDirectory()
        var text = try #require(provision.text("network-config"))
        if !text.hasPrefix("network:") {
            text = "network:\n" + text.split(separator: "\n").map { "  \($0)\n" }.joined()
        }
        if let renderer {
            text = text.replacing("network:\n", with: "network:\n  renderer: \(renderer)\n", maxReplacements: 1)
        }
        let file = scratch.write(text, to: "etc/netplan/50-cloud-init.yaml")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.string)
        let result = try OutsideTool("netplan").run(["generate", "--root-dir", scratch.path.string])
        #expect(result.succeeded, "\(result.errors)")
        return scratch
    }

    @Test(arguments: [true, false], [true, false])
    func `NetworkManager accepts what netplan makes of the name servers of both families`(
        ipv4: Bool, ipv6: Bool
    ) async throws {
        let node = Self.node(ipv6: ipv6, gateway6: ipv6, ipv4: ipv4)
        let scratch = try await netplan(node, .raspberryPiOSCloudInit, "NetworkManager")
        let name = "netplan-eth0.nmconnection"
        let directory = "run/NetworkManager/system-connections"
        let text = String(decoding: scratch.read("\(directory)/\(name)"), as: UTF8.self)
        let connection = try #require(try NetworkManagerTests.read([name: text])["netplan-eth0"])
        #expect(connection.isValid && connection.complaints == [])
        #expect(connection.addresses == (ipv4 ? ["192.168.86.192/24"] : []))
        #expect(connection.method == (ipv4 ? "manual" : "auto"))
        #expect(connection.addresses6 == (ipv6 ? ["fd00::11/64"] : []))
        #expect(connection.method6 == "auto")
        #expect(connection.routes6 == (ipv6 ? ["::/0 fe80::1"] : []))
        #expect(connection.dns == ["8.8.8.8"])
        #expect(connection.dns6 == ["fd51:42f8:caae:d92e::1", "fe80::53"])
    }

    @Test func `NetworkManager prefers the recipe's networks in their order`() async throws {
        let scratch = try await netplan(Sample.full(), .raspberryPiOSCloudInit, nil)
        let directory = scratch["run/NetworkManager/system-connections"].string
        var files: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            files[name] = String(decoding: scratch.read("run/NetworkManager/system-connections/\(name)"), as: UTF8.self)
        }
        let found = try NetworkManagerTests.read(files).values.filter { $0.ssid != nil }
        #expect(found.allSatisfy { $0.isValid && $0.complaints == [] })
        let names = found.sorted { $0.priority > $1.priority }.map(\.ssid)
        #expect(names == Sample.full().wifi?.networks.map { $0.ssid.value.utf8.hexText })
    }

    @Test(arguments: [OSProfile.Flavour.raspberryPiOSCloudInit, .ubuntuCloudInit])
    func `netplan reads the file also by itself, as cloud-init has it read`(
        _ flavour: OSProfile.Flavour
    ) async throws {
        for node in [Self.node(), Sample.full(), ValidatorTests.corpusNode()] {
            _ = try await netplan(node, flavour, nil)
        }
    }

    @Test func `networkd gets addresses, routes and name servers of both families`() async throws {
        let scratch = try await netplan(Self.node(), .ubuntuCloudInit, "networkd")
        let text = String(decoding: scratch.read("run/systemd/network/10-netplan-eth0.network"), as: UTF8.self)
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.filter { $0.hasPrefix("DNS=") } == Self.servers.map { "DNS=\($0)" })
        #expect(lines.filter { $0.hasPrefix("Address=") } == ["Address=192.168.86.192/24", "Address=fd00::11/64"])
        #expect(lines.filter { $0.hasPrefix("Gateway=") } == ["Gateway=192.168.86.1", "Gateway=fe80::1"])
    }

    @Test(arguments: [Sample.bookworm, Sample.trixieFirstRun])
    func `NetworkManager reads both families from the keyfile`(_ column: SettingsTable.Column) async throws {
        let found = try NetworkManagerTests.read(await Sample.provision(Self.node(), column))
        let connection = try #require(found["piflash-eth0"])
        #expect(connection.isValid && connection.complaints == [])
        #expect(connection.addresses == ["192.168.86.192/24"] && connection.gateway == "192.168.86.1")
        #expect(connection.addresses6 == ["fd00::11/64"] && connection.gateway6 == "fe80::1")
        #expect(connection.dns + connection.dns6 == Self.servers)
        #expect(connection.method6 == "auto")
    }

    @Test(arguments: [Sample.bookworm, Sample.trixieFirstRun])
    func `a name server alone is enough for a keyfile`(_ column: SettingsTable.Column) async throws {
        var node = Sample.bare()
        node.network.dns = [Sample.at("fd00::53")]
        let found = try NetworkManagerTests.read(await Sample.provision(node, column))
        let connection = try #require(found["piflash-eth0"])
        #expect(connection.isValid && connection.method == "auto" && connection.method6 == "auto")
        #expect(connection.dns6 == ["fd00::53"])
    }

    /// ifupdown, on systems that read interfaces.d and on those with one file.
    @Test(arguments: Sample.others.filter { $0.profile.network == .ifupdown && $0.profile.flavour != .dietPi })
    func `ifupdown adds both addresses and all name servers`(_ column: SettingsTable.Column) async throws {
        let provision = try await Sample.provision(Self.node(), column)
        let tree = try RootTree(column).applying(provision)
        let scratch = ScratchDirectory()
        if let text = tree.text("/etc/network/interfaces.d/eth0") { scratch.write(text, to: "interfaces.d/eth0") }
        let main = try #require(tree.text("/etc/network/interfaces"))
        scratch.write(
            main.replacing("/etc/network/interfaces.d", with: scratch["interfaces.d"].string), to: "interfaces")
        scratch.write("", to: "state/.keep")
        let up = try OutsideTool("ifup").run([
            "--interfaces=\(scratch["interfaces"])", "--state-dir=\(scratch["state"])", "--no-act", "--verbose",
            "--allow=hotplug", "--all",
        ])
        #expect(up.succeeded, "\(up.errors)")
        let said = up.text + up.errors
        #expect(said.contains("ip addr add 192.168.86.192/255.255.255.0"))
        #expect(said.contains("ip -6 addr add fd00::11/64"))
        #expect(said.contains("via fe80::1  dev eth0") && said.contains("accept_ra=2") && said.contains("autoconf=1"))
        let query = try OutsideTool("ifquery").run([
            "--interfaces=\(scratch["interfaces"])", "--state-dir=\(scratch["state"])", "eth0",
        ])
        #expect(query.text.contains("dns-nameservers: 8.8.8.8 fd51:42f8:caae:d92e::1 fe80::53%eth0\n"))
        // Nothing else reads them if resolvconf is not there.
        #expect(
            tree.text("/etc/resolv.conf")
                == "nameserver 8.8.8.8\nnameserver fd51:42f8:caae:d92e::1\nnameserver fe80::53%eth0\n")
    }

    /// dhclient-script sources the file before it writes resolv.conf.
    @Test func `dhclient asks the recipe's name servers before those of the network`() async throws {
        var node = Sample.bare()
        node.network.dns = Self.servers.map { Sample.at($0) }
        let tree = try RootTree(Sample.debian).applying(await Sample.provision(node, Sample.debian))
        let scratch = ScratchDirectory()
        let path = "/etc/dhcp/dhclient-enter-hooks.d/piflash-dns"
        let hook = scratch.write(try #require(tree.text(path)), to: "hook").string
        for (given, rest) in [("192.168.86.1 9.9.9.9", " 192.168.86.1 9.9.9.9"), ("", "")] {
            for shell in [["/usr/bin/dash"], ["/bin/bash"], ["/usr/bin/busybox", "sh"]] {
                let result = try OutsideTool("env").run(
                    ["-i", "new_domain_name_servers=\(given)"] + shell
                        + ["-euc", ". \"$1\"; printf %s \"$new_domain_name_servers\"", "sh", hook])
                #expect(result.text == "8.8.8.8 fd51:42f8:caae:d92e::1 fe80::53%eth0" + rest, "\(result.errors)")
            }
        }
    }

    /// The real dhclient-script, with a lease, in a namespace with an /etc of its own.
    @Test func `dhclient's own script writes the recipe's name servers to resolv.conf`() async throws {
        var node = Sample.bare()
        node.network.dns = Self.servers.map { Sample.at($0) }
        let tree = try RootTree(Sample.debian).applying(await Sample.provision(node, Sample.debian))
        let scratch = ScratchDirectory()
        let hook = "/etc/dhcp/dhclient-enter-hooks.d/piflash-dns"
        scratch.write(try #require(tree.text(hook)), to: String(hook.dropFirst()))
        scratch.write("nameserver 1.2.3.4\n", to: "etc/resolv.conf")
        scratch.write("", to: "etc/fstab")
        let result = try OutsideTool("unshare").run([
            "--user", "--map-root-user", "--net", "--mount", "sh", "-c",
            """
            set -e
            mount --bind "$1/etc" /etc
            ip link add eth0 type veth peer name other
            export interface=eth0 reason=BOUND new_ip_address=192.168.86.50 new_subnet_mask=255.255.255.0
            new_domain_name_servers='192.168.86.1 9.9.9.9' PATH="$PATH:/usr/sbin:/sbin" dhclient-script || true
            cat /etc/resolv.conf
            """, "sh", scratch.path.string,
        ])
        let found = result.text.split(separator: "\n").filter { $0.hasPrefix("nameserver") }
        #expect(
            found.map { $0.dropFirst(11) } == [
                "8.8.8.8", "fd51:42f8:caae:d92e::1", "fe80::53%eth0", "192.168.86.1", "9.9.9.9",
            ], "\(result.errors)")
    }

    @Test func `cloud-init makes ifupdown's stanzas of both families on HypriotOS`() async throws {
        let provision = try await Sample.provision(Self.node(), .hypriotCloudInit)
        let scratch = ScratchDirectory()
        let file = scratch.write(try #require(provision.text("network-config")), to: "network-config")
        let result = try OutsideTool("cloud-init").run([
            "devel", "net-convert", "-p", file.string, "-k", "yaml", "-d", scratch["out"].string, "-D", "debian", "-O",
            "eni",
        ])
        #expect(result.succeeded, "\(result.errors)")
        let text = String(decoding: scratch.read("out/etc/network/interfaces.d/50-cloud-init"), as: UTF8.self)
        #expect(text.contains("iface eth0 inet static") && text.contains("address 192.168.86.192/24"))
        #expect(text.contains("iface eth0 inet6 static") && text.contains("address fd00::11/64"))
        #expect(text.contains("gateway 192.168.86.1") && text.contains("gateway fe80::1"))
        #expect(text.contains("dns-nameservers 8.8.8.8 fd51:42f8:caae:d92e::1 fe80::53%eth0"))
        #expect(provision.node("/etc/dhcp/dhclient-enter-hooks.d/piflash-dns") != nil)
    }

    /// The real dhcpcd, on a pair of interfaces in a namespace.
    @Test(arguments: [Sample.stretch, Sample.bullseyeTOML])
    func `dhcpcd takes both addresses and hands on all name servers`(_ column: SettingsTable.Column) async throws {
        let provision = try await Sample.provision(Self.node(gateway6: false), column)
        let scratch = ScratchDirectory()
        scratch.write(try #require(provision.rootText("/etc/dhcpcd.conf")), to: "dhcpcd.conf")
        scratch.writeProgram("#!/bin/sh\nenv >>\"\(scratch["said"])\"\n", to: "hook")
        let result = try OutsideTool("unshare").run([
            "--user", "--map-root-user", "--net", "--mount", "sh", "-c",
            """
            set -e
            mount -t tmpfs none /run
            mkdir -p /var/lib/dhcpcd 2>/dev/null && mount -t tmpfs none /var/lib/dhcpcd
            ip link set lo up
            ip link add eth0 type veth peer name other
            ip link set eth0 up; ip link set other up
            timeout 7 dhcpcd -B -M -f "$1/dhcpcd.conf" -c "$1/hook" --noarp --nodev eth0 || true
            """, "sh", scratch.path.string,
        ])
        let said = String(decoding: scratch.read("said"), as: UTF8.self).split(separator: "\n")
        #expect(
            said.contains("new_domain_name_servers=8.8.8.8 fd51:42f8:caae:d92e::1 fe80::53%eth0"), "\(result.errors)")
        #expect(said.contains("new_ip_address=192.168.86.192") && said.contains("new_routers=192.168.86.1"))
        #expect((result.text + result.errors).contains("adding address fd00::11/64"))
    }

    @Test(arguments: [Sample.stretch, Sample.bullseye, Sample.bullseyeTOML])
    func `a gateway that the system cannot take is refused with its line`(
        _ column: SettingsTable.Column
    ) async throws {
        var node = Self.node()
        node.network.gateways[1].location = Sample.at("", line: 9).location
        let lines = try await Sample.errors(node, column).compactMap(\.location?.line)
        #expect(lines == [9])
    }

    /// Its script edits /etc/network/interfaces and leaves interfaces.d alone (dietpi-firstboot.bash).
    @Test func `DietPi's own script gets all name servers, and ifupdown the IPv6 address`() async throws {
        let provision = try await Sample.provision(Self.node(), Sample.dietPi)
        let text = try #require(provision.text("dietpi.txt"))
        #expect(text.contains("AUTO_SETUP_NET_STATIC_DNS=8.8.8.8 fd51:42f8:caae:d92e::1 fe80::53%eth0\n"))
        let file = try #require(provision.rootText("/etc/network/interfaces.d/piflash-ipv6"))
        let scratch = ScratchDirectory()
        scratch.write(file, to: "interfaces.d/piflash-ipv6")
        scratch.write(
            "source \(scratch["interfaces.d"])/*\nallow-hotplug eth0\niface eth0 inet static\naddress 192.168.86.192\n"
                + "netmask 255.255.255.0\ngateway 192.168.86.1\n", to: "interfaces")
        scratch.write("", to: "state/.keep")
        let up = try OutsideTool("ifup").run([
            "--interfaces=\(scratch["interfaces"])", "--state-dir=\(scratch["state"])", "--no-act", "--verbose", "eth0",
        ])
        #expect(up.succeeded, "\(up.errors)")
        let said = up.text + up.errors
        #expect(
            said.contains("ip addr add 192.168.86.192/255.255.255.0") && said.contains("ip -6 addr add fd00::11/64"))
        #expect(said.contains("via fe80::1  dev eth0"))
    }
}
