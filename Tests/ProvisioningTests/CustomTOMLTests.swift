import Provisioning
import Recipes
import Testing
import Text

/// What the readers of TOML find in custom.toml: python's own, and the one of the image, whose refusal would stop the boot.
@Suite struct CustomTOMLTests {
    private struct Document: Decodable {
        struct System: Decodable { let hostname: String }
        struct User: Decodable {
            let name: String
            let password: String?
            let password_encrypted: Bool?
        }
        struct SSH: Decodable {
            let enabled: Bool
            let password_authentication: Bool
            let authorized_keys: [String]?
        }
        struct WLAN: Decodable {
            let ssid: String
            let password: String
            let password_encrypted: Bool
            let hidden: Bool
            let country: String?
        }
        struct Locale: Decodable {
            let keymap: String?
            let timezone: String?
        }
        let config_version: Int
        let system: System
        let user: User?
        let ssh: SSH
        let wlan: WLAN?
        let locale: Locale?
    }

    /// The image's init_config uses the package toml 0.10, which is Debian's python3-toml.
    private static func read(_ texts: [String], by reader: String) throws -> [Document] {
        try Oracle.ask(texts, "import \(reader)\nanswer = [\(reader).loads(text) for text in question]")
    }

    @Test(arguments: [Sample.bullseyeTOML, Sample.bookworm], ["tomllib", "toml"])
    func `custom-toml says what the recipe says`(_ column: SettingsTable.Column, reader: String) async throws {
        let node = Sample.nasty(for: column)
        let provision = try await Sample.provision(node, column)
        let text = try #require(provision.text("custom.toml"))
        let document = try Self.read([text], by: reader)[0]
        #expect(document.config_version == 1)
        #expect(document.system.hostname == "red01")
        #expect(document.user?.name == "pirate")
        // Every user of the node can read the boot partition: the first-boot program sets the password.
        #expect(document.user?.password == nil)
        #expect(document.ssh.enabled)
        #expect(!document.ssh.password_authentication)
        for (key, expected) in zip(try #require(document.ssh.authorized_keys), Sample.keys) {
            #expect(key == expected.trimmingBlanks)
        }
        #expect(document.ssh.authorized_keys?.count == Set(Sample.keys.map(\.trimmingBlanks)).count)
        #expect(document.wlan == nil)
        #expect(document.locale?.keymap == "de")
        #expect(document.locale?.timezone == "Europe/Berlin")
    }

    @Test func `a network is in custom-toml only if bookworm's set-wlan copies it correctly`() async throws {
        var texts: [String] = []
        for network in Sample.networks {
            var node = Sample.bare()
            node.user?.password = nil
            node.wifi = Node.WiFi(country: Sample.at("DE"), networks: [network])
            // Where the root partition can be edited, the key is not for all to read.
            let whole = try await Sample.provision(node, Sample.bookworm)
            #expect(whole.laidDown.keys.contains { $0.hasSuffix("/piflash-wlan0-1.nmconnection") })
            #expect(whole.text("custom.toml")?.contains("wlan") == false)
            // Elsewhere only custom.toml is left, or nothing.
            let alone = try? await Sample.provision(node, Sample.bookworm, root: .some(nil))
            texts.append(
                alone?.text("custom.toml")
                    ?? "config_version = 1\nsystem.hostname = ''\nssh = { enabled = true, password_authentication = false }\n"
            )
        }
        let documents = try Self.read(texts, by: "tomllib")
        let names = documents.map { $0.wlan?.ssid }
        // set_wlan puts the name as it is behind "ssid=".
        let taken: [String?] = try Oracle.ask(
            names,
            """
            import gi
            gi.require_version("NM", "1.0")
            from gi.repository import GLib, NM
            def taken(name):
                text = "[connection]\\nid=x\\ntype=wifi\\n[wifi]\\nssid=%s\\n" % name
                file = GLib.KeyFile()
                file.load_from_data(text, len(text.encode()), 0)
                connection = NM.keyfile_read(file, "/", NM.KeyfileHandlerFlags.NONE, None, None)
                return connection.get_setting_wireless().get_ssid().get_data().hex()
            answer = [name and taken(name) for name in question]
            """)
        let keys = try Passphrases.keys(of: Sample.networks)
        var count = 0
        for (index, network) in Sample.networks.enumerated() {
            let comment = Comment(rawValue: network.ssid.value)
            guard let wlan = documents[index].wlan else { continue }
            count += 1
            #expect(wlan.ssid == network.ssid.value, comment)
            #expect(taken[index] == network.ssid.value.utf8.hexText, comment)
            #expect(wlan.password == keys[index] && wlan.password_encrypted, comment)
            #expect(wlan.hidden == network.hidden && wlan.country == "DE", comment)
        }
        #expect(count > 1)
    }
}

extension String {
    /// Without blanks and byte-order marks at the ends, as keys are taken from a recipe.
    var trimmingBlanks: String {
        func isBlank(_ scalar: Unicode.Scalar) -> Bool { " \t\u{FEFF}".unicodeScalars.contains(scalar) }
        var scalars = unicodeScalars.drop(while: isBlank)
        while let last = scalars.last, isBlank(last) { scalars.removeLast() }
        return String(scalars)
    }
}
