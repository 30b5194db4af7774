package import Text

/// The proxies that dockerd itself goes through, for images and plugins; containers have settings of their own.
package struct ProxySettings: Hashable, Sendable {
    package var http: String?
    package var https: String?
    package var noProxy: [String]

    package init(http: String? = nil, https: String? = nil, noProxy: [String] = []) {
        self.http = http
        self.https = https
        self.noProxy = noProxy
    }

    /// Whether an address holds a login, which nobody but root may read.
    package var holdsLogin: Bool { [http, https].contains { $0?.contains(scalar: "@") == true } }

    /// Whether `members` of a daemon.json give an address of a proxy that holds a login.
    package static func holdsLogin(_ members: [JSONValue.Member]) -> Bool {
        guard case .object(let proxies) = members.first(where: { $0.name == "proxies" })?.value else { return false }
        return proxies.contains {
            if case .string(let address) = $0.value { address.contains(scalar: "@") } else { false }
        }
    }

    /// Lower-case names of the environment with their values. Go's net/http reads either case.
    private var values: [(name: String, value: String)] {
        var values: [(name: String, value: String)] = []
        if let http { values.append(("http-proxy", http)) }
        if let https { values.append(("https-proxy", https)) }
        if !noProxy.isEmpty { values.append(("no-proxy", noProxy.joined(separator: ","))) }
        return values
    }

    /// The member `proxies` of daemon.json, from 23.0 on.
    package var member: JSONValue.Member {
        .init("proxies", .object(values.map { .init($0.name, .string($0.value)) }))
    }

    /// The drop-in for docker.service of older engines, which take proxies from their environment (systemd.exec(5)).
    package var dropIn: String {
        var lines = ["[Service]"]
        for (name, value) in values {
            lines.append("Environment=" + systemdAssignment(Self.variable(name), value))
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// Lines for /etc/default/docker, which the sysvinit script reads as shell.
    package var shellLines: [String] {
        values.map { name, value in
            "export \(Self.variable(name))=\(shellQuoted(value))"
        }
    }

    private static func variable(_ name: String) -> String { name.uppercased().replacing(scalar: "-", with: "_") }
}
