import Recipes
import Systems

/// What the flavours with cloud-init 20.1 and later have in common: a default user, netplan, a keyboard module.
enum ModernCloudInit {
    /// - Parameter setsVariant: whether cloud-init's keyboard module takes a variant; otherwise the file is written.
    static func config(_ draft: Draft, setsVariant: Bool) -> CloudConfig {
        let node = draft.node
        var config = CloudConfig()
        config.repeatUntilSeeded()
        config.setIdentity(node)
        if let keyboard = node.locale.keyboard?.value, setsVariant || !KeyboardFile.hasVariant(node) {
            let name = KeyboardFile.name(keyboard)
            let variant = name.variant.isEmpty ? [] : [YAML.Entry("variant", .text(name.variant))]
            config.set("keyboard", .map([.init("layout", .text(name.layout))] + variant))
        }
        if let user = node.user {
            // The singular: it changes the image's default user and keeps its groups (sudo, gpio, netdev, …), which an
            // entry of `users` would not have.
            config.set("user", .map([.init("name", .text(user.name.value))] + CloudConfig.login(draft)))
        }
        config.set("ssh_pwauth", .flag(draft.allowsPasswordLogin))
        config.write(draft.seeded(files(draft, setsVariant: setsVariant)))
        if let user = node.user { config.addGroups(user.groups.map(\.value), to: user.name.value) }
        return config
    }

    private static func files(_ draft: Draft, setsVariant: Bool) -> [Provision.NodeFile] {
        draft.files + keyboardFiles(draft, setsVariant: setsVariant)
    }

    /// The keyboard's own file, which the console's service reads at every boot, if the keyboard module cannot write it.
    private static func keyboardFiles(_ draft: Draft, setsVariant: Bool) -> [Provision.NodeFile] {
        guard !setsVariant, KeyboardFile.hasVariant(draft.node), let keyboard = draft.node.locale.keyboard else {
            return []
        }
        return [.init(path: KeyboardFile.path, contents: Array(KeyboardFile.text(keyboard.value).utf8), mode: 0o644)]
    }

    /// - Parameter isNested: whether network-config has `network:` around its members.
    static func seed(
        _ draft: Draft, _ config: CloudConfig, network: NetworkConfig, isNested: Bool, setsVariant: Bool
    ) -> Seed {
        let members = network.members
        return Seed(
            userData: config, networkConfig: isNested ? .map([.init("network", .map(members))]) : .map(members),
            metaData: [.init("dsmode", .text("local"))], kernelTokens: kernelTokens(draft),
            files: files(draft, setsVariant: setsVariant) + [network.wifiFile].compactMap { $0 })
    }

    static func kernelTokens(_ draft: Draft) -> [String] {
        var tokens = draft.node.usesDocker || draft.profile.docker != nil ? KernelCommandLine.controlGroups : []
        if draft.hasWiFi, let country = draft.country { tokens.append(KernelCommandLine.regulatoryDomain(country)) }
        return tokens
    }
}
