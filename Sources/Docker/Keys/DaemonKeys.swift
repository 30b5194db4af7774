/// dockerd's configuration, key by key, in the order of the alphabet.
///
/// Taken from the sources of moby/moby at 41 tags from 1.6.0 to 29.7.2 (daemon/config, cmd/dockerd, opts, registry), and
/// held against real daemons of 20.10.24 and 29.7.2.
package enum DaemonKeys {
    private static let whole: ClosedRange<Int64> = 0...Int64(Int32.max)
    private static let any: ClosedRange<Int64> = Int64(Int32.min)...Int64(Int32.max)

    package static let all: [DaemonKey] = [
        DaemonKey("allow-direct-routing", .flag, since: EngineVersion(28, 2)),
        DaemonKey(
            "allow-nondistributable-artifacts", .list(RegistryRules.plain), since: EngineVersion(17, 6),
            inert: EngineVersion(28, 0)),
        DaemonKey(
            "api-cors-header", .text(TextRules.any), since: EngineVersion(1, 12), until: EngineVersion(28, 0),
            instead: "put a proxy in front of the API"),
        DaemonKey(
            "api-enable-cors", .flag, until: EngineVersion(17, 9), instead: "api-cors-header"),
        DaemonKey("authorization-plugins", .list(TextRules.filled), option: "authorization-plugin"),
        DaemonKey("bip", .text(NetworkRules.bridgeAddress)),
        DaemonKey("bip6", .text(NetworkRules.bridgeAddress6), since: EngineVersion(28, 0), instead: "fixed-cidr-v6"),
        DaemonKey("bridge", .text(NetworkRules.interface), letter: "b"),
        DaemonKey("bridge-accept-fwmark", .text(NetworkRules.firewallMark), since: EngineVersion(29, 0)),
        DaemonKey("builder", .object, since: EngineVersion(18, 9), isFileOnly: true),
        DaemonKey("cdi-spec-dirs", .list(TextRules.any), since: EngineVersion(25, 0), option: "cdi-spec-dir"),
        DaemonKey("cgroup-parent", .text(TextRules.any)),
        DaemonKey(
            "cluster-advertise", .text(TextRules.any), until: EngineVersion(23, 0), instead: "swarm mode"),
        DaemonKey("cluster-store", .text(TextRules.any), until: EngineVersion(23, 0), instead: "swarm mode"),
        DaemonKey(
            "cluster-store-opts", .texts, until: EngineVersion(23, 0), option: "cluster-store-opt",
            instead: "swarm mode"),
        DaemonKey("containerd", .text(TextRules.any), since: EngineVersion(1, 11)),
        DaemonKey(
            "containerd-namespace", .text(TextRules.containerdNamespace), since: EngineVersion(20, 10)),
        DaemonKey("cpu-rt-period", .integer(0...Int64.max), since: EngineVersion(1, 13)),
        DaemonKey("cpu-rt-runtime", .integer(-1...Int64.max), since: EngineVersion(1, 13)),
        DaemonKey("cri-containerd", .flag, since: EngineVersion(18, 9)),
        DaemonKey("data-root", .text(TextRules.path), since: EngineVersion(17, 5), instead: "graph"),
        DaemonKey("debug", .flag, letter: "D"),
        DaemonKey(
            "default-address-pools", .object, since: EngineVersion(18, 6), option: "default-address-pool",
            instead: "bip for the first network, and a subnet for each other one"),
        DaemonKey(
            "default-cgroupns-mode", .text(TextRules.oneOf("host", "private")), since: EngineVersion(20, 10)),
        DaemonKey("default-gateway", .text(NetworkRules.gateway)),
        DaemonKey("default-gateway-v6", .text(NetworkRules.gateway6)),
        DaemonKey(
            "default-ipc-mode", .text(TextRules.oneOf("shareable", "private")), since: EngineVersion(17, 9)),
        DaemonKey(
            "default-network-opts", .object, since: EngineVersion(24, 0), option: "default-network-opt"),
        DaemonKey("default-runtime", .text(TextRules.any), since: EngineVersion(1, 12)),
        DaemonKey("default-shm-size", .text(TextRules.size), since: EngineVersion(17, 5)),
        DaemonKey(
            "default-stop-timeout", .integer(whole), since: EngineVersion(29, 7),
            instead: "--stop-timeout of each container"),
        DaemonKey("default-ulimits", .object, since: EngineVersion(17, 7), option: "default-ulimit"),
        DaemonKey(
            "deprecated-key-path", .text(TextRules.path), since: EngineVersion(17, 6), inert: EngineVersion(24, 0),
            isFileOnly: true),
        DaemonKey(
            "disable-legacy-registry", .flag, since: EngineVersion(1, 11), until: EngineVersion(17, 12)),
        DaemonKey("dns", .list(NetworkRules.nameServer)),
        DaemonKey("dns-opts", .list(TextRules.resolverOption), option: "dns-opt"),
        DaemonKey("dns-search", .list(NetworkRules.searchDomain)),
        DaemonKey("exec-opts", .list(TextRules.execOption), option: "exec-opt"),
        DaemonKey("exec-root", .text(TextRules.path)),
        DaemonKey("experimental", .flag, since: EngineVersion(1, 13)),
        DaemonKey("features", .object, since: EngineVersion(18, 9), option: "feature"),
        DaemonKey(
            "firewall-backend", .text(TextRules.oneOf("iptables", "nftables")), since: EngineVersion(29, 0)),
        DaemonKey("fixed-cidr", .text(NetworkRules.subnet)),
        DaemonKey("fixed-cidr-v6", .text(NetworkRules.subnet6)),
        DaemonKey("graph", .text(TextRules.path), until: EngineVersion(23, 0), letter: "g", instead: "data-root"),
        DaemonKey("group", .text(TextRules.any), letter: "G"),
        DaemonKey("host-gateway-ip", .text(NetworkRules.address), since: EngineVersion(20, 10)),
        DaemonKey(
            "host-gateway-ips", .list(NetworkRules.literalAddress), since: EngineVersion(28, 0),
            option: "host-gateway-ip", instead: "host-gateway-ip"),
        DaemonKey("hosts", .list(NetworkRules.host), option: "host", letter: "H"),
        DaemonKey("icc", .flag),
        DaemonKey("init", .flag, since: EngineVersion(1, 13)),
        DaemonKey("init-path", .text(TextRules.any), since: EngineVersion(1, 13)),
        DaemonKey(
            "insecure-registries", .list(RegistryRules.insecure), since: EngineVersion(1, 11),
            option: "insecure-registry"),
        DaemonKey("ip", .text(NetworkRules.address)),
        DaemonKey("ip-forward", .flag),
        DaemonKey("ip-forward-no-drop", .flag, since: EngineVersion(28, 0)),
        DaemonKey("ip-masq", .flag, since: EngineVersion(1, 12)),
        DaemonKey("ip6tables", .flag, since: EngineVersion(20, 10)),
        DaemonKey("iptables", .flag),
        DaemonKey("ipv6", .flag),
        DaemonKey("labels", .list(TextRules.label), option: "label"),
        DaemonKey("live-restore", .flag, since: EngineVersion(1, 12)),
        DaemonKey("log-driver", .text(TextRules.any)),
        DaemonKey("log-format", .text(TextRules.oneOf("text", "json")), since: EngineVersion(25, 0)),
        DaemonKey("log-level", .text(TextRules.logLevel), letter: "l"),
        DaemonKey("log-opts", .texts, option: "log-opt"),
        DaemonKey("max-concurrent-downloads", .integer(whole), since: EngineVersion(1, 12)),
        DaemonKey("max-concurrent-uploads", .integer(whole), since: EngineVersion(1, 12)),
        DaemonKey("max-download-attempts", .integer(whole), since: EngineVersion(20, 10)),
        DaemonKey("metrics-addr", .text(NetworkRules.listener), since: EngineVersion(1, 13)),
        DaemonKey("min-api-version", .text(TextRules.apiVersion), since: EngineVersion(29, 0), isFileOnly: true),
        // An interface takes no more than 65535 (RTNETLINK); dockerd itself looks only for negative numbers.
        DaemonKey("mtu", .integer(0...65535)),
        DaemonKey("network-control-plane-mtu", .integer(any), since: EngineVersion(17, 9)),
        DaemonKey("network-diagnostic-port", .integer(0...65535), since: EngineVersion(17, 12)),
        DaemonKey("no-new-privileges", .flag, since: EngineVersion(17, 6)),
        DaemonKey(
            "node-generic-resources", .list(TextRules.genericResource), since: EngineVersion(17, 9),
            option: "node-generic-resource"),
        DaemonKey("nri-opts", .object, since: EngineVersion(29, 2)),
        // proc(5), oom_score_adj
        DaemonKey(
            "oom-score-adjust", .integer(-1000...1000), since: EngineVersion(1, 12), until: EngineVersion(25, 0),
            instead: "OOMScoreAdjust= in a drop-in of docker.service"),
        DaemonKey("pidfile", .text(TextRules.path), letter: "p"),
        DaemonKey(
            "proxies", .object, since: .proxiesKey, isFileOnly: true,
            instead: "HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the environment of the service"),
        DaemonKey("raw-logs", .flag, since: EngineVersion(1, 11)),
        DaemonKey(
            "registry-mirrors", .list(RegistryRules.mirror), since: EngineVersion(1, 11), option: "registry-mirror"),
        DaemonKey("rootless", .flag, since: EngineVersion(19, 3)),
        DaemonKey("runtimes", .object, since: EngineVersion(1, 12), option: "add-runtime"),
        DaemonKey("seccomp-profile", .text(TextRules.any), since: EngineVersion(1, 13)),
        DaemonKey("selinux-enabled", .flag),
        DaemonKey("shutdown-timeout", .integer(any), since: EngineVersion(1, 13)),
        DaemonKey("storage-driver", .text(TextRules.any), letter: "s"),
        DaemonKey("storage-opts", .list(TextRules.any), option: "storage-opt"),
        DaemonKey(
            "swarm-default-advertise-addr", .text(NetworkRules.advertised), since: EngineVersion(1, 12)),
        DaemonKey("tls", .flag),
        DaemonKey("tlscacert", .text(TextRules.any)),
        DaemonKey("tlscert", .text(TextRules.any)),
        DaemonKey("tlskey", .text(TextRules.any)),
        DaemonKey("tlsverify", .flag),
        DaemonKey("userland-proxy", .flag),
        DaemonKey("userland-proxy-path", .text(TextRules.any), since: EngineVersion(1, 13)),
        DaemonKey("userns-remap", .text(TextRules.any)),
    ]

    static let byName: [String: DaemonKey] = Dictionary(
        all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// Names that are options of dockerd's command line, which it therefore takes in the file and then does nothing
    /// with, and what to write instead.
    static let ignored: [String: String] = [
        "add-runtime": "runtimes", "authorization-plugin": "authorization-plugins", "cdi-spec-dir": "cdi-spec-dirs",
        "cluster-store-opt": "cluster-store-opts", "default-address-pool": "default-address-pools",
        "default-network-opt": "default-network-opts", "default-ulimit": "default-ulimits", "dns-opt": "dns-opts",
        "exec-opt": "exec-opts", "feature": "features", "host": "hosts", "insecure-registry": "insecure-registries",
        "label": "labels", "log-opt": "log-opts", "node-generic-resource": "node-generic-resources",
        "registry-mirror": "registry-mirrors", "storage-opt": "storage-opts",
    ]

    /// Options that have no key of the file at all, though dockerd takes some of them there.
    static let unusable: Set<String> = [
        "config-file", "containerd-plugin-namespace", "containerd-plugins-namespace", "default-init", "help",
        "resolv-conf", "restart", "swarm-raft-election-tick", "swarm-raft-heartbeat-tick", "validate", "version",
    ]

    /// Options that stand inside `proxies` in the file.
    static let proxies = ["http-proxy", "https-proxy", "no-proxy"]

    /// The keys of daemon.json that are options of dockerd 1.6, with their spelling there (docker/docker v1.6.0,
    /// daemon/config.go, opts/opts.go, docker/flags.go); those of 1.7 and 1.9 with their version.
    static let early: [String: (option: String, since: EngineVersion)] = {
        let first = EngineVersion(1, 6)
        var table: [String: (option: String, since: EngineVersion)] = [:]
        for name in [
            "api-cors-header", "bip", "bridge", "debug", "dns", "dns-search", "fixed-cidr", "fixed-cidr-v6", "graph",
            "group", "icc", "ip", "ip-forward", "ip-masq", "iptables", "ipv6", "log-driver", "log-level", "mtu",
            "pidfile", "selinux-enabled", "storage-driver", "tls", "tlscacert", "tlscert", "tlskey", "tlsverify",
        ] {
            table[name] = (name, first)
        }
        for (name, option) in [
            "data-root": "graph", "default-ulimits": "default-ulimit", "exec-opts": "exec-opt", "hosts": "host",
            "insecure-registries": "insecure-registry", "labels": "label", "registry-mirrors": "registry-mirror",
            "storage-opts": "storage-opt",
        ] {
            table[name] = (option, first)
        }
        for name in ["default-gateway", "default-gateway-v6", "userland-proxy", "exec-root"] {
            table[name] = (name, EngineVersion(1, 7))
        }
        table["log-opts"] = ("log-opt", EngineVersion(1, 7))
        for (name, option) in [
            "cluster-store": "cluster-store", "cluster-advertise": "cluster-advertise", "dns-opts": "dns-opt",
            "cluster-store-opts": "cluster-store-opt",
        ] {
            table[name] = (option, EngineVersion(1, 9))
        }
        return table
    }()
}
