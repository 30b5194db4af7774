import Systems
import Recipes

/// What the flavours with cloud-init 20.1 and later have in common: a default user, netplan, a keyboard module.
enum ModernCloudInit {
    static func config(_ draft: Draft) -> CloudConfig {
        let node = draft.node
        var config = CloudConfig()
        config.setIdentity(node)
        if let keyboard = node.locale.keyboard?.value {
            config.set("keyboard", .map([.init("layout", .text(keyboard))]))
        }
        if let user = node.user {
            // The singular: it is laid over the image's default user and keeps its groups (sudo, gpio, netdev, …), which
            // an entry of `users` would not have.
            config.set("user", .map([.init("name", .text(user.name.value))] + CloudConfig.login(draft.material)))
        }
        config.set("ssh_pwauth", .flag(draft.allowsPasswordLogin))
        config.install(node.firstBoot.packages)
        config.write(draft.files)
        if let user = node.user { config.addGroups(user.groups.map(\.value), to: user.name.value) }
        return config
    }

    static func kernelTokens(_ draft: Draft) -> [String] {
        var tokens = draft.usesDocker || draft.profile.docker != nil ? KernelCommandLine.controlGroups : []
        if draft.hasWiFi, let country = draft.country { tokens.append(KernelCommandLine.regulatoryDomain(country)) }
        return tokens
    }
}
