import Text
import Diagnostics

/// Keys that are valid alone and wrong together, or wrong on this node.
extension DaemonValidation {
    mutating func validateCombinations() {
        validateLogging()
        validateStorage()
        validateLabels()
        validateBridge()
        validateAccess()
        validateSwarm()
        validatePrograms()
        validateAddressPlan()
        validateCounts()
    }

    /// config.GetConflictFreeLabels; ParseGenericResources.
    private mutating func validateLabels() {
        var seen: [Substring: Substring] = [:]
        for label in texts("labels") {
            let parts = label.split(at: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            if let other = seen[parts[0]], other != parts[1] {
                let text = "the label \"\(parts[0])\" has two values, \"\(other)\" and \"\(parts[1])\""
                if has(17, 12) {
                    error(index(of: "labels"), text + ": dockerd does not start with it since 17.12")
                } else {
                    warning(index(of: "labels"), text)
                }
            }
            seen[parts[0]] = parts[1]
        }
        var counts: [String: Int] = [:]
        var named: Set<String> = []
        for resource in texts("node-generic-resources") {
            let parts = resource.split(at: "=", omittingEmptySubsequences: false).map(\.trimmed)
            guard parts.count == 2 else { continue }
            if Int(parts[1]) != nil { counts[parts[0], default: 0] += 1 } else { named.insert(parts[0]) }
        }
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) where count > 1 || named.contains(name) {
            error(
                index(of: "node-generic-resources"),
                "\"\(name)\" is either one number or a list of names, not both and no two numbers")
        }
    }

    /// verifyDaemonSettings and initBridgeDriver.
    private mutating func validateBridge() {
        for name in ["bip", "bip6"] where text("bridge") != nil && text(name) != nil {
            error(index(of: name), "dockerd does not start with both \"bridge\" and \"\(name)\": leave one out")
        }
        if flag("icc") == false {
            if flag("iptables") == false {
                error(
                    index(of: "icc"), "dockerd does not start with both icc and iptables false: icc needs iptables")
            }
            if has(28, 0), flag("ipv6") == true, flag("ip6tables") == false {
                error(index(of: "icc"), "dockerd does not start with icc and ip6tables false where ipv6 is true")
            }
        }
        if flag("ip6tables") == true, !has(27, 0), flag("experimental") != true {
            error(index(of: "ip6tables"), "before 27.0 it needs \"experimental\": true, or dockerd does not start")
        }
        if flag("ipv6") == true, !has(28, 0), text("fixed-cidr-v6") == nil, text("bridge") != "none" {
            error(
                index(of: "ipv6"),
                "Docker \(version) does not start with it unless fixed-cidr-v6 names a network (from 28.0 on it does)")
        }
        for name in ["fixed-cidr-v6", "bip6", "default-gateway-v6"] where text(name) != nil && flag("ipv6") != true {
            warning(index(of: name), "does nothing without \"ipv6\": true")
        }
        if index(of: "host-gateway-ip") != nil, index(of: "host-gateway-ips") != nil, has(28, 0) {
            error(index(of: "host-gateway-ip"), "dockerd does not start with host-gateway-ips beside it: leave one out")
        }
        let gateways = texts("host-gateway-ips").compactMap(IPAddress.init)
        if gateways.count(where: \.isIPv4) > 1 || gateways.count(where: { !$0.isIPv4 }) > 1 {
            error(index(of: "host-gateway-ips"), "takes one address of IPv4 and one of IPv6")
        }
        if let bip = text("bip").flatMap(IPNetwork.init), let pool = text("fixed-cidr").flatMap(IPNetwork.init),
            !bip.contains(pool)
        {
            warning(index(of: "fixed-cidr"), "\(pool) is not inside the bridge's network \(bip)")
        }
        validateGateways()
    }

