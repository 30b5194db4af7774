import Diagnostics
import Provisioning
import Recipes
import Systems
import Testing
import Yams

/// network.interface: which of two interfaces the address is for.
@Suite struct InterfaceChoiceTests {
    /// A head node: the cable leads to the rack, Wi-Fi to the rest of the world.
    private static func head() -> Recipes.Node {
        var node = Sample.bare()
        node.address = Sample.at(Node.StaticAddress(address: "10.1.0.1", prefixLength: 24))
        node.network = Node.Network(interface: Sample.at(.wired))
        node.wifi = Node.WiFi(
            country: Sample.at("DE"),
            networks: [.init(ssid: Sample.at("home"), passphrase: Sample.secret("correct horse"))])
        return node
    }

    @Test(arguments: [OSProfile.Flavour.raspberryPiOSCloudInit, .ubuntuCloudInit])
    func `netplan gives the cable the address and no way out, and leaves Wi-Fi to DHCP`(
        _ flavour: OSProfile.Flavour
    ) async throws {
        let text = try #require(try await Sample.provision(Self.head(), flavour).text("network-config"))
        let root = try #require(try Yams.compose(yaml: text))
        let network = root["network"] ?? root
        let (cable, wifi) = (network["ethernets"]?["eth0"], network["wifis"]?["wlan0"])
        #expect(cable?["addresses"]?[0]?.string == "10.1.0.1/24")
        #expect(cable?["dhcp4"]?.bool == false && cable?["routes"] == nil)
        #expect(wifi?["dhcp4"]?.bool == true && wifi?["addresses"] == nil)
    }

    @Test(arguments: [Sample.bookworm, Sample.trixieFirstRun])
    func `NetworkManager does the same`(_ column: SettingsTable.Column) async throws {
        let found = try NetworkManagerTests.read(await Sample.provision(Self.head(), column))
        let cable = try #require(found["piflash-eth0"])
        #expect(cable.isValid && cable.addresses == ["10.1.0.1/24"] && cable.gateway == nil)
        // Wi-Fi by the keyfile, or by custom.toml, which has DHCP only.
        #expect(found["piflash-wlan0-1"].map { $0.method == "auto" && $0.addresses.isEmpty } ?? true)
    }

    @Test(arguments: [Sample.stretch, Sample.bullseyeTOML])
    func `dhcpcd does the same`(_ column: SettingsTable.Column) async throws {
        let text = try #require(try await Sample.provision(Self.head(), column).rootText("/etc/dhcpcd.conf"))
        #expect(text.contains("interface eth0\nstatic ip_address=10.1.0.1/24\n# piflash: end"))
        #expect(!text.contains("wlan0"))
    }

    @Test(arguments: [Sample.hypriot2015, Sample.wheezy, Sample.debian])
    func `ifupdown does the same`(_ column: SettingsTable.Column) async throws {
        let tree = try RootTree(column).applying(await Sample.provision(Self.head(), column))
        let files = ["/etc/network/interfaces", "/etc/network/interfaces.d/eth0", "/etc/network/interfaces.d/wlan0"]
        let text = files.compactMap(tree.text).joined()
        #expect(text.contains("iface eth0 inet static\n    address 10.1.0.1\n    netmask 255.255.255.0\n"))
        #expect(text.contains("iface wlan0 inet dhcp\n") && !text.contains("gateway"))
    }

    @Test func `DietPi, which switches the cable off beside Wi-Fi, refuses it with its line`() async throws {
        var node = Self.head()
        node.network.interface?.location = Sample.at("", line: 7).location
        let errors = try await Sample.errors(node, Sample.dietPi)
        #expect(errors.map(\.location?.line) == [7])
        #expect(errors.first?.text.contains("switches the cable off") == true)
    }
}
