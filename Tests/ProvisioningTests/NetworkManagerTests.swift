import Foundation
import Provisioning
import Recipes
import Testing
import Text

/// What NetworkManager's own reader of keyfiles (libnm) makes of ours.
@Suite struct NetworkManagerTests {
    struct Connection: Decodable {
        let name: String
        let interface: String?
        let ssid: String?
        let hidden: Bool
        let security: [String?]?
        let addresses: [String]
        let gateway: String?
        let dns: [String]
        let method: String
        let addresses6: [String]
        let gateway6: String?
        let routes6: [String]
        let dns6: [String]
        let method6: String
        let isValid: Bool
        let priority: Int
        let complaints: [String]
    }

    private static let reader = """
        import gi
        gi.require_version("NM", "1.0")
        from gi.repository import GLib, NM
        answer = []
        for name, text in sorted(question.items()):
            file, complaints = GLib.KeyFile(), []
            file.load_from_data(text, len(text.encode()), 0)
            def complain(keyfile, connection, kind, data, user):
                complaints.append(str(kind))
                return False
            connection = NM.keyfile_read(file, "/", NM.KeyfileHandlerFlags.NONE, complain, None)
            connection.normalize()
            try:
                is_valid = connection.verify()
            except GLib.Error as error:
                is_valid = False
                complaints.append(error.message)
            general, ip = connection.get_setting_connection(), connection.get_setting_ip4_config()
            ip6 = connection.get_setting_ip6_config()
            wifi, security = connection.get_setting_wireless(), connection.get_setting_wireless_security()
            answer.append({
                "name": general.get_id(), "interface": general.get_interface_name(),
                "ssid": wifi and wifi.get_ssid().get_data().hex(), "hidden": bool(wifi and wifi.get_hidden()),
                "security": security and [security.get_key_mgmt(), security.get_psk()],
                "addresses": ["%s/%d" % (a.get_address(), a.get_prefix())
                              for a in (ip.get_address(i) for i in range(ip.get_num_addresses()))],
                "gateway": ip.get_gateway(), "dns": [ip.get_dns(i) for i in range(ip.get_num_dns())],
                "addresses6": ["%s/%d" % (a.get_address(), a.get_prefix())
                               for a in (ip6.get_address(i) for i in range(ip6.get_num_addresses()))],
                "gateway6": ip6.get_gateway(), "dns6": [ip6.get_dns(i) for i in range(ip6.get_num_dns())],
                "routes6": ["%s/%d %s" % (r.get_dest(), r.get_prefix(), r.get_next_hop())
                            for r in (ip6.get_route(i) for i in range(ip6.get_num_routes()))],
                "method6": ip6.get_method(), "isValid": bool(is_valid),
                "method": ip.get_method(), "priority": general.get_autoconnect_priority(),
                "complaints": complaints,
            })
        """

    static func read(_ provision: Provision) throws -> [String: Connection] {
        let directory = "/etc/NetworkManager/system-connections/"
        var question: [String: String] = [:]
        for (path, file) in provision.laidDown where path.hasPrefix(directory) {
            #expect(file.mode == 0o600)
            question[path] = String(decoding: file.contents, as: UTF8.self)
        }
        return try read(question)
    }

    /// By the file's name, the text of each.
    static func read(_ question: [String: String]) throws -> [String: Connection] {
        let answer: [Connection] = try Oracle.ask(question, reader)
        return Dictionary(uniqueKeysWithValues: answer.map { ($0.name, $0) })
    }

    @Test(arguments: [Sample.bookworm, Sample.trixieFirstRun, Sample.withoutFirstBoot])
    func `NetworkManager takes every network for what it is`(_ column: SettingsTable.Column) async throws {
        let node = Sample.nasty(for: column)
        let found = try Self.read(await Sample.provision(node, column))
        #expect(found.count == Sample.networks.count)
        let keys = try Passphrases.keys(of: Sample.networks)
        for (index, network) in Sample.networks.enumerated() {
            let connection = try #require(found["piflash-wlan0-\(index + 1)"])
            let comment = Comment(rawValue: network.ssid.value)
            #expect(connection.complaints == [], comment)
            #expect(connection.ssid == network.ssid.value.utf8.hexText, comment)
            #expect(connection.hidden == network.hidden, comment)
            #expect(connection.security == keys[index].map { ["wpa-psk", $0] }, comment)
            #expect(connection.interface == "wlan0")
            #expect(connection.addresses == ["192.168.50.11/24"])
            #expect(connection.gateway == "192.168.50.1")
            #expect(connection.dns == ["192.168.50.1", "9.9.9.9"])
            #expect(connection.method == "manual")
        }
        let preference = found.values.sorted { $0.priority > $1.priority }.map(\.name)
        #expect(preference == Sample.networks.indices.map { "piflash-wlan0-\($0 + 1)" })
    }

    @Test(arguments: [Sample.bookworm, Sample.trixieFirstRun, Sample.withoutFirstBoot])
    func `NetworkManager gives the cable its address`(_ column: SettingsTable.Column) async throws {
        var node = Sample.full(for: column)
        node.wifi = nil
        let found = try Self.read(await Sample.provision(node, column))
        let connection = try #require(found["piflash-eth0"])
        #expect(found.count == 1)
        #expect(connection.complaints == [])
        #expect(connection.interface == "eth0")
        #expect(connection.addresses == ["192.168.50.11/24"])
        #expect(connection.gateway == "192.168.50.1")
        #expect(connection.dns == ["192.168.50.1", "9.9.9.9"])
    }
}

/// Passphrases and keys by another program.
enum Passphrases {
    /// The key of each network, nil for one that is open.
    static func keys(of networks: [Node.WiFiNetwork]) throws -> [String?] {
        let question: [[String?]] = networks.map { network in
            guard case .literal(let text)? = network.passphrase?.source else { return [network.ssid.value, nil] }
            return [network.ssid.value, text]
        }
        return try Oracle.ask(
            question,
            """
            import hashlib
            answer = [word and hashlib.pbkdf2_hmac("sha1", word.encode(), name.encode(), 4096, 32).hex()
                      for name, word in question]
            """)
    }
}

extension Sequence<UInt8> {
    var hexText: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