    /// libnetwork: "auxiliary address must belong to the master pool".
    private mutating func validateGateways() {
        if let gateway = text("default-gateway").flatMap(IPAddress.init), text("bridge") == nil {
            let network =
                text("bip").flatMap(IPNetwork.init) ?? (has(28, 0) ? text("fixed-cidr").flatMap(IPNetwork.init) : nil)
            if let network = network ?? IPNetwork("172.17.0.1/16"), !network.contains(gateway) {
                error(
                    index(of: "default-gateway"),
                    "it is for containers, and must lie in the bridge's network, \(network): set bip to fit it")
            } else if let network, network.address == gateway {
                error(index(of: "default-gateway"), "is the bridge's own address; leave it out")
            }
        }
        if let gateway = text("default-gateway-v6").flatMap(IPAddress.init), flag("ipv6") == true,
            let network = (text("bip6") ?? text("fixed-cidr-v6")).flatMap(IPNetwork.init), !network.contains(gateway)
        {
            error(index(of: "default-gateway-v6"), "it is for containers, and must lie in \(network)")
        }
    }

    /// How the API is reached.
    private mutating func validateAccess() {
        let files = ["tlscacert", "tlscert", "tlskey"]
        // Even "tlsverify": false switches TLS on (loadDaemonCliConfig).
        let usesTLS = index(of: "tlsverify") != nil || flag("tls") == true
        if usesTLS {
            for name in ["tlscert", "tlskey"] where text(name) == nil && !service.keys.contains(name) {
                let what = index(of: "tlsverify") != nil ? "tlsverify, whatever its value," : "tls"
                error(
                    index(of: "tlsverify") ?? index(of: "tls"),
                    "dockerd does not start with \(what) unless \(name) names a file")
            }
            for name in files { mustExist(name) }
            if flag("tlsverify") ?? true, text("tlscacert") == nil, !service.keys.contains("tlscacert") {
                warning(
                    index(of: "tlsverify") ?? index(of: "tls"), "without tlscacert the system's own authorities decide")
            }
            if index(of: "hosts") == nil, !service.keys.contains("hosts") {
                warning(
                    index(of: "tls") ?? index(of: "tlsverify"),
                    "without hosts dockerd then listens at tcp://localhost:2376 only, and the docker command on the "
                        + "node fails; add hosts")
            }
        } else if !service.keys.contains("tls"), !service.keys.contains("tlsverify") {
            for name in files where text(name) != nil {
                warning(index(of: name), "does nothing without tls or tlsverify")
            }
        }
        validateHosts(usesTLS: usesTLS)
    }

    private mutating func validateHosts(usesTLS: Bool) {
        guard let at = index(of: "hosts"), case .array = members[at].value, !service.keys.contains("hosts") else {
            return
        }
        let hosts = texts("hosts").map { String($0.trimmed) }
        guard !hosts.isEmpty else { return warning(at, "is empty, which has the same effect as leaving it out") }
        if !hosts.contains(where: { $0.begins(with: "unix://") || $0.begins(with: "fd://") || $0.isEmpty }) {
            let text = "without unix:///var/run/docker.sock the docker command on the node fails"
            if surroundings.isInSwarm {
                error(at, text + ", and the node cannot join the swarm")
            } else {
                warning(at, text)
            }
        }
        let isOpen = hosts.contains {
            ($0.begins(with: "tcp://") || !$0.contains(bytes: "://")) && !$0.isEmpty && !$0.begins(with: "tcp://127.")
                && !$0.hasPrefix("tcp://localhost")
        }
        let verifies = usesTLS && flag("tlsverify") ?? true
        if isOpen, !verifies {
            var text = "anyone who can reach this address over the network has root on the node"
            if has(18, 9), flag("tls") == nil, index(of: "tlsverify") == nil {
                text += "; dockerd waits 15 seconds before it starts this way, unless \"tls\": false confirms it"
            }
            warning(at, text)
        }
    }

    private mutating func mustExist(_ name: String) {
        guard let path = text(name), path.begins(with: "/"), let at = index(of: name) else { return }
        if surroundings.ownFiles.contains(path) { return }
        guard let files = surroundings.files else {
            return warning(at, "dockerd does not start unless \(path) is on the node")
        }
        if !files.contains(path) {
            error(at, "dockerd does not start without \(path), which nothing puts on the node (first_boot.files does)")
        }
    }

