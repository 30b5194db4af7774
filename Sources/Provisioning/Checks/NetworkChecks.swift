import Diagnostics
import Recipes
import Systems
import Text

/// Whether the node finds what its first boot fetches, and whether others find the node.
enum NetworkChecks {
    static func check(_ node: Node, profile: OSProfile, root: RootSnapshot?, report: inout DiagnosticReport) {
        checkWayOut(node, profile: profile, report: &report)
        checkLocalName(node, profile: profile, root: root, report: &report)
    }

    /// An IPv4 address that the recipe fixes comes without the gateway and the name servers that DHCP would give.
    private static func checkWayOut(_ node: Node, profile: OSProfile, report: inout DiagnosticReport) {
        guard let address = node.addresses.first(where: \.value.isIPv4) else { return }
        // With Wi-Fi by DHCP beside it, that one is the way out.
        if node.network.interface?.value == .wired, !(node.wifi?.networks.isEmpty ?? true) { return }
        let fetches = Fetch.all(of: node, profile: profile)
        if node.network.dns.isEmpty, let reason = fetches.first(where: \.needsNames) {
            let router = node.network.gateways.first.map { ": [\($0.value)]" } ?? ""
            report.warning(
                at: address.location,
                "address: without a name server the node cannot find what \(reason.what): add network.dns\(router)")
        }
        guard node.network.gateways.isEmpty, let own = IPNetwork(address.value.description) else { return }
        if let reason = fetches.first(where: { $0.leaves(own) }) {
            report.warning(
                at: address.location,
                "address: without a gateway the node does not leave its own network, and \(reason.what): add "
                    + "network.gateway")
        } else if let server = node.network.dns.first(where: { IPAddress($0.value).map { !own.contains($0) } ?? false }
        ),
            node.network.dns.allSatisfy({ IPAddress($0.value).map { $0.isIPv4 && !own.contains($0) } ?? false })
        {
            report.warning(
                at: server.location,
                "network.dns: \(server.value) is outside of the node's network, and without network.gateway the node "
                    + "does not reach it")
        }
    }

    private static func checkLocalName(
        _ node: Node, profile: OSProfile, root: RootSnapshot?, report: inout DiagnosticReport
    ) {
        guard node.addresses.isEmpty, !profile.answersLocalNames(root), !node.installsMulticastDNS else { return }
        let name = node.hostname.value
        report.warning(
            at: node.hostname.location,
            "hostname: nothing on the image answers to \(name).local, and the node has no fixed address: add avahi-daemon "
                + "to first_boot.packages, or give it an address")
    }
}

/// Something that the first boot fetches from another machine.
private struct Fetch {
    /// What it is for: "first_boot.packages installs".
    let what: String
    /// Whether the other machine is found by its name.
    var needsNames = true
    /// Where the other machine is; nil if it is in the Internet.
    var host: HostPort.Host?

    func leaves(_ network: IPNetwork) -> Bool {
        switch host {
        case nil: true
        case .name: false
        case .ipv4(let address): !network.contains(IPAddress(address.description) ?? network.address)
        case .ipv6: false
        }
    }

    /// The same by way of a proxy, which finds names and leaves the network for the node. What is not in the Internet
    /// stays as it is.
    private func through(_ proxy: Node.Proxy?) -> Fetch {
        guard host == nil, let url = proxy?.http?.value ?? proxy?.https?.value, let place = Self.host(of: url) else {
            return self
        }
        return Fetch(what: what, needsNames: place.isName, host: place)
    }

    static func all(of node: Node, profile: OSProfile) -> [Fetch] {
        let docker = node.docker.proxy ?? node.network.proxy
        // Nothing is known of the way through a proxy that was not read.
        return (docker?.isUnread == true ? [] : images(of: node).map { $0.through(docker) })
            + (node.network.proxy?.isUnread == true
                ? [] : rest(of: node, profile: profile).map { $0.through(node.network.proxy) })
    }

    /// What dockerd fetches, which may also be among the images that the card carries.
    private static func images(of node: Node) -> [Fetch] {
        guard let swarm = node.swarm, node.docker.preload.isEmpty else { return [] }
        return (swarm.stacks.isEmpty ? [] : [Fetch(what: "swarm.stacks fetches")])
            + (swarm.mode == .classic ? [Fetch(what: "swarm.mode: classic fetches")] : [])
    }

    private static func rest(of node: Node, profile: OSProfile) -> [Fetch] {
        var all: [Fetch] = []
        if !node.firstBoot.packages.isEmpty { all.append(Fetch(what: "first_boot.packages installs")) }
        var ignored = DiagnosticReport()
        if DockerInstallation.of(node, profile: profile, report: &ignored) != nil {
            all.append(Fetch(what: "docker.install fetches"))
        }
        if let swarm = node.swarm {
            for manager in swarm.managers {
                guard let host = HostPort(manager.value)?.host else { continue }
                let isKnown = node.address(ofManager: manager.value, in: node.rack) != nil
                if host.isName, isKnown { continue }
                all.append(Fetch(what: "swarm.managers names", needsNames: host.isName, host: host))
            }
        }
        let hosts =
            [("docker.registry", node.docker.registry?.mirror.value)]
            + [("docker.proxy", node.docker.proxy?.http?.value), ("docker.proxy", node.docker.proxy?.https?.value)]
        for (key, url) in hosts {
            guard let url, url != Node.Proxy.unread, let host = host(of: url), host.isName else { continue }
            all.append(Fetch(what: "\(key) names", host: host))
        }
        if node.firstBoot.run.contains(where: { downloads($0.value) }) {
            all.append(Fetch(what: "first_boot.run fetches"))
        }
        return all
    }

    /// Whether a shell command calls one of the usual programs that fetch something.
    private static func downloads(_ command: String) -> Bool {
        command.contains(
            #/(^|[\s;&|(])(apt|apt-get|curl|wget|git clone|pip3?|docker (pull|run)) /#.matchingSemantics(.unicodeScalar)
        )
    }

    private static func host(of url: String) -> HostPort.Host? {
        let authority = String(url.unicodeScalars.drop { $0 != ":" }.dropFirst(3).prefix { $0 != "/" })
        return HostPort(String(authority.split(at: "@").last ?? ""))?.host
    }
}

extension Node {
    /// Whether its first boot installs what answers to NAME.local.
    package var installsMulticastDNS: Bool {
        firstBoot.packages.contains { $0.value == "avahi-daemon" || $0.value.begins(with: "avahi-daemon=") }
    }
}
