import Diagnostics
import Filesystems
import Systems

extension RootSetup {
    /// The wired interface and Wi-Fi, in the files of the program that sets up this image's interfaces.
    ///
    /// - Parameters:
    ///   - program: what sets them up, if the flavour knows better than the image's profile.
    ///   - wifi: the networks to write, by default all.
    mutating func setNetwork(
        by program: OSProfile.NetworkStack? = nil, wifi includes: (Material.AccessPoint) -> Bool = { _ in true }
    ) {
        switch program ?? draft.profile.network ?? .ifupdown {
        case .networkManager: setConnections(includes)
        case .dhcpcd:
            if draft.material.accessPoints.contains(where: includes) { setWPASupplicant() }
            if let text = root.text(DHCPCDConfiguration.path) {
                let edited = DHCPCDConfiguration.edited(text, draft)
                if edited != text { put(edited, at: DHCPCDConfiguration.path) }
            }
        case .ifupdown, .networkd:
            if draft.material.accessPoints.contains(where: includes) { setWPASupplicant() }
            setInterfaces()
        }
    }

    private mutating func setConnections(_ includes: (Material.AccessPoint) -> Bool) {
        for file in NetworkManagerKeyfile.files(draft, includes: includes) { put(file) }
        if draft.material.accessPoints.contains(where: includes) { switchRadioOn() }
    }

    /// Raspberry Pi OS ships with the radio off until a country is set (pi-gen, stage2/02-net-tweaks): NetworkManager by its
    /// state, and without it, systemd-rfkill(8) by what it keeps.
    mutating func switchRadioOn() {
        let path = RootPath.networkManagerState
        if let text = root.text(path), text.contains("WirelessEnabled=false") {
            put(text.replacing("WirelessEnabled=false", with: "WirelessEnabled=true"), at: path)
        }
        for path in RootPath.blockedRadios where root.has(path) { put("0\n", at: path) }
    }

    private mutating func setWPASupplicant() {
        switchRadioOn()
        put(
            Provision.NodeFile(
                path: WPASupplicant.path,
                contents: WPASupplicant.contents(draft.material.accessPoints, country: draft.country), mode: 0o600))
    }

    /// If the image reads a directory of interfaces, a file there replaces the image's own; if it has one file for all,
    /// that one is rewritten.
    private mutating func setInterfaces() {
        var interfaces: [String] = []
        if !draft.addressing(of: "eth0").isAutomatic { interfaces.append("eth0") }
        if draft.hasWiFi { interfaces.append("wlan0") }
        guard !interfaces.isEmpty else { return }
        let main = RootPath.interfaces
        if root.text(main)?.contains("interfaces.d") == true {
            for interface in interfaces {
                put(
                    Provision.NodeFile(
                        path: NetworkInterfaces.path(of: interface),
                        contents: NetworkInterfaces.contents(interface, draft), mode: 0o644))
            }
        } else {
            var text = Array("# Written by piflash.\nauto lo\niface lo inet loopback\n\n".utf8)
            text += NetworkInterfaces.contents("eth0", draft)
            if draft.hasWiFi { text += [0x0A] + NetworkInterfaces.contents("wlan0", draft) }
            put(text, at: main)
        }
        setNameServers()
    }

    /// Without resolvconf nothing reads dns-nameservers. With a fixed address no DHCP server gives name servers; without
    /// one, dhclient writes those that it gets.
    private mutating func setNameServers() {
        if let hook = NetworkInterfaces.clientHook(draft) { put(hook) }
        let addressing = draft.addressing(of: draft.primaryInterface)
        let servers = addressing.resolverAddresses
        guard !addressing.addresses.isEmpty, !servers.isEmpty, root.packages["resolvconf"] == nil,
            root.packages["openresolv"] == nil
        else { return }
        let lines = servers.map { "nameserver \($0)\n" }.joined()
        put(Provision.NodeFile(path: "/etc/resolv.conf", contents: Array(lines.utf8), mode: 0o644))
    }
}
