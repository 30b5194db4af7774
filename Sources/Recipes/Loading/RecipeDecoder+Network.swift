import Diagnostics
import Text

/// Addresses, gateways and name servers.
extension RecipeDecoder {
    mutating func addresses(_ fields: Fields) -> [Located<Node.StaticAddress>] {
        let found = oneOrMore(fields, "address").compactMap { text -> Located<Node.StaticAddress>? in
            guard let network = IPNetwork(text.value) else { return nil }
            let address = Node.StaticAddress(
                address: network.address.description, prefixLength: network.prefixLength)
            return Located(address, at: text.location)
        }
        return oneOfEachFamily(found, "address", \.isIPv4)
    }

    mutating func network(
        _ value: RecipeValue, addresses: [Located<Node.StaticAddress>], wifi: Node.WiFi?
    ) -> Node.Network {
        guard let fields = fields(value, "network", .network) else { return Node.Network() }
        var network = Node.Network(interface: choice(fields, "interface"))
        network.gateways = oneOfEachFamily(canonical(oneOrMore(fields, "gateway")), "network.gateway") {
            !$0.contains(scalar: ":")
        }
        network.dns = canonical(texts(fields, "dns"))
        network.proxy = fields["proxy"].flatMap { proxy($0, "network.proxy") }
        // Most proxies serve both, and few recipes name them twice.
        if var proxy = network.proxy, proxy.https == nil {
            (proxy.https, proxy.httpsSecret) = (proxy.http, proxy.httpSecret)
            network.proxy = proxy
        }
        for gateway in network.gateways { check(gateway, of: addresses) }
        if let interface = network.interface {
            if interface.value == .wifi, wifi?.networks.isEmpty ?? true {
                report.error(at: interface.location, "network.interface: wifi, but the recipe has no wifi.networks")
            }
            if addresses.isEmpty, network.dns.isEmpty, network.gateways.isEmpty {
                report.warning(
                    at: interface.location,
                    "network.interface: has no effect without address, network.gateway or network.dns")
            }
        }
        checkNameServers(network.dns, addresses: addresses)
        return network
    }

    /// With two interfaces and without a gateway nothing says which one an address is for.
    mutating func checkInterface(
        addresses: [Located<Node.StaticAddress>], network: Node.Network, wifi: Node.WiFi?
    ) {
        guard network.interface == nil, network.gateways.isEmpty, !(wifi?.networks.isEmpty ?? true),
            let address = addresses.first
        else { return }
        report.error(
            at: address.location,
            "address: with wifi and without network.gateway it can be meant for the cable or for Wi-Fi; write "
                + "network.interface: wired, or wifi")
    }

    /// Reports the second value of a family, and keeps the first.
    private mutating func oneOfEachFamily<Value>(
        _ values: [Located<Value>], _ key: String, _ isIPv4: (Value) -> Bool
    ) -> [Located<Value>] {
        var kept: [Located<Value>] = []
        for value in values {
            if kept.contains(where: { isIPv4($0.value) == isIPv4(value.value) }) {
                let family = isIPv4(value.value) ? "IPv4" : "IPv6"
                report.error(at: value.location, "\(key): more than one \(family) address; write one of each family")
            } else {
                kept.append(value)
            }
        }
        return kept
    }

    private func canonical(_ texts: [Located<String>]) -> [Located<String>] {
        texts.map { Located(IPAddress($0.value)?.description ?? $0.value, at: $0.location) }
    }

    private mutating func check(_ gateway: Located<String>, of addresses: [Located<Node.StaticAddress>]) {
        guard let other = IPAddress(gateway.value) else { return }
        guard let address = addresses.first(where: { $0.value.isIPv4 == other.isIPv4 }) else {
            guard !addresses.isEmpty else { return }
            report.error(
                at: gateway.location,
                "network.gateway: \(other) without an \(other.isIPv4 ? "IPv4" : "IPv6") address; add one to address")
            return
        }
        // A router's fe80:: address is on every link.
        guard let own = IPNetwork(address.value.description), !other.isLinkLocal else { return }
        if !own.contains(other) || other == own.address {
            report.error(at: gateway.location, "network.gateway: \(other) is not another host of \(own)")
        } else if other.bytes == own.networkBytes || other.isIPv4 && other.bytes == own.lastBytes {
            report.error(
                at: gateway.location,
                "network.gateway: \(other) is the own or the broadcast address of \(own)'s network")
        }
    }

    /// glibc asks three name servers at most (resolv.conf(5)).
    private static let mostNameServers = 3

    private mutating func checkNameServers(_ servers: [Located<String>], addresses: [Located<Node.StaticAddress>]) {
        var seen: Set<String> = []
        for server in servers {
            if !seen.insert(server.value).inserted {
                report.warning(at: server.location, "network.dns: \(server.value) appears twice")
            } else if addresses.contains(where: { $0.value.address == server.value })
                || IPAddress(server.value)?.isLoopback == true
            {
                report.warning(
                    at: server.location,
                    "network.dns: \(server.value) is the node itself: until a resolver runs there, the node finds no "
                        + "names; the first boot can install one, but needs another server for that")
            }
        }
        if servers.count > Self.mostNameServers {
            report.warning(
                at: servers[Self.mostNameServers].location,
                "network.dns: programs ask only the first \(Self.mostNameServers) name servers")
        }
    }
}
