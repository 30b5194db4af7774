import Text
import Diagnostics
import Recipes
import Systems

/// What a recipe can ask of a card, in the order of the recipe format.
package enum Setting: String, Sendable, CaseIterable {
    case hostname
    case user
    case password
    case sshKeys
    case sshPassword
    case sudo
    case groups
    case wifi
    case severalNetworks
    case hiddenNetwork
    case openNetwork
    case country
    case address
    case nameServers
    case ipv6Address
    case ipv6Gateway
    case wiredBesideWiFi
    case proxy
    case rackHosts
    case timezone
    case language
    case keyboard
    case keyboardVariant
    case docker
    case install
    case dockerPackages
    case preload
    case remoteTLS
    case remoteSSH
    case swarm
    case swarmNetworks
    case stacks
    case swarmCommands
    case classicSwarm
    case packages
    case files
    case homeFiles
    case bootFiles
    case commands
    /// Not from the recipe: the card's clock is set to the time of flashing.
    case clock

    /// As the recipe spells it.
    package var title: String {
        switch self {
        case .hostname: "hostname"
        case .user: "user.name"
        case .password: "user.password"
        case .sshKeys: "user.ssh_authorized_keys"
        case .sshPassword: "user.ssh_password"
        case .sudo: "user.sudo"
        case .groups: "user.groups"
        case .wifi: "wifi.networks"
        case .severalNetworks: "wifi.networks, several"
        case .hiddenNetwork: "wifi.networks, hidden"
        case .openNetwork: "wifi.networks, open"
        case .country: "wifi.country"
        case .address: "address, network.gateway"
        case .nameServers: "network.dns"
        case .ipv6Address: "address, IPv6"
        case .ipv6Gateway: "network.gateway, IPv6"
        case .wiredBesideWiFi: "network.interface: wired, beside wifi"
        case .proxy: "network.proxy"
        case .rackHosts: "names of the rack's nodes"
        case .timezone: "locale.timezone"
        case .language: "locale.lang"
        case .keyboard: "locale.keyboard"
        case .keyboardVariant: "locale.keyboard, with a variant"
        case .docker: "docker.daemon, docker.registry"
        case .install: "docker.install"
        case .dockerPackages: "docker.packages"
        case .preload: "docker.preload"
        case .remoteTLS: "docker.remote: tls"
        case .remoteSSH: "docker.remote: ssh"
        case .swarm: "swarm"
        case .swarmNetworks: "swarm.networks"
        case .stacks: "swarm.stacks"
        case .swarmCommands: "first_boot.after_swarm"
        case .classicSwarm: "swarm.mode: classic"
        case .packages: "first_boot.packages"
        case .files: "first_boot.files"
        case .homeFiles: "first_boot.files with an owner, or in a home"
        case .bootFiles: "first_boot.files on the boot partition"
        case .commands: "first_boot.run"
        case .clock: "the clock at its first start"
        }
    }

    /// What only a swarm has that the rack forms.
    static let partsOfSwarm: Set<Setting> = [.swarmNetworks, .stacks, .swarmCommands]

    /// Where `node`'s recipe asks for it, or nil if it does not.
    func location(in node: Node) -> Location? {
        let networks = node.wifi?.networks ?? []
        return switch self {
        case .hostname: node.hostname.location
        case .user: node.user?.name.location
        case .password: node.user?.password?.location
        case .sshKeys: node.user?.sshAuthorizedKeys.first?.location
        case .sshPassword: node.user?.sshPassword?.location
        case .sudo: node.user?.sudo?.location
        case .groups: node.user?.groups.first?.location
        case .wifi: networks.first?.ssid.location
        case .severalNetworks: networks.count > 1 ? networks.last?.ssid.location : nil
        case .hiddenNetwork: networks.first(where: \.hidden)?.ssid.location
        case .openNetwork: networks.first { $0.passphrase == nil }?.ssid.location
        case .country: node.wifi?.country?.location
        case .address: node.addresses.first { $0.value.isIPv4 }?.location
        case .nameServers: node.network.dns.first?.location
        case .ipv6Address: node.addresses.first { !$0.value.isIPv4 }?.location
        case .ipv6Gateway: node.network.gateways.first { $0.value.contains(scalar: ":") }?.location
        case .wiredBesideWiFi:
            node.network.interface.flatMap { $0.value == .wired && !networks.isEmpty ? $0.location : nil }
        case .proxy: node.network.proxy?.location
        case .rackHosts: node.rack.isEmpty ? nil : node.hostname.location
        case .timezone: node.locale.timezone?.location
        case .language: node.locale.lang?.location
        case .keyboard: node.locale.keyboard?.location
        case .keyboardVariant: node.locale.keyboard.flatMap { KeyboardFile.hasVariant(node) ? $0.location : nil }
        case .docker: node.docker.location ?? node.docker.daemon.first?.name.location
        case .install: node.docker.install.flatMap { [.auto, .none].contains($0.value) ? nil : $0.location }
        case .dockerPackages: node.docker.packages.first?.location
        case .preload: node.docker.preload.first?.location
        case .remoteTLS: node.docker.remote.flatMap { $0.value == .tls ? $0.location : nil }
        case .remoteSSH: node.docker.remote.flatMap { $0.value == .ssh ? $0.location : nil }
        case .swarm: node.swarm.flatMap { $0.mode == .swarm ? $0.location : nil }
        case .swarmNetworks: node.swarm?.networks.first?.name.location
        case .stacks: node.swarm?.stacks.first?.name.location
        case .swarmCommands: node.firstBoot.afterSwarm.first?.location
        case .classicSwarm: node.swarm.flatMap { $0.mode == .classic ? $0.location : nil }
        case .packages: node.firstBoot.packages.first?.location
        case .files:
            node.firstBoot.files.first { !$0.isOnBootPartition && !$0.waitsForAccount }?.path.location
        case .homeFiles: node.firstBoot.files.first(where: \.waitsForAccount)?.path.location
        case .bootFiles: node.firstBoot.files.first(where: \.isOnBootPartition)?.path.location
        case .commands: node.firstBoot.run.first?.location
        case .clock: nil
        }
    }
}

/// How a flavour takes a setting.
package enum Support: Hashable, Sendable {
    /// By a file of the boot partition that its own first boot reads.
    case native(String)
    /// By files that are written to the root partition with the card.
    case rootEdit(String)
    /// Not possible; the text says why.
    case impossible(String)

    var isPossible: Bool { if case .impossible = self { false } else { true } }
}

extension [Setting: Support] {
    /// The same answer for several settings.
    mutating func set(_ settings: Setting..., to answer: Support) {
        for setting in settings { self[setting] = answer }
    }
}
