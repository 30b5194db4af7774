import Text
import Recipes

/// The `network-config` of cloud-init: netplan's version 2. <https://netplan.readthedocs.io/en/stable/netplan-yaml/>
struct NetworkConfig {
    let draft: Draft
    /// Whether the image has netplan 0.105 or later: an older one refuses a file with a country.
    let namesCountry: Bool
    /// Whether NetworkManager sets up what netplan reads: then the networks have an order. networkd's have none.
    let ranksNetworks: Bool

    /// The members below `network:`. Both interfaces are always there: the file replaces what the image came with.
    var members: [YAML.Entry] {
        var entries: [YAML.Entry] = [
            .init("version", .number(2)),
            .init("ethernets", .map([.init("eth0", .map(addressing(of: "eth0")))])),
        ]
        if draft.hasWiFi {
            var wlan = addressing(of: "wlan0")
            // cloud-init has netplan read this file alone, without the image's, which names the renderer; there a setting
            // of NetworkManager is a mistake, and nothing of the node is set up.
            if hasOrder { wlan.insert(.init("renderer", .text("NetworkManager")), at: 0) }
            if namesCountry, let country = draft.country { wlan.append(.init("regulatory-domain", .text(country))) }
            wlan.append(.init("access-points", .map(accessPoints)))
            entries.append(.init("wifis", .map([.init("wlan0", .map(wlan))])))
        }
        return entries
    }

    private func addressing(of interface: String) -> [YAML.Entry] {
        let addressing = draft.addressing(of: interface)
        var entries: [YAML.Entry] = [.init("dhcp4", .flag(addressing.ipv4 == nil))]
        // Without it, netplan makes of an IPv6 name server NetworkManager's method "manual", which is invalid without an
        // address and takes the whole connection with it. With it, the method is "auto".
        if addressing.usesIPv6 { entries.append(.init("dhcp6", .flag(true))) }
        if !addressing.addresses.isEmpty {
            entries.append(.init("addresses", .list(addressing.addresses.map { .text($0.description) })))
        }
        // `gateway4` is deprecated and `to: default` is new; this form every release reads.
        let routes = addressing.gateways.map { gateway in
            YAML.map([
                .init("to", .text(gateway.contains(scalar: ":") ? "::/0" : "0.0.0.0/0")), .init("via", .text(gateway)),
            ])
        }
        if !routes.isEmpty { entries.append(.init("routes", .list(routes))) }
        let servers = addressing.nameServers
        if !servers.isEmpty {
            entries.append(.init("nameservers", .map([.init("addresses", .list(servers.map { .text($0) }))])))
        }
        // No boot waits for it: the first-boot program does, as far as its work needs a network.
        entries.append(.init("optional", .flag(true)))
        return entries
    }

    private var hasOrder: Bool { ranksNetworks && draft.material.accessPoints.count > 1 }

    private var accessPoints: [YAML.Entry] {
        let points = draft.material.accessPoints
        return points.enumerated().map { index, point in
            Self.accessPoint(point, priority: hasOrder ? points.count - index : nil)
        }
    }

    /// - Parameter priority: NetworkManager tries higher ones first; nil for no order.
    private static func accessPoint(_ point: Material.AccessPoint, priority: Int?) -> YAML.Entry {
        var entries: [YAML.Entry] = []
        if point.hidden { entries.append(.init("hidden", .flag(true))) }
        if let key = point.key {
            // 64 hex digits are taken as the key itself.
            entries.append(.init("password", .text(key)))
        } else {
            entries.append(.init("auth", .map([.init("key-management", .text("none"))])))
        }
        if let priority {
            let settings = YAML.map([.init("connection.autoconnect-priority", .text(String(priority)))])
            entries.append(.init("networkmanager", .map([.init("passthrough", settings)])))
        }
        return .init(point.ssid, .map(entries))
    }
}
