import Diagnostics
import Recipes
import Systems
import Text

/// DietPi: dietpi.txt, of which its first boot takes each value raw to the end of the line, and dietpi-wifi.txt, which is
/// sourced by bash as root, so that a value with wrong quotes is code. <https://github.com/MichaIng/DietPi>
enum DietPi: FlavourRenderer {
    static let facts = FlavourFacts(
        hasPublishedLogin: true, defaultCodename: nil, bundledDocker: nil, takesOverFirstUser: false,
        switchesRadioOn: false, installsPackages: true, readsListsOfBytesAsSSIDs: false,
        hasCloudInit: false, renamesFirstUser: false, seededAccounts: ["root", "dietpi"],
        removableBootFiles: [BootPath.dietPiWiFi])

    /// What dietpi-wifi.txt sources: the keys of Wi-Fi, which do not belong on the boot partition.
    static let wifiPath = "/etc/piflash/dietpi-wifi"

    /// What dietpi-wifi.txt has room for.
    private static let mostNetworks = 5

    static func support(_ profile: OSProfile) -> [Setting: Support] {
        var support = RootFlavour.support(profile)
        support.set(
            .hostname, .address, .nameServers, .timezone, .language, .keyboard, .country, .packages,
            to: .native("dietpi.txt"))
        support.set(.wifi, .severalNetworks, .hiddenNetwork, .openNetwork, to: .native("dietpi-wifi.txt"))
        support[.country] = .native("cmdline.txt, dietpi.txt")
        support[.sshPassword] = .native("dietpi.txt")
        // dietpi.txt takes IPv4 only.
        support.set(.ipv6Address, .ipv6Gateway, to: .rootEdit("/etc/network/interfaces.d"))
        support[.wiredBesideWiFi] = .impossible("it switches the cable off if it has Wi-Fi; leave wifi out")
        return support
    }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        let node = draft.node
        if draft.addressing(of: draft.primaryInterface).ipv4 == nil, let server = node.network.dns.first {
            report.error(at: server.location, "network.dns: DietPi takes name servers only together with address")
        }
        // Its images read that directory; a changed one may not.
        if let address = node.addresses.first(where: { !$0.value.isIPv4 }), let root = draft.root,
            root.text(RootPath.interfaces)?.contains("interfaces.d") == false
        {
            report.error(
                at: address.location,
                "address: \(RootPath.interfaces) of the image does not read interfaces.d, where the IPv6 address would go"
            )
        }
        if let lang = node.locale.lang, LocaleNames.characterSet(of: lang.value) != "UTF-8" {
            report.error(
                at: lang.location,
                "locale.lang: DietPi takes only locales with the character set UTF-8, and en_GB.UTF-8 instead of others"
            )
        }
        if draft.material.accessPoints.count > mostNetworks, let network = node.wifi?.networks.last {
            report.error(at: network.ssid.location, "wifi.networks: DietPi takes \(mostNetworks) at most")
        }
        var files = [Provision.BootFile(path: BootPath.dietPi, contents: settings(draft))]
        if draft.hasWiFi {
            let text = draft.editsRoot ? "# Written by piflash.\n. \(wifiPath)\n" : wifi(draft)
            files.append(.init(path: BootPath.dietPiWiFi, contents: Array(text.utf8)))
        }
        return Rendering(
            bootFiles: files,
            rootEdits: RootFlavour.edits(draft) { setup in
                setup.setUser(report: &report)
                if let file = NetworkInterfaces.ipv6File(draft) { setup.put(file) }
                if draft.hasWiFi {
                    setup.put(
                        Provision.NodeFile(path: wifiPath, contents: Array(wifi(draft).utf8), mode: 0o600))
                }
                setup.setEnvironment()
                // dietpi.txt has no key for a variant; the layout's line alone is replaced.
                if KeyboardFile.hasVariant(draft.node) { setup.setKeyboard() }
                setup.setFirstBoot()
            }, kernelTokens: RootFlavour.kernelTokens(draft))
    }

    /// Our values for dietpi.txt. An empty one is written only if the key is there.
    private static func values(_ draft: Draft) -> [(String, String)] {
        let node = draft.node
        var values: [(String, String)] = [
            // Without it the first login meets a menu.
            ("AUTO_SETUP_AUTOMATED", "1"), ("AUTO_SETUP_NET_HOSTNAME", node.hostname.value),
            ("AUTO_SETUP_NET_ETHERNET_ENABLED", "1"), ("AUTO_SETUP_NET_WIFI_ENABLED", draft.hasWiFi ? "1" : "0"),
            // root and dietpi get this password, which must not be the published one.
            ("AUTO_SETUP_GLOBAL_PASSWORD", draft.material.unguessable),
            ("SOFTWARE_DISABLE_SSH_PASSWORD_LOGINS", draft.allowsPasswordLogin || node.user == nil ? "0" : "1"),
        ]
        // DietPi's default is Dropbear, whose programs are not those that the swarm's token service needs.
        if draft.needsOpenSSH { values.append(("AUTO_SETUP_SSH_SERVER_INDEX", "-2")) }
        if let country = draft.country { values.append(("AUTO_SETUP_NET_WIFI_COUNTRY_CODE", country)) }
        if let zone = node.locale.timezone?.value { values.append(("AUTO_SETUP_TIMEZONE", zone)) }
        if let language = node.locale.lang?.value { values.append(("AUTO_SETUP_LOCALE", language)) }
        if let keyboard = node.locale.keyboard?.value {
            values.append(("AUTO_SETUP_KEYBOARD_LAYOUT", KeyboardFile.name(keyboard).layout))
        }
        values += addressing(draft)
        if node.firstBoot.legacyArchive?.value == true, let archive = PackageArchive.gone(draft.profile) {
            let key = archive.legacy == .raspbian ? "CONFIG_APT_RASPBIAN_MIRROR" : "CONFIG_APT_DEBIAN_MIRROR"
            values.append((key, "http://\(archive.legacy.host)/\(archive.legacy.rawValue)"))
        }
        values.append(("AUTO_SETUP_APT_INSTALLS", node.firstBoot.packages.map(\.value).joined(separator: " ")))
        return values
    }

    private static func addressing(_ draft: Draft) -> [(String, String)] {
        let primary = draft.primaryInterface
        let addressing = draft.addressing(of: primary)
        guard let address = addressing.ipv4 else { return [("AUTO_SETUP_NET_USESTATIC", "0")] }
        var values = [
            ("AUTO_SETUP_NET_USESTATIC", "1"), ("AUTO_SETUP_NET_STATIC_IP", address.address),
            ("AUTO_SETUP_NET_STATIC_MASK", address.mask),
        ]
        if let gateway = addressing.gateway4 { values.append(("AUTO_SETUP_NET_STATIC_GATEWAY", gateway)) }
        // Written to resolv.conf or to dns-nameservers as they are, of both families.
        let servers = addressing.resolverAddresses
        if !servers.isEmpty { values.append(("AUTO_SETUP_NET_STATIC_DNS", servers.joined(separator: " "))) }
        return values
    }

    /// The image's dietpi.txt with our values; the rest stays as it is.
    private static func settings(_ draft: Draft) -> [UInt8] {
        var lines = (draft.boot.text(BootPath.dietPi) ?? "")
            .split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map(String.init)
        while lines.last?.isEmpty == true { lines.removeLast() }
        for (key, value) in values(draft) {
            let line = "\(key)=\(value)"
            // Its scripts take the first line with the key, even after blanks.
            if let index = lines.firstIndex(where: {
                let plain = $0.drop { $0 == " " || $0 == "\t" }
                return plain.begins(with: key + "=") || plain.begins(with: "#\(key)=")
            }) {
                lines[index] = line
            } else if !value.isEmpty {
                lines.append(line)
            }
        }
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }

    private static func wifi(_ draft: Draft) -> String {
        var text = "# Written by piflash.\n"
        for (index, point) in draft.material.accessPoints.enumerated() {
            text += "aWIFI_SSID[\(index)]=\(shellQuoted(point.ssid))\n"
            text += "aWIFI_KEY[\(index)]=\(shellQuoted(point.key ?? ""))\n"
            text += "aWIFI_KEYMGR[\(index)]=\(shellQuoted(point.key == nil ? "NONE" : "WPA-PSK"))\n"
        }
        return text
    }
}
