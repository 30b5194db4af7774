import Diagnostics
import Recipes
import Systems

/// HypriotOS 1.7 to 1.12: cloud-init 0.7.6 to 20.2, ifupdown, Docker on the image, and only the users that user-data makes.
enum HypriotCloudInit: CloudInitFlavour {
    static let facts = FlavourFacts(
        hasPublishedLogin: false, defaultCodename: nil, bundledDocker: .init(assumedVersion: nil, mayHaveSSH: true),
        takesOverFirstUser: false,
        switchesRadioOn: true, installsPackages: false, readsListsOfBytesAsSSIDs: false,
        hasCloudInit: true, renamesFirstUser: false, seededAccounts: [],
        removableBootFiles: [BootPath.networkConfiguration])

    static func support(_ profile: OSProfile) -> [Setting: Support] {
        var support = CloudInit.support(network: "user-data (wpa_supplicant.conf)", keyboard: "user-data (a file)")
        support.set(
            .address, .nameServers, .ipv6Address, .ipv6Gateway, .wiredBesideWiFi,
            to: .native("network-config; before 1.12.1 user-data (interfaces.d)"))
        support[.country] = .native("user-data (wpa_supplicant.conf)")
        support[.clock] = .native("fake-hwclock.data; before 1.12.0 in the root partition")
        return support
    }

    /// The groups of HypriotOS's own default user; all exist on the image.
    static let groups = ["users", "docker", "video", "input"]

    static func seed(_ draft: Draft) -> Seed {
        let node = draft.node
        var config = CloudConfig()
        config.repeatUntilSeeded()
        config.setIdentity(node)
        config.offerLocale(node)
        if let user = node.user {
            let given = Self.groups.filter { !draft.forbiddenGroups.contains($0) }
            let groups = YAML.text(given.joined(separator: ","))
            config.set(
                "users",
                .list([
                    .map(
                        [.init("name", .text(user.name.value)), .init("groups", groups)]
                            + CloudConfig.login(draft))
                ]))
        }
        config.set("ssh_pwauth", .flag(draft.allowsPasswordLogin))

        // The first image whose cloud-init reads network-config ships one (1.12.1). There it sets up eth0, and a file of
        // ours beside it would give eth0 two addresses. It does nothing for Wi-Fi: ifupdown's renderer drops that.
        let readsNetworkConfig = draft.boot.has(BootPath.networkConfiguration)
        let files = files(draft, readsNetworkConfig: readsNetworkConfig)
        config.write(draft.seeded(files))

        // The recipe's groups are added afterwards: old cloud-init does not make a user if a group is missing.
        if let user = node.user {
            config.addGroups(user.groups.map(\.value).filter { !Self.groups.contains($0) }, to: user.name.value)
        }
        config.run("systemctl", "restart", "avahi-daemon")
        raiseInterfaces(draft, readsNetworkConfig: readsNetworkConfig, config: &config)
        config.startProgram()
        return Seed(
            userData: config, networkConfig: readsNetworkConfig ? networkConfig(draft) : nil,
            kernelTokens: KernelCommandLine.controlGroups, files: files)
    }

    /// The draft's files, and those for the network and the keyboard.
    private static func files(_ draft: Draft, readsNetworkConfig: Bool) -> [Provision.NodeFile] {
        var files = draft.files
        if !readsNetworkConfig { files.append(interfaces("eth0", draft)) }
        if let hook = NetworkInterfaces.clientHook(draft) { files.append(hook) }
        if draft.hasWiFi {
            files.append(interfaces("wlan0", draft))
            files.append(
                Provision.NodeFile(
                    path: WPASupplicant.path,
                    contents: WPASupplicant.contents(draft.material.accessPoints, country: draft.country), mode: 0o600,
                    sensitive: Set(draft.material.accessPoints.compactMap(\.key))))
        }
        if let keyboard = draft.node.locale.keyboard?.value {
            // cloud-init has a keyboard module from 22.1 on only.
            files.append(
                Provision.NodeFile(
                    path: KeyboardFile.path, contents: Array(KeyboardFile.text(keyboard).utf8), mode: 0o644))
        }
        return files
    }

    private static func interfaces(_ interface: String, _ draft: Draft) -> Provision.NodeFile {
        Provision.NodeFile(
            path: NetworkInterfaces.path(of: interface), contents: NetworkInterfaces.contents(interface, draft),
            mode: 0o644)
    }

    /// When our interface files are written, the network is already up, with the image's files.
    private static func raiseInterfaces(_ draft: Draft, readsNetworkConfig: Bool, config: inout CloudConfig) {
        let primary = draft.primaryInterface
        let addressing = draft.addressing(of: primary)
        let isStatic = !addressing.addresses.isEmpty
        if !readsNetworkConfig, isStatic {
            // Images before 1.12.1 may run dhcpcd, which would add a second address.
            config.run(
                shell: "[ ! -f /etc/dhcpcd.conf ] || grep -qx 'denyinterfaces \(primary)' /etc/dhcpcd.conf || "
                    + "{ echo 'denyinterfaces \(primary)' >>/etc/dhcpcd.conf; systemctl try-restart dhcpcd; }")
        }
        if !readsNetworkConfig, primary == "eth0", !addressing.isAutomatic {
            config.run(shell: "ifdown --force eth0; ip address flush dev eth0; ifup eth0")
        }
        if readsNetworkConfig, let address = draft.addressing(of: "eth0").ipv4?.address {
            // If cloud-init found its seed only when the network was up, ifup has said that eth0 "is already configured".
            config.run(
                shell: "ip -4 address show dev eth0 | grep -qF 'inet \(address)/' || "
                    + "{ ifdown --force eth0; ip address flush dev eth0; ifup eth0; }")
        }
        if draft.hasWiFi { config.run(shell: "ifdown --force wlan0; ifup wlan0") }
        let servers = addressing.resolverAddresses
        guard !servers.isEmpty else { return }
        // Without resolvconf nothing reads dns-nameservers, and dhclient has the hook only from the next lease on.
        let lines = servers.map { "nameserver \($0)\\n" }.joined()
        if addressing.ipv4 != nil {
            config.run(shell: "command -v resolvconf >/dev/null || printf '\(lines)' >/etc/resolv.conf")
        } else {
            config.run(
                shell: "command -v resolvconf >/dev/null || sed -i '1i\\\n\(lines.dropLast(2))' /etc/resolv.conf")
        }
    }

    /// Version 1, as the image's own: <https://docs.cloud-init.io/en/latest/reference/network-config-format-v1.html>
    private static func networkConfig(_ draft: Draft) -> YAML {
        let addressing = draft.addressing(of: "eth0")
        func fixed(_ address: Node.StaticAddress, _ gateway: String?) -> [YAML.Entry] {
            [.init("type", .text("static")), .init("address", .text(address.description))]
                + (gateway.map { [.init("gateway", .text($0))] } ?? [])
        }
        var subnet = addressing.ipv4.map { fixed($0, addressing.gateway4) } ?? [.init("type", .text("dhcp"))]
        let servers = addressing.resolverAddresses
        if !servers.isEmpty { subnet.append(.init("dns_nameservers", .list(servers.map { .text($0) }))) }
        var subnets = [YAML.map(subnet)]
        if let address = addressing.ipv6 { subnets.append(.map(fixed(address, addressing.gateway6))) }
        return .map([
            .init("version", .number(1)),
            .init(
                "config",
                .list([
                    .map([
                        .init("type", .text("physical")), .init("name", .text("eth0")),
                        .init("subnets", .list(subnets)),
                    ])
                ])),
        ])
    }
}
