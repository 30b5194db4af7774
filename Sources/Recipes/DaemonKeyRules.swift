import Diagnostics

/// What is wrong with docker.daemon whatever Docker's version is: keys that dockerd takes and silently ignores, and
/// values of a type that it refuses.
enum DaemonKeyRules {
    /// Names of flags: dockerd accepts them in daemon.json and does nothing with them.
    private static let ignored: [String: String] = [
        "label": "labels", "host": "hosts", "dns-opt": "dns-opts", "registry-mirror": "registry-mirrors",
        "insecure-registry": "insecure-registries", "log-opt": "log-opts", "storage-opt": "storage-opts",
        "exec-opt": "exec-opts", "default-ulimit": "default-ulimits", "add-runtime": "runtimes",
        "authorization-plugin": "authorization-plugins", "default-address-pool": "default-address-pools",
        "node-generic-resource": "node-generic-resources",
    ]
    private static let lists: Set<String> = [
        "labels", "hosts", "dns", "dns-opts", "dns-search", "registry-mirrors", "insecure-registries", "storage-opts",
        "exec-opts", "authorization-plugins", "node-generic-resources", "cdi-spec-dirs", "host-gateway-ips",
    ]
    private static let texts: Set<String> = [
        "storage-driver", "log-driver", "log-level", "data-root", "graph", "bip", "bridge", "group", "default-runtime",
        "default-shm-size", "exec-root", "pidfile", "metrics-addr", "swarm-default-advertise-addr", "tlscacert",
        "tlscert", "tlskey", "userns-remap", "seccomp-profile", "fixed-cidr", "cgroup-parent",
    ]
    private static let flags: Set<String> = [
        "debug", "experimental", "icc", "ip-forward", "ip-masq", "iptables", "ip6tables", "ipv6", "live-restore",
        "raw-logs", "selinux-enabled", "tls", "tlsverify", "userland-proxy", "no-new-privileges", "init",
    ]

    static func check(_ keys: [Node.Docker.Key], _ report: inout DiagnosticReport) {
        for key in keys {
            let path = "docker.daemon.\(key.name.value)"
            func refuse(_ text: String) { report.error(at: key.value.location, "\(path): \(text)") }
            if let instead = ignored[key.name.value] {
                report.error(
                    at: key.name.location,
                    "\(path): dockerd takes \"\(key.name.value)\" and ignores it; the key is \"\(instead)\"")
            } else if lists.contains(key.name.value) {
                guard case .array(let items) = key.value.value,
                    items.allSatisfy({ if case .string = $0 { true } else { false } })
                else {
                    refuse("expected a list of texts")
                    continue
                }
                if key.name.value == "labels" { checkLabels(items, refuse) }
            } else if texts.contains(key.name.value) {
                if case .string = key.value.value { continue }
                refuse("expected text (put it in quotes)")
            } else if flags.contains(key.name.value) {
                if case .bool = key.value.value { continue }
                refuse("expected true or false, without quotes")
            } else if key.name.value == "log-opts" {
                guard case .object(let members) = key.value.value,
                    members.allSatisfy({ if case .string = $0.value { true } else { false } })
                else {
                    refuse("expected a map whose values are texts: dockerd refuses numbers there, write \"3\"")
                    continue
                }
            } else if case .null = key.value.value {
                refuse("has no value")
            }
        }
    }

    /// dockerd: "key=value"; the same key with two values stops it since 17.12, Docker's own prefixes since 20.10.
    private static func checkLabels(_ items: [JSONValue], _ refuse: (String) -> Void) {
        var values: [Substring: Substring] = [:]
        for case .string(let label) in items {
            let parts = label.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                refuse("\"\(label)\" is no label (key=value)")
                continue
            }
            if let other = values[parts[0]], other != parts[1] {
                refuse("the label \"\(parts[0])\" has two values, \"\(other)\" and \"\(parts[1])\"")
            }
            values[parts[0]] = parts[1]
            let lower = parts[0].lowercased()
            if ["com.docker.", "io.docker.", "org.dockerproject."].contains(where: { lower.hasPrefix($0) }) {
                refuse("the label \"\(label)\" has a prefix that Docker keeps for itself")
            }
        }
    }
}
