import Text

/// What dockerd takes for a registry (moby/moby, registry/config.go; distribution/reference).
enum RegistryRules {
    /// A registry of allow-nondistributable-artifacts.
    static let plain: DaemonKey.TextRule = { text, version in
        if !text.ends(with: "-"), IPNetwork(text) != nil || isHostPort(text[...], version) { return nil }
        return .error("\"\(text)\" is not a valid registry (host[:port], or a network as 10.0.0.0/8)")
    }

    /// A mirror of Docker Hub: the only registry that Docker asks mirrors for.
    static let mirror: DaemonKey.TextRule = { text, version in
        let shape = "\"\(text)\" is not a valid registry mirror (http://host[:port] or https://host[:port])"
        guard let mark = text.utf8.firstRange(of: "://".utf8), mark.lowerBound > text.startIndex else {
            return .error(shape + ": it needs \"http://\" or \"https://\"")
        }
        guard ["http", "https"].contains(text[..<mark.lowerBound].lowercased()) else { return .error(shape) }
        let rest = text[mark.upperBound...]
        let authority = rest.prefix { !"/?#".contains($0) }
        let path = rest.dropFirst(authority.count).prefix { !"?#".contains($0) }
        let tail = rest.dropFirst(authority.count + path.count)
        if authority.contains(scalar: "@") {
            return .error("\"\(text)\": leave the user and the password out of a mirror")
        }
        if tail.count > 1 { return .error("\"\(text)\": leave the query and the fragment out of a mirror") }
        guard isAuthority(authority), !path.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7F })
        else { return .error(shape) }
        if path.isEmpty { return nil }
        if version < EngineVersion(17, 4) {
            return .error("\"\(text)\": Docker before 17.04 does not accept \"/\" after the host of a mirror")
        }
        if path != "/", version < EngineVersion(24, 0, 8) {
            return .error("\"\(text)\": a mirror has a path only from 24.0.8 and 25.0 on; leave it out")
        }
        return nil
    }

    /// host, host:port, IPv4, [IPv6]; a port of nothing is no mistake for Go.
    private static func isAuthority(_ text: Substring) -> Bool {
        guard let match = text.wholeMatch(of: /(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::([0-9]*))?/) else {
            return false
        }
        guard let port = match.2, !port.isEmpty else { return true }
        return Int(port).map { $0 <= 65535 } ?? false
    }

    /// A registry without TLS, or with a certificate that nobody vouches for: a host, or a network in CIDR notation.
    static let insecure: DaemonKey.TextRule = { text, version in
        if text.begins(with: "-") || text.ends(with: "-") { return .error("\"\(text)\" begins or ends with \"-\"") }
        var host = text[...]
        var remark: DaemonKey.Problem?
        if let mark = text.utf8.firstRange(of: "://".utf8) {
            let scheme = text[..<mark.lowerBound].lowercased()
            host = text[mark.upperBound...]
            let advice = "\"\(text)\": write it without \"\(scheme)://\""
            guard ["http", "https"].contains(scheme) else {
                return .error("\"\(text)\" is not a valid registry (host[:port], or a network as 10.0.0.0/8)")
            }
            if version < EngineVersion(17, 4) {
                return .error(advice + ", which Docker before 17.04 takes for a part of the name")
            }
            remark = .warning(advice)
        }
        if IPNetwork(String(host)) != nil || isHostPort(host, version) { return remark }
        return .error("\"\(text)\" is not a valid registry (host[:port] without a path, or a network as 10.0.0.0/8)")
    }

    /// validateHostPort: reference.DomainRegexp, or what net.ParseIP takes, with or without a port.
    private static func isHostPort(_ text: Substring, _ version: EngineVersion) -> Bool {
        if IPAddress(String(text))?.zone == nil, IPAddress(String(text)) != nil { return true }
        if let match = text.wholeMatch(of: /\[([0-9A-Fa-f:.]+)\](?::([0-9]+))?/) {
            guard IPAddress(String(match.1)) != nil else { return false }
            guard let port = match.2 else { return version >= EngineVersion(23, 0) }
            return isPort(port)
        }
        guard
            let match = text.wholeMatch(
                of: /[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(?::([0-9]+))?/)
        else { return false }
        return match.4.map(isPort) ?? true
    }

    private static func isPort(_ text: Substring) -> Bool { Int(text).map { $0 <= 65535 } ?? false }
}
