import Recipes

/// A file of /etc/network/interfaces.d (interfaces(5), ifupdown).
enum NetworkInterfaces {
    static func path(of interface: String) -> String { "/etc/network/interfaces.d/\(interface)" }

    static func contents(_ interface: String, _ draft: Draft) -> [UInt8] {
        let addressing = draft.addressing(of: interface)
        var lines = ["allow-hotplug \(interface)"]
        if let address = addressing.ipv4 {
            lines.append("iface \(interface) inet static")
            lines.append("    address \(address.address)")
            // ifupdown takes a prefix length only from jessie on.
            lines.append("    netmask \(address.mask)")
            if let gateway = addressing.gateway4 { lines.append("    gateway \(gateway)") }
        } else {
            lines.append("iface \(interface) inet dhcp")
        }
        let servers = addressing.resolverAddresses
        if !servers.isEmpty { lines.append("    dns-nameservers \(servers.joined(separator: " "))") }
        if interface.hasPrefix("wlan") { lines.append("    wpa-conf \(WPASupplicant.path)") }
        let ipv6 = ipv6Stanza(addressing)
        if !ipv6.isEmpty { lines += [""] + ipv6 }
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }

    /// The lines of a fixed IPv6 address; none without one.
    private static func ipv6Stanza(_ addressing: Addressing) -> [String] {
        guard let address = addressing.ipv6 else { return [] }
        return ["iface \(addressing.interface) inet6 static", "    address \(address.address)"]
            + ["    netmask \(address.prefixLength)"] + (addressing.gateway6.map { ["    gateway \($0)"] } ?? [])
            // Otherwise it turns the router's advertisements off. 2 takes them also with Docker, which forwards packets.
            + ["    accept_ra 2", "    autoconf 1"]
    }

    /// A file with the IPv6 address alone, for a system whose own first boot writes the rest of the interface into
    /// /etc/network/interfaces. Nil if the recipe fixes none.
    static func ipv6File(_ draft: Draft) -> Provision.NodeFile? {
        let lines = ipv6Stanza(draft.addressing(of: draft.primaryInterface))
        guard !lines.isEmpty else { return nil }
        return Provision.NodeFile(
            path: ipv6Path, contents: Array(lines.map { $0 + "\n" }.joined().utf8), mode: 0o644)
    }

    static let ipv6Path = "/etc/network/interfaces.d/piflash-ipv6"

    /// The name servers for dhclient, which writes resolv.conf at every lease: those of the recipe come first, then those
    /// of the network. dhclient-script(8) sources the file. Nil if the recipe has none.
    static func clientHook(_ draft: Draft) -> Provision.NodeFile? {
        let servers = draft.addressing(of: draft.primaryInterface).resolverAddresses
        guard !servers.isEmpty else { return nil }
        let text = """
            # Written by piflash: the recipe's name servers.
            new_domain_name_servers="\(servers.joined(separator: " "))${new_domain_name_servers:+ $new_domain_name_servers}"

            """
        return Provision.NodeFile(path: clientHookPath, contents: Array(text.utf8), mode: 0o644)
    }

    static let clientHookPath = "/etc/dhcp/dhclient-enter-hooks.d/piflash-dns"
}
