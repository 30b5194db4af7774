import Diagnostics
import Images
import Recipes

/// Docker's configuration before there was a daemon.json (1.10): options of its command line, which its service reads from
/// DOCKER_OPTS in /etc/default/docker.
///
/// The file is read by sh (the sysvinit script) and by systemd (EnvironmentFile); both then split the value at blanks
/// without regard to quotes inside. So a value may hold only characters that neither treats specially.
struct DockerOptions: Hashable, Sendable {
    static let path = "/etc/default/docker"

    /// The keys of daemon.json that are options of dockerd 1.6, with their spelling there (docker/docker v1.6.0,
    /// daemon/config.go, opts/opts.go, docker/flags.go).
    private static let options: [String: String] = [
        "api-cors-header": "api-cors-header", "bip": "bip", "bridge": "bridge", "data-root": "graph", "debug": "debug",
        "default-ulimits": "default-ulimit", "dns": "dns", "dns-search": "dns-search", "exec-opts": "exec-opt",
        "fixed-cidr": "fixed-cidr", "fixed-cidr-v6": "fixed-cidr-v6", "graph": "graph", "group": "group",
        "hosts": "host", "icc": "icc", "insecure-registries": "insecure-registry", "ip": "ip",
        "ip-forward": "ip-forward", "ip-masq": "ip-masq", "iptables": "iptables", "ipv6": "ipv6", "labels": "label",
        "log-driver": "log-driver", "log-level": "log-level", "mtu": "mtu", "pidfile": "pidfile",
        "registry-mirrors": "registry-mirror", "selinux-enabled": "selinux-enabled",
        "storage-driver": "storage-driver", "storage-opts": "storage-opt", "tls": "tls", "tlscacert": "tlscacert",
        "tlscert": "tlscert", "tlskey": "tlskey", "tlsverify": "tlsverify",
    ]

    private(set) var words: [String] = []

    /// What an older daemon cannot be told is reported.
    init(_ daemon: DaemonConfiguration, docker: Node.Docker, version: String, report: inout DiagnosticReport) {
        for member in daemon.members {
            let key = docker.daemon.first { $0.name.value == member.name }
            let location = key?.name.location ?? docker.location
            guard let option = Self.options[member.name] else {
                report.error(
                    at: location,
                    "docker.daemon.\(member.name): Docker \(version) has no such option and no daemon.json")
                continue
            }
            for value in Self.values(of: member.value) {
                guard let value else {
                    report.error(
                        at: key?.value.location ?? location,
                        "docker.daemon.\(member.name): Docker \(version) takes no such value on its command line")
                    continue
                }
                guard Self.isPlain(value) else {
                    report.error(
                        at: key?.value.location ?? location,
                        "docker.daemon.\(member.name): \"\(value)\" cannot stand in DOCKER_OPTS of Docker \(version): "
                            + "no blanks, quotes or shell characters")
                    continue
                }
                words.append("--\(option)=\(value)")
            }
        }
    }

    /// The values of one option, each for an option of its own; nil for one that has no form on a command line.
    private static func values(of value: JSONValue) -> [String?] {
        switch value {
        case .string(let text): [text]
        case .bool(let flag): [flag ? "true" : "false"]
        case .integer(let number): [String(number)]
        case .array(let items): items.flatMap(values)
        case .object, .number, .null: [nil]
        }
    }

    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "_@%+=:,./-".utf8.contains(byte)
                }
            }
    }

    /// /etc/default/docker with our DOCKER_OPTS in place of the image's; a storage driver that the image names and the
    /// recipe does not stays, since images and kernels of that time did not fit every driver.
    func edited(_ text: String?) -> [UInt8] {
        var kept: [String] = []
        var lines: [String] = []
        var isContinued = false
        for line in (text ?? "").split(separator: "\n", omittingEmptySubsequences: false) {
            let plain = line.drop { $0 == " " || $0 == "\t" }
            // A backslash at the end joins the next line to it.
            guard isContinued || plain.hasPrefix("DOCKER_OPTS=") || plain.hasPrefix("export DOCKER_OPTS=") else {
                lines.append(String(line))
                continue
            }
            let value = plain.replacing("DOCKER_OPTS=", with: " ", maxReplacements: isContinued ? 0 : 1)
            kept += value.split { " \t\"'\\".contains($0) }.map(String.init)
                .filter { $0.hasPrefix("--storage-driver=") }
            isContinued = line.hasSuffix("\\")
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        let driver = words.contains { $0.hasPrefix("--storage-driver=") } ? [] : kept.suffix(1)
        lines.append("DOCKER_OPTS=\"\((driver + words).joined(separator: " "))\"")
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }
}
