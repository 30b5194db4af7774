import Text

/// What the service gives dockerd on its command line: none of it may be in daemon.json as well.
package struct ServiceFlags: Hashable, Sendable {
    /// As keys of daemon.json.
    package private(set) var keys: Set<String>

    package init(keys: Set<String> = []) { self.keys = keys }

    /// The options of a command line, as an ExecStart or DOCKER_OPTS holds it. Quotes are those of systemd.syntax(7).
    package init(command: String, options: String? = nil) {
        let line = options.map { command.replacing("$DOCKER_OPTS", with: $0) } ?? command
        var keys: Set<String> = []
        for word in line.split(whereSeparator: \.isWhitespace) {
            let plain = word.filter { $0 != "\"" && $0 != "'" }
            if let key = Self.key(of: plain) { keys.insert(key) }
        }
        self.keys = keys
    }

    /// What the packages' own units say: `-H fd://` from the beginning, `--containerd=…` from 18.09.1 on
    /// (docker-ce-packaging, systemd/docker.service; Debian's docker.io is the same).
    package static func packaged(_ version: EngineVersion) -> ServiceFlags {
        ServiceFlags(keys: version >= EngineVersion(18, 9, 1) ? ["hosts", "containerd"] : ["hosts"])
    }

    /// The same service when a drop-in has taken its -H away.
    package func withoutHosts() -> ServiceFlags { ServiceFlags(keys: keys.subtracting(["hosts"])) }

    package func union(_ other: ServiceFlags) -> ServiceFlags { ServiceFlags(keys: keys.union(other.keys)) }

    /// The key that an option of the command line sets.
    static func key(of word: some StringProtocol) -> String? {
        if word.begins(with: "--") {
            let name = word.dropFirst(2).prefix { $0 != "=" }
            if DaemonKeys.proxies.contains(String(name)) { return String(name) }
            let found = DaemonKeys.all.first { $0.option == String(name) && $0.name != "host-gateway-ip" }
            return found?.name ?? (name == "graph" ? "data-root" : nil)
        }
        guard word.begins(with: "-"), let letter = word.dropFirst().first else { return nil }
        if letter == "g" { return "data-root" }
        return DaemonKeys.all.first { $0.letter == letter }?.name
    }
}
