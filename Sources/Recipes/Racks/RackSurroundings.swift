import Text

/// The networks and hosts around a rack that its recipes name: what the containers of its swarm have to reach, and what
/// the swarm's own networks therefore must not hold.
struct RackSurroundings {
    private(set) var networks: [Node.Swarm.NamedNetwork] = []

    init(_ nodes: [Node]) {
        // Networks first: a host inside one that is listed already says nothing new.
        for node in nodes {
            for address in node.addresses.map(\.value) {
                let text = "\(address.address)/\(address.prefixLength)"
                add(IPNetwork(text).flatMap { IPNetwork($0.canonical) }, "the network of \(node.hostname.value)")
            }
        }
        for node in nodes {
            for gateway in node.network.gateways { addHost(gateway.value, "the gateway") }
            for server in node.network.dns { addHost(server.value, "the name server") }
            for manager in node.swarm?.managers ?? [] {
                addHost(HostPort(manager.value)?.host.description, "the manager")
            }
            addHost(Self.host(ofURL: node.docker.registry?.mirror.value), "the registry mirror")
            for proxy in [node.docker.proxy, node.network.proxy].flatMap({ [$0?.http, $0?.https] }) {
                addHost(Self.host(ofURL: proxy?.value), "the proxy")
            }
            addBridges(of: node.docker)
        }
    }

    private mutating func add(_ network: IPNetwork?, _ name: String) {
        guard let network, network.isIPv4, !networks.contains(where: { $0.network.contains(network) }) else { return }
        networks.append(.init(network, name: name))
    }

    /// Names, and nothing, are left out.
    private mutating func addHost(_ address: String?, _ name: String) {
        add(address.flatMap { IPNetwork($0 + "/32") }, name)
    }

    /// host of "scheme://[user:password@]host[:port][/]"
    private static func host(ofURL url: String?) -> String? {
        guard let url, let scheme = url.utf8.firstRange(of: "://".utf8) else { return nil }
        let authority = String(url[scheme.upperBound...].unicodeScalars.prefix { $0 != "/" })
        return HostPort(String(authority.split(at: "@", omittingEmptySubsequences: false).last ?? ""))?.host.description
    }

    /// The networks that dockerd gives to containers outside of the swarm.
    private mutating func addBridges(of docker: Node.Docker) {
        for key in docker.daemon {
            switch (key.name.value, key.value.value) {
            case ("bip", .string(let text)):
                add(IPNetwork(text).flatMap { IPNetwork($0.canonical) }, "Docker's bridge")
            case ("default-address-pools", .array(let pools)):
                for case .object(let members) in pools {
                    guard case .string(let base)? = members.first(where: { $0.name == "base" })?.value else { continue }
                    add(IPNetwork(base), "the pool of docker.daemon.default-address-pools")
                }
            default: continue
            }
        }
    }
}
