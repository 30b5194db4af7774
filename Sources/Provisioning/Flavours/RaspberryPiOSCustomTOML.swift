import Diagnostics
import Recipes
import Systems

/// Raspberry Pi OS bullseye from 2022-09 on and bookworm, until they have booted: `firstboot` reads custom.toml before
/// systemd starts, and deletes it. A syntax error in it would stop the boot at a message box; an unknown key would not.
/// It takes one Wi-Fi network, but no locale and no fixed address; those are written to the root partition.
/// <https://github.com/RPi-Distro/raspberrypi-sys-mods>
enum RaspberryPiOSCustomTOML: FlavourRenderer {
    static let facts = FlavourFacts(
        hasPublishedLogin: false, defaultCodename: nil, bundledDocker: nil, takesOverFirstUser: true,
        switchesRadioOn: false, installsPackages: false, readsListsOfBytesAsSSIDs: false,
        hasCloudInit: false, renamesFirstUser: true, seededAccounts: [],
        removableBootFiles: ["custom.toml", "wpa_supplicant.conf"])

    /// Whether Wi-Fi is in custom.toml or wpa_supplicant.conf on the boot partition, which is not a place for its keys.
    private static func seedsWiFi(_ draft: Draft) -> Bool { !draft.editsRoot }

    /// bullseye moves a wpa_supplicant.conf from the boot partition, and prefers it to custom.toml.
    private static func readsWPAFile(_ profile: OSProfile) -> Bool {
        usesWPASupplicant(profile) && !profile.unreadBootFiles.contains(BootPath.wpaSupplicant)
    }

    /// Later releases have NetworkManager.
    private static func usesWPASupplicant(_ profile: OSProfile) -> Bool { profile.bootMountPoint == "/boot" }

    static func support(_ profile: OSProfile) -> [Setting: Support] {
        var support = RootFlavour.support(profile)
        support.set(
            .hostname, .user, .password, .sshKeys, .sshPassword, .timezone, .keyboard, to: .native("custom.toml"))
        if readsWPAFile(profile) {
            support.set(.wifi, .severalNetworks, .hiddenNetwork, .openNetwork, to: .native("wpa_supplicant.conf"))
            support[.country] = .native("cmdline.txt, wpa_supplicant.conf")
        } else if !usesWPASupplicant(profile) {
            support.set(
                .wifi, .hiddenNetwork, to: .native("custom.toml; others than the first by NetworkManager keyfiles"))
            support[.country] = .native("cmdline.txt, custom.toml")
        }
        return support
    }

    static func render(_ draft: Draft, report: inout DiagnosticReport) -> Rendering {
        _ = draft.isUserNameFree(report: &report)
        let readsWPAFile = seedsWiFi(draft) && readsWPAFile(draft.profile)
        let native = seedsWiFi(draft) && !usesWPASupplicant(draft.profile) ? nativeNetwork(draft) : nil
        var files = [
            Provision.BootFile(
                path: "custom.toml", contents: Array(document(draft, wifi: native).utf8), isConsumed: true)
        ]
        if readsWPAFile, draft.hasWiFi { files.append(WPASupplicant.bootFile(draft)) }
        return Rendering(
            bootFiles: files,
            rootEdits: RootFlavour.edits(draft) { setup in
                // A power cut can leave custom.toml unread for good.
                setup.setHostname()
                setup.setTimezone()
                setup.setKeyboard()
                setup.setSudo()
                setup.joinFirstUser(to: draft.node.user?.groups.map(\.value) ?? [])
                let stack = draft.profile.network ?? (usesWPASupplicant(draft.profile) ? .dhcpcd : .networkManager)
                setup.setNetwork(by: stack) { !readsWPAFile && $0 != native }
                setup.setLanguage()
                setup.setFirstBoot()
            }, kernelTokens: RootFlavour.kernelTokens(draft))
    }

    /// The network that `set_wlan` of bookworm gets. It copies name and key into a keyfile as they are, where blanks at
    /// the ends, backslashes and names that look like numbers mean something else, and it cannot set a fixed address: such
    /// networks get a keyfile that piflash writes.
    private static func nativeNetwork(_ draft: Draft) -> Material.AccessPoint? {
        guard let point = draft.material.accessPoints.first, point.key != nil,
            draft.addressing(of: "wlan0").isAutomatic,
            point.ssid.first?.isLetter == true, point.ssid.last?.isWhitespace == false,
            point.ssid.utf8.allSatisfy({ byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: " _.-".utf8.contains(byte)
                }
            })
        else { return nil }
        return point
    }

    private static func document(_ draft: Draft, wifi: Material.AccessPoint?) -> String {
        let node = draft.node
        var text = "# Written by piflash.\n" + TOML.table(nil, [("config_version", .integer(1))])
        text += TOML.table("system", [("hostname", .text(node.hostname.value))])
        if let user = node.user {
            var members: [(String, TOML.Value)] = [("name", .text(user.name.value))]
            // Without a password the account is locked, which leaves keys alone; the first-boot program sets it.
            if let hash = draft.seededPasswordHash {
                members += [("password", .text(hash)), ("password_encrypted", .flag(true))]
            }
            text += TOML.table("user", members)
        }
        var ssh: [(String, TOML.Value)] = [("enabled", .flag(true))]
        ssh.append(("password_authentication", .flag(draft.allowsPasswordLogin)))
        if !draft.material.authorizedKeys.isEmpty {
            ssh.append(("authorized_keys", .texts(draft.material.authorizedKeys)))
        }
        text += TOML.table("ssh", ssh)
        if let wifi, let key = wifi.key {
            var members: [(String, TOML.Value)] = [
                ("ssid", .text(wifi.ssid)), ("password", .text(key)), ("password_encrypted", .flag(true)),
                ("hidden", .flag(wifi.hidden)),
            ]
            if let country = draft.country { members.append(("country", .text(country))) }
            text += TOML.table("wlan", members)
        }
        var locale: [(String, TOML.Value)] = []
        // Its program knows no variants; /etc/default/keyboard is written to the root partition anyway.
        if let keyboard = node.locale.keyboard?.value, !KeyboardFile.hasVariant(node) {
            locale.append(("keymap", .text(keyboard)))
        }
        if let zone = node.locale.timezone?.value { locale.append(("timezone", .text(zone))) }
        return text + TOML.table("locale", locale)
    }
}
