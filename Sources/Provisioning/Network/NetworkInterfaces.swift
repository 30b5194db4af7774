import Recipes

/// A file of /etc/network/interfaces.d (interfaces(5), ifupdown).
enum NetworkInterfaces {
    static func path(of interface: String) -> String { "/etc/network/interfaces.d/\(interface)" }

    static func contents(_ interface: String, _ draft: Draft) -> [UInt8] {
        var lines = ["allow-hotplug \(interface)"]
        if let address = draft.address(of: interface) {
            lines.append("iface \(interface) inet static")
            lines.append("    address \(address.address)")
            // ifupdown takes a prefix length only from jessie on.
            lines.append("    netmask \(address.mask)")
            if let gateway = draft.gateway(of: interface) { lines.append("    gateway \(gateway)") }
        } else {
            lines.append("iface \(interface) inet dhcp")
        }
        let servers = draft.nameServers(of: interface)
        if !servers.isEmpty { lines.append("    dns-nameservers \(servers.joined(separator: " "))") }
        if interface.hasPrefix("wlan") { lines.append("    wpa-conf \(WPASupplicant.path)") }
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }

}