    /// config.IsSwarmCompatible
    private mutating func validateSwarm() {
        if text("cluster-store") != nil, has(20, 10) {
            error(
                index(of: "cluster-store"),
                "builds of Docker \(version) leave its stores out, and 23.0 refuses it; write a swarm section instead")
        }
        guard surroundings.isInSwarm else { return }
        if flag("live-restore") == true {
            error(index(of: "live-restore"), "Docker does not start with it on a node of a swarm; leave it out")
        }
        for name in ["cluster-store", "cluster-advertise"] where text(name) != nil {
            error(index(of: name), "Docker does not start with it on a node of a swarm; leave it out")
        }
        if text("firewall-backend") == "nftables", flag("iptables") != false,
            !(has(29, 6) && flagOfFeature("swarm-nftables") == true)
        {
            error(
                index(of: "firewall-backend"),
                "Docker does not start with nftables on a node of a swarm"
                    + (has(29, 6) ? " without the feature swarm-nftables" : "; write \"iptables\""))
        }
    }

    /// Groups, users, runtimes, plugins and files that have to be there.
    private mutating func validatePrograms() {
        if let group = text("group"), Int(group) == nil {
            if let groups = surroundings.groups {
                if !groups.contains(group) {
                    error(index(of: "group"), "dockerd does not start without the group \"\(group)\"; write \"docker\"")
                }
            } else if !DaemonSurroundings.debianGroups.contains(group) {
                warning(index(of: "group"), "dockerd does not start unless the node has the group \"\(group)\"")
            }
        }
        if let remap = text("userns-remap") {
            let user = String(remap.prefix { $0 != ":" })
            let text =
                "dockerd does not start unless \"\(user)\" is a user with ranges in /etc/subuid; write \"default\""
            if let users = surroundings.users {
                if !["default", "dockremap"].contains(user), !users.contains(user) {
                    error(index(of: "userns-remap"), text)
                }
            } else if !["default", "dockremap"].contains(user) {
                warning(index(of: "userns-remap"), text)
            }
        }
        if let profile = text("seccomp-profile") {
            let words = has(23, 0) ? ["builtin", "unconfined"] : []
            if !words.contains(profile) {
                if profile.begins(with: "/") {
                    mustExist("seccomp-profile")
                } else {
                    error(
                        index(of: "seccomp-profile"),
                        "\"\(profile)\" is not an absolute path of a profile"
                            + (has(23, 0) ? " (nor \"builtin\", \"unconfined\")" : ""))
                }
            }
        }
        if has(23, 0), let path = text("userland-proxy-path"), flag("userland-proxy") != false {
            if !path.begins(with: "/") {
                error(index(of: "userland-proxy-path"), "\"\(path)\" is not an absolute path")
            } else if !["/usr/bin/docker-proxy", "/usr/sbin/docker-proxy", "/usr/libexec/docker/docker-proxy"]
                .contains(path)
            {
                mustExist("userland-proxy-path")
            }
        }
        for plugin in texts("authorization-plugins") {
            let text = "dockerd does not start unless the plugin \"\(plugin)\" is on the node already"
            if surroundings.plugins?.contains(plugin) == false {
                error(index(of: "authorization-plugins"), text)
            } else if surroundings.plugins == nil {
                warning(index(of: "authorization-plugins"), text)
            }
        }
        if let bridge = text("bridge"), !["none", "docker0"].contains(bridge) {
            let text = "dockerd does not start unless the bridge \"\(bridge)\" is there before it"
            if surroundings.bridges?.contains(bridge) == false {
                error(index(of: "bridge"), text + "; leave it out, or write \"none\"")
            } else if surroundings.bridges == nil {
                warning(index(of: "bridge"), text)
            }
        }
        if let runtime = text("default-runtime") { validateRuntime(runtime) }
        if flag("selinux-enabled") == true {
            warning(index(of: "selinux-enabled"), "systems for the Pi have no SELinux, and dockerd goes on without it")
        }
        if text("metrics-addr") != nil, !has(20, 10), flag("experimental") != true {
            error(index(of: "metrics-addr"), "before 20.10 it needs \"experimental\": true, or dockerd stops")
        }
        if let parent = text("cgroup-parent"),
            texts("exec-opts").contains(where: { $0.filter { !$0.isWhitespace } == "native.cgroupdriver=systemd" }),
            !parent.ends(with: ".slice") || parent.utf8.count <= 6
        {
            error(index(of: "cgroup-parent"), "with systemd's cgroups it is the name of a slice (\"docker.slice\")")
        }
        for name in ["cpu-rt-period", "cpu-rt-runtime"] {
            guard case .integer(let number)? = value(name), number != 0 else { continue }
            let text = "kernels of the Pi have no real-time groups (CONFIG_RT_GROUP_SCHED)"
            if has(23, 0) {
                error(index(of: name), "dockerd does not start with it: \(text); leave it out")
            } else {
                error(index(of: name), "no container starts with it: \(text); leave it out")
            }
        }
        if index(of: "graph") != nil, index(of: "data-root") != nil, has(17, 5), !has(23, 0) {
            error(index(of: "graph"), "dockerd does not start with data-root beside it: leave graph out")
        } else if let at = index(of: "graph"), has(17, 5), !has(23, 0) {
            warning(at, "the name is deprecated since 17.05 and gone since 23.0; write data-root", part: .name)
        }
        if flag("cri-containerd") == true, flagOfFeature("embedded-containerd") == true {
            error(index(of: "cri-containerd"), "dockerd does not start with the feature embedded-containerd beside it")
        }
    }

