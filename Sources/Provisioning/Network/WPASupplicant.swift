import Text

/// /etc/wpa_supplicant/wpa_supplicant.conf: with one bad line, or a byte-order mark, the file is refused.
/// <https://w1.fi/cgit/hostap/plain/wpa_supplicant/wpa_supplicant.conf>
enum WPASupplicant {
    static let path = "/etc/wpa_supplicant/wpa_supplicant.conf"

    /// The file as Raspbian jessie to bullseye take it from the boot partition; they move it to ``path``.
    static func bootFile(_ draft: Draft) -> Provision.BootFile {
        .init(
            path: "wpa_supplicant.conf", contents: contents(draft.material.accessPoints, country: draft.country),
            isConsumed: true)
    }

    static func contents(_ accessPoints: [Material.AccessPoint], country: String?) -> [UInt8] {
        var lines = ["ctrl_interface=DIR=/var/run/wpa_supplicant GROUP=netdev", "update_config=1"]
        if let country { lines.append("country=\(country)") }
        for (index, point) in accessPoints.enumerated() {
            lines.append("network={")
            // The recipe's order is the order of preference; without it the strongest signal decides.
            if accessPoints.count > 1 { lines.append("\tpriority=\(accessPoints.count - index)") }
            // Names are in hex: between quotes there are no escapes, and the last quote of the line ends the name.
            lines.append("\tssid=\(point.ssid.utf8.hex)")
            if point.hidden { lines.append("\tscan_ssid=1") }
            if let key = point.key {
                lines += ["\tkey_mgmt=WPA-PSK", "\tpsk=\(key)"]
            } else {
                lines.append("\tkey_mgmt=NONE")
            }
            lines.append("}")
        }
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }
}
