import Recipes

/// The `network-config` of cloud-init: netplan's version 2. <https://netplan.readthedocs.io/en/stable/netplan-yaml/>
struct NetworkConfig {
    let draft: Draft
    /// Whether the image has netplan 0.105 or later: an older one refuses a file with a country.
    let namesCountry: Bool

    /// The members below `network:`. Both interfaces are always there: the file replaces what the image came with.
    var members: [YAML.Entry] {
        var entries: [YAML.Entry] = [
            .init("version", .number(2)),
            .init("ethernets", .map([.init("eth0", .map(addressing(of: "eth0")))])),
        ]
        if draft.hasWiFi {
            var wlan = addressing(of: "wlan0")
            if namesCountry, let country = draft.country { wlan.append(.init("regulatory-domain", .text(country))) }
            wlan.append(.init("access-points", .map(draft.material.accessPoints.map(Self.accessPoint))))
            entries.append(.init("wifis", .map([.init("wlan0", .map(wlan))])))
        }
        return entries
    }

    private func addressing(of interface: String) -> [YAML.Entry] {
        var entries: [YAML.Entry] = []
        if let address = draft.address(of: interface) {
            entries.append(.init("dhcp4", .flag(false)))
            entries.append(.init("addresses", .list([.text("\(address.address)/\(address.prefixLength)")])))
        } else {
            entries.append(.init("dhcp4", .flag(true)))
        }
        if let gateway = draft.gateway(of: interface) {
            // `gateway4` is deprecated and `to: default` is new; this form every release reads.
            let route = YAML.map([.init("to", .text("0.0.0.0/0")), .init("via", .text(gateway))])
            entries.append(.init("routes", .list([route])))
        }
        let servers = draft.nameServers(of: interface)
        if !servers.isEmpty {
            entries.append(.init("nameservers", .map([.init("addresses", .list(servers.map { .text($0) }))])))
        }
        // No boot waits for it: the first-boot program does, as far as its work needs a network.
        entries.append(.init("optional", .flag(true)))
        return entries
    }

    private static func accessPoint(_ point: Material.AccessPoint) -> YAML.Entry {
        var entries: [YAML.Entry] = []
        if point.hidden { entries.append(.init("hidden", .flag(true))) }
        if let key = point.key {
            // 64 hex digits are taken as the key itself.
            entries.append(.init("password", .text(key)))
        } else {
            entries.append(.init("auth", .map([.init("key-management", .text("none"))])))
        }
        return .init(point.ssid, .map(entries))
    }
}
