import Recipes
import Text

/// Connections of NetworkManager, one file each, which must belong to root and be readable only by root.
/// <https://networkmanager.dev/docs/api/latest/nm-settings-keyfile.html>
enum NetworkManagerKeyfile {
    static let directory = "/etc/NetworkManager/system-connections"
    private static let suffix = ".nmconnection"

    /// The cable's connection when the recipe fixes its address or name servers, and one for each Wi-Fi network that
    /// `includes` lets in.
    static func files(
        _ draft: Draft, includes: (Material.AccessPoint) -> Bool = { _ in true }
    ) -> [Provision.NodeFile] {
        var files: [Provision.NodeFile] = []
        if !draft.addressing(of: "eth0").isAutomatic {
            files.append(file("piflash-eth0", draft, interface: "eth0", type: "ethernet", rest: []))
        }
        for (index, point) in draft.material.accessPoints.enumerated() where includes(point) {
            var lines = ["[wifi]", "mode=infrastructure", "ssid=\(ssid(point.ssid))"]
            if point.hidden { lines.append("hidden=true") }
            if let key = point.key { lines += ["", "[wifi-security]", "key-mgmt=wpa-psk", "psk=\(key)"] }
            files.append(
                file(
                    "piflash-wlan0-\(index + 1)", draft, interface: "wlan0", type: "wifi",
                    // The recipe's order is the order of preference; 0 is the default of all others.
                    priority: draft.material.accessPoints.count - index, rest: lines + [""]))
        }
        return files
    }

    /// Whether `path` is one that these files can have.
    static func owns(_ path: String) -> Bool {
        let prefix = directory + "/piflash-"
        return path.hasPrefix(prefix) && path.hasSuffix(suffix) && !path.dropFirst(prefix.count).contains(scalar: "/")
    }

    /// A name as the list of its bytes: as text, backslashes, leading blanks and names like "65;66;" would be read as
    /// something else.
    static func ssid(_ name: String) -> String { name.utf8.map { "\($0);" }.joined() }

    private static func file(
        _ name: String, _ draft: Draft, interface: String, type: String, priority: Int? = nil, rest: [String]
    ) -> Provision.NodeFile {
        var lines = ["[connection]", "id=\(name)", "uuid=\(uuid(name, draft))", "type=\(type)"]
        lines.append("interface-name=\(interface)")
        if let priority { lines.append("autoconnect-priority=\(priority)") }
        let addressing = draft.addressing(of: interface)
        lines += [""] + rest + ["[ipv4]", "method=\(addressing.ipv4 == nil ? "auto" : "manual")"]
        lines += family(addressing.ipv4, addressing.gateway4, addressing.nameServers4)
        // Also with a fixed address: the router's advertisements still count.
        lines += ["", "[ipv6]", "method=auto"]
        lines += family(addressing.ipv6, addressing.gateway6, addressing.nameServers6)
        return Provision.NodeFile(
            path: "\(directory)/\(name)\(suffix)", contents: Array(lines.map { $0 + "\n" }.joined().utf8),
            mode: 0o600)
    }

    /// A server of one family in the other one's section is dropped.
    private static func family(
        _ address: Node.StaticAddress?, _ gateway: String?, _ servers: [String]
    ) -> [String] {
        var lines = address.map { ["address1=\($0)\(gateway.map { ",\($0)" } ?? "")"] } ?? []
        if !servers.isEmpty { lines.append("dns=\(servers.map { $0 + ";" }.joined())") }
        return lines
    }

    /// The same for the same node and connection, in the form of RFC 9562's version 8 (free for the maker's own use).
    private static func uuid(_ name: String, _ draft: Draft) -> String {
        let digits = Array(
            digest(
                of: [Array("piflash connection".utf8), Array(draft.node.hostname.value.utf8), Array(name.utf8)],
                digits: 32))
        let parts = [digits[0..<8], digits[8..<12], ["8"] + digits[13..<16], ["8"] + digits[17..<20], digits[20..<32]]
        return parts.map { String($0) }.joined(separator: "-")
    }
}
