import Recipes
import Systems

/// /etc/dhcpcd.conf, by which Raspbian jessie to bullseye set up every interface (dhcpcd.conf(5)).
enum DHCPCDConfiguration {
    static let path = RootPath.dhcpcd
    static let begin = "# piflash: begin"
    static let end = "# piflash: end"

    /// `text` with our block as the draft wants it, or without one when it wants none.
    static func edited(_ text: String, _ draft: Draft) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let first = lines.firstIndex(of: begin), let last = lines[first...].firstIndex(of: end) {
            lines.removeSubrange(first...last)
        } else if block(draft).isEmpty {
            return text
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return (lines + block(draft)).map { $0 + "\n" }.joined()
    }

    /// The block, empty when the draft leaves all to DHCP. An `interface` statement applies to all lines after
    /// it, so the block is at the end of the file.
    static func block(_ draft: Draft) -> [String] {
        let addressing = draft.addressing(of: draft.primaryInterface)
        var lines: [String] = []
        if let address = addressing.ipv4 { lines.append("static ip_address=\(address)") }
        if let gateway = addressing.gateway4 { lines.append("static routers=\(gateway)") }
        if let address = addressing.ipv6 { lines.append("static ip6_address=\(address)") }
        // Its script writes them to resolv.conf as they are, of both families.
        let servers = addressing.resolverAddresses
        if !servers.isEmpty { lines.append("static domain_name_servers=\(servers.joined(separator: " "))") }
        return lines.isEmpty ? [] : [begin, "interface \(addressing.interface)"] + lines + [end]
    }
}
