import Recipes
import Text

/// What the recipe gives one interface. What it leaves open, the network gives: IPv4 by DHCP, IPv6 by the router's
/// advertisements, which a fixed IPv6 address does not turn off.
struct Addressing: Sendable {
    let interface: String
    let ipv4: Node.StaticAddress?
    let ipv6: Node.StaticAddress?
    let gateway4: String?
    let gateway6: String?
    /// In the recipe's order.
    let nameServers: [String]

    /// All by the network.
    init(interface: String) {
        self.interface = interface
        (ipv4, ipv6, gateway4, gateway6, nameServers) = (nil, nil, nil, nil, [])
    }

    init(_ node: Node, interface: String) {
        self.interface = interface
        let addresses = node.addresses.map(\.value)
        let ipv4 = addresses.first(where: \.isIPv4)
        let ipv6 = addresses.first { !$0.isIPv4 }
        let gateways = node.network.gateways.map(\.value)
        self.ipv4 = ipv4
        self.ipv6 = ipv6
        gateway4 = ipv4 == nil ? nil : gateways.first { !$0.contains(scalar: ":") }
        gateway6 = ipv6 == nil ? nil : gateways.first { $0.contains(scalar: ":") }
        nameServers = node.network.dns.map(\.value)
    }

    var addresses: [Node.StaticAddress] { [ipv4, ipv6].compactMap { $0 } }

    var gateways: [String] { [gateway4, gateway6].compactMap { $0 } }

    var nameServers4: [String] { nameServers.filter { !$0.contains(scalar: ":") } }

    var nameServers6: [String] { nameServers.filter { $0.contains(scalar: ":") } }

    /// Whether the recipe says anything of IPv6.
    var usesIPv6: Bool { ipv6 != nil || !nameServers6.isEmpty }

    /// Whether the network gives all of it.
    var isAutomatic: Bool { addresses.isEmpty && nameServers.isEmpty }

    /// As resolv.conf(5) takes them: a link-local address only with its interface.
    var resolverAddresses: [String] {
        nameServers.map { IPAddress($0)?.isLinkLocal == true ? "\($0)%\(interface)" : $0 }
    }
}
