import Recipes
import Systems

/// What the flavours with cloud-init 20.1 and later have in common: a default user, netplan, a keyboard module.
enum ModernCloudInit {
    static func config(_ draft: Draft) -> CloudConfig {
        let node = draft.node
        var config = CloudConfig()
        config.repeatUntilSeeded()
        config.setIdentity(node)
        if let keyboard = node.locale.keyboard?.value {
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
        config.write(draft.files)
        if let user = node.user { config.addGroups(user.groups.map(\.value), to: user.name.value) }
        return config
    }

    static func seed(_ draft: Draft, _ config: CloudConfig, network: YAML) -> Seed {
        Seed(
            userData: config, networkConfig: network, metaData: [.init("dsmode", .text("local"))],
            kernelTokens: kernelTokens(draft), nodeFiles: draft.files)
    }

    static func kernelTokens(_ draft: Draft) -> [String] {
        var tokens = draft.node.usesDocker || draft.profile.docker != nil ? KernelCommandLine.controlGroups : []
        if draft.hasWiFi, let country = draft.country { tokens.append(KernelCommandLine.regulatoryDomain(country)) }
        return tokens
    }
}
