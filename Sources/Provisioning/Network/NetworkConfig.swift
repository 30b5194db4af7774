import Text
import Recipes

/// The `network-config` of cloud-init: netplan's version 2. <https://netplan.readthedocs.io/en/stable/netplan-yaml/>
///
/// It is on the boot partition, which is not a place for the keys of Wi-Fi: if the root partition can be edited, Wi-Fi is in a
/// file of netplan's there, beside the one that cloud-init makes of network-config.
struct NetworkConfig {
    let draft: Draft
    /// Whether the image has netplan 0.105 or later: an older one refuses a file with a country.
    let namesCountry: Bool
    /// Whether NetworkManager sets up what netplan reads: then the networks have an order. networkd's have none.
    let ranksNetworks: Bool

    /// Of netplan's files the last one in the alphabet wins; cloud-init's is 50-cloud-init.yaml.
    static let wifiPath = "/etc/netplan/60-piflash-wifi.yaml"

    /// Wi-Fi as a file in the root partition; nil if network-config has it, or there is none. netplan warns of such a file
    /// if others may read it.
    var wifiFile: Provision.NodeFile? {
        guard draft.hasWiFi, draft.editsRoot else { return nil }
        let document = YAML.map([.init("network", .map([.init("version", .number(2)), wifi]))]).document
        return .init(path: Self.wifiPath, contents: Array(document.utf8), mode: 0o600)
    }

    /// The members below `network:`. The file replaces what the image came with, so it always has the cable.
    var members: [YAML.Entry] {
        let entries: [YAML.Entry] = [
            .init("version", .number(2)),
            .init("ethernets", .map([.init("eth0", .map(addressing(of: "eth0")))])),
        ]
        return draft.hasWiFi && !draft.editsRoot ? entries + [wifi] : entries
    }

    private var wifi: YAML.Entry {
        var wlan = addressing(of: "wlan0")
        // cloud-init has netplan read this file alone, without the image's, which names the renderer; there a setting
        // of NetworkManager is a mistake, and nothing of the node is set up.
        if hasOrder { wlan.insert(.init("renderer", .text("NetworkManager")), at: 0) }
        if namesCountry, let country = draft.country { wlan.append(.init("regulatory-domain", .text(country))) }
        wlan.append(.init("access-points", .map(accessPoints)))
        return .init("wifis", .map([.init("wlan0", .map(wlan))]))
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
