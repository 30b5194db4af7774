import Diagnostics
import Recipes
import Systems
import Testing
import Yams

@testable import Provisioning

@Suite struct NetworkTests {
    /// The members of one interface in a rendered network-config.
    private func interface(_ name: String, _ node: Recipes.Node, _ flavour: OSProfile.Flavour) async throws -> Yams.Node
    {
        let text = try #require(try await Sample.provision(node, flavour).text("network-config"))
        let root = try #require(try Yams.compose(yaml: text))
        let network = root["network"] ?? root
        return try #require(network[name.hasPrefix("eth") ? "ethernets" : "wifis"]?[name])
    }

    @Test(arguments: [OSProfile.Flavour.raspberryPiOSCloudInit, .ubuntuCloudInit])
    func `the address goes to Wi-Fi when there is some, and to the cable otherwise`(_ flavour: OSProfile.Flavour)
        async throws
    {
        var node = Sample.full()
        #expect(try await interface("wlan0", node, flavour)["addresses"]?[0]?.string == "192.168.50.11/24")
        #expect(try await interface("eth0", node, flavour)["dhcp4"]?.bool == true)
        #expect(try await interface("eth0", node, flavour)["addresses"] == nil)
        node.wifi = nil
        #expect(try await interface("eth0", node, flavour)["addresses"]?[0]?.string == "192.168.50.11/24")
        #expect(try await interface("eth0", node, flavour)["nameservers"]?["addresses"]?.sequence?.count == 2)
    }

    @Test func `only trixie's netplan gets the country, and an open network stays open`() async throws {
        let trixie = try await interface("wlan0", Sample.full(), .raspberryPiOSCloudInit)
        #expect(trixie["regulatory-domain"]?.string == "DE")
        #expect(trixie["access-points"]?["guests"]?["auth"]?["key-management"]?.string == "none")
        let ubuntu = try await interface("wlan0", Sample.full(), .ubuntuCloudInit)
        #expect(ubuntu["regulatory-domain"] == nil)
    }

    @Test(arguments: [OSProfile.Flavour.ubuntuCloudInit, .raspberryPiOSCloudInit])
    func `no boot waits for an interface, since the first-boot program does`(_ flavour: OSProfile.Flavour) async throws
    {
        for name in ["wlan0", "eth0"] {
            #expect(try await interface(name, Sample.full(), flavour)["optional"]?.bool == true)
        }
    }

    @Test func `a recipe that leaves a node unreachable or half said is warned of`() async throws {
        var node = Sample.bare()
        node.user = nil
        node.wifi = Node.WiFi(networks: [.init(ssid: Sample.at("65;66;", line: 3))])
        node.network.gateway = Sample.at("10.0.0.1", line: 4)
        let warnings = try await Sample.provision(node, .raspberryPiOSCloudInit).warnings
        #expect(warnings.compactMap(\.location?.line).sorted() == [1, 3, 4])
    }

    @Test func `a prefix length is a mask in four numbers`() {
        #expect(
            [0, 1, 8, 20, 24, 31, 32].map { Recipes.Node.StaticAddress(address: "10.0.0.1", prefixLength: $0).mask }
                == [
                    "0.0.0.0", "128.0.0.0", "255.0.0.0", "255.255.240.0", "255.255.255.0", "255.255.255.254",
                    "255.255.255.255",
                ])
    }
}
