import Recipes
import Text

/// `network.proxy`: the proxies of apt, and of what takes them from its environment. dockerd's are ``DaemonConfiguration``'s.
struct NodeProxy: Hashable, Sendable {
    static let aptPath = "/etc/apt/apt.conf.d/80piflash-proxy"
    /// Shell, read by the first-boot program.
    static let environmentPath = "/etc/piflash/proxy"
    static let paths = [aptPath, environmentPath]

    private let http: String?
    private let https: String?
    private let direct: [String]

    init?(_ node: Node) {
        guard let proxy = node.network.proxy else { return nil }
        http = proxy.http?.value
        https = proxy.https?.value
        logins = proxy.logins
        var direct = ["localhost", "127.0.0.1", "::1"] + proxy.noProxy.map(\.value)
        // As for dockerd: the hosts of the node's own network are reached without the proxy.
        if let own = node.address.flatMap({ IPNetwork("\($0.value.address)/\($0.value.prefixLength)")?.canonical }),
            !direct.contains(own)
        {
            direct.append(own)
        }
        self.direct = direct
    }

    /// The logins of the proxies: "me:secret".
    private let logins: Set<String>

    var holdsLogin: Bool { !logins.isEmpty }

    /// Changes if the proxies do, but for their logins: it is on the boot partition, and a password could be guessed from it.
    var digest: String {
        let plain = logins.reduce(environment) { $0.replacing(bytes: $1, with: "") }
        return Text.digest(of: [Array(plain.utf8)])
    }

    /// Read by root alone where they hold a login.
    var files: [Provision.NodeFile] {
        let logins = logins
        return [
            .init(
                path: Self.aptPath, contents: Array(apt.utf8), mode: logins.isEmpty ? 0o644 : 0o600, sensitive: logins),
            .init(path: Self.environmentPath, contents: Array(environment.utf8), mode: 0o600, sensitive: logins),
        ]
    }

    /// apt.conf(5), apt-transport-http(1): a host may be reached directly, but not a network; that `no_proxy` of the
    /// environment says.
    private var apt: String {
        var lines = ["// Written by piflash."]
        for (kind, address) in [("http", http), ("https", https)] {
            guard let address else { continue }
            lines.append("Acquire::\(kind)::Proxy \"\(address)\";")
            for host in direct where Self.isHost(host) {
                lines.append("Acquire::\(kind)::Proxy::\(host) \"DIRECT\";")
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func isHost(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, first.properties.isAlphabetic || ("0"..."9").contains(first) else {
            return false
        }
        return !text.unicodeScalars.contains { "/*:".unicodeScalars.contains($0) }
    }

    private var variables: [(name: String, value: String)] {
        [("http_proxy", http), ("https_proxy", https), ("no_proxy", direct.joined(separator: ","))].compactMap {
            name, value in value.map { (name, $0) }
        }
    }

    private var environment: String {
        let lines = variables.map { "\($0.name)=\(shellQuoted($0.value))\n" }
        return "# Written by piflash: read by \(FirstBootProgram.path).\n" + lines.joined()
    }

    /// /etc/environment with the proxies: as the first-boot program writes it (system.sh, write_environment).
    func environmentFile(_ text: String) -> String {
        var lines: [Substring] = []
        var isOurs = false
        for line in text.split(at: "\n") {
            if line == "# piflash: proxy" { isOurs = true }
            if !isOurs { lines.append(line) }
            if line == "# piflash: end" { isOurs = false }
        }
        let ours = variables.map { "\($0.name)=\($0.value)" }
        return (lines.map(String.init) + ["# piflash: proxy"] + ours + ["# piflash: end"]).map { $0 + "\n" }.joined()
    }
}