    private mutating func validateRuntime(_ name: String) {
        if case .object(let inner)? = value("runtimes"), inner.contains(where: { $0.name == name }) { return }
        if name == "runc" { return }
        // The shims that containerd brings; from 23.0 on any that is called so.
        if name == "io.containerd.runc.v2", has(20, 10) { return }
        if name == "io.containerd.runtime.v1.linux", has(20, 10), !has(23, 0) { return }
        if has(23, 0), name.wholeMatch(of: /[a-z0-9-]+(\.[a-z0-9-]+)+/) != nil {
            return warning(index(of: "default-runtime"), "no container starts unless the node has the shim \(name)")
        }
        error(
            index(of: "default-runtime"), "dockerd does not start with it: \"runtimes\" names no \"\(name)\" (runc)")
    }

    /// Networks that dockerd would take for its containers, and that others need.
    private mutating func validateAddressPlan() {
        for used in surroundings.networks where used.network.isIPv4 {
            var bridges: [String] = []
            for name in ["bip", "fixed-cidr"] {
                guard let network = text(name).flatMap(IPNetwork.init), network.overlaps(used.network) else { continue }
                bridges.append(name)
                warning(
                    index(of: name),
                    "\(network) holds \(used.name), \(used.network), which containers and the node then cannot reach")
            }
            if case .array(let pools)? = value("default-address-pools") {
                for case .object(let pool) in pools {
                    guard case .string(let base)? = pool.first(where: { $0.name.lowercased() == "base" })?.value,
                        let network = IPNetwork(base), network.overlaps(used.network)
                    else { continue }
                    warning(
                        index(of: "default-address-pools"),
                        "\(network) holds \(used.name), \(used.network): networks of containers may hide it")
                }
            } else if has(18, 6) {
                // libnetwork/ipamutils: 172.17.0.0/16 to 172.31.0.0/16 first, then 192.168.0.0/16 in parts of /20,
                // which is out of reach until 15 networks exist, and would warn of most networks there are.
                guard let builtIn = IPNetwork("172.16.0.0/12"), builtIn.overlaps(used.network),
                    used.network.address.bytes[1] != 16, bridges.isEmpty
                else { continue }
                warning(
                    nil,
                    "Docker's own address pools, 172.17.0.0/16 to 172.31.0.0/16, hold \(used.name), \(used.network); "
                        + "set default-address-pools and bip to another network, as 10.201.0.0/16")
            }
        }
    }

    /// Numbers that are in order for one version only.
    private mutating func validateCounts() {
        if case .integer(0)? = value("max-download-attempts"), !has(23, 0) {
            error(index(of: "max-download-attempts"), "Docker \(version) does not start with 0")
        }
        if case .integer(let mtu)? = value("mtu"), mtu > 0, mtu < 68 {
            // RFC 791: every host takes 68 octets.
            error(index(of: "mtu"), "\(mtu) is too small for IP, no container starts with it (68 or more)")
        }
        if case .integer(let mtu)? = value("network-control-plane-mtu"), mtu != 0, mtu < 500 {
            warning(index(of: "network-control-plane-mtu"), "dockerd takes 500 for anything smaller")
        }
    }
}
