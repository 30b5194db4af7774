import Text

/// What dockerd takes for addresses and networks (moby/moby, opts/opts.go, daemon/daemon_unix.go, libnetwork).
enum NetworkRules {
    /// net.IP: a literal of IPv4 or IPv6 without a zone.
    static let address: DaemonKey.TextRule = { text, _ in
        if let address = IPAddress(text), address.zone == nil { return nil }
        return .error("\"\(text)\" is not a valid IP address")
    }

    /// netip.Addr, with a zone or without.
    static let literalAddress: DaemonKey.TextRule = { text, _ in
        IPAddress(text) == nil ? .error("\"\(text)\" is not a valid IP address") : nil
    }

    /// Blanks around it were cut off until 28.x; a zone is taken since 29. There is no port.
    static let nameServer: DaemonKey.TextRule = { text, version in
        let isRecent = version >= EngineVersion(29, 0)
        guard let address = IPAddress(isRecent ? text : String(text.trimmed)) else {
            let hint = text.contains(scalar: ":") && !text.contains(bytes: "::") ? ": no port can stand there" : ""
            return .error("\"\(text)\" is not a valid IP address\(hint)")
        }
        return address.zone != nil && !isRecent
            ? .error("\"\(text)\": Docker before 29.0 does not accept a zone here") : nil
    }

    /// ValidateDNSSearch: a domain with a letter in it, or "." for none.
    static let searchDomain: DaemonKey.TextRule = { text, _ in
        let domain = text.trimmed
        if domain == "." { return nil }
        let isDomain =
            domain.wholeMatch(
                of: /[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\.?/) != nil
            && domain.contains { ("a"..."z").contains($0.lowercased()) } && domain.utf8.count < 255
        return isDomain ? nil : .error("\"\(text)\" is not a valid domain (\"example.org\", or \".\" for none)")
    }

    static let bridgeAddress: DaemonKey.TextRule = { text, _ in
        guard let network = IPNetwork(text), network.isIPv4, network.prefixLength > 0 else {
            return .error("\"\(text)\" is not a valid IPv4 address with its prefix length (\"172.26.0.1/16\")")
        }
        if network.prefixLength > 30 { return .error("\"\(text)\" has no room for a container") }
        if network.address.bytes == network.networkBytes || network.address.bytes == network.lastBytes {
            return .error("\"\(text)\" is the network, not the bridge's own address in it (\"172.26.0.1/16\")")
        }
        return [0, 127].contains(network.address.bytes[0]) || network.address.bytes[0] >= 224
            ? .error("\"\(text)\" is not a network that hosts can have") : nil
    }

    static let bridgeAddress6: DaemonKey.TextRule = { text, _ in
        guard let network = IPNetwork(text), !network.isIPv4 else {
            return .error("\"\(text)\" is not a valid IPv6 address with its prefix length (\"fd00:1::1/64\")")
        }
        return network.address.bytes == network.networkBytes
            ? .error("\"\(text)\" is the network, not the bridge's own address in it") : nil
    }

    static let subnet: DaemonKey.TextRule = { text, _ in
        guard let network = IPNetwork(text), network.isIPv4 else {
            return .error("\"\(text)\" is not a valid IPv4 network (\"172.26.0.128/25\")")
        }
        return nil
    }

    static let subnet6: DaemonKey.TextRule = { text, _ in
        guard let network = IPNetwork(text), !network.isIPv4 else {
            return .error("\"\(text)\" is not a valid IPv6 network (\"fd00:1::/64\")")
        }
        return network.address.bytes[0] == 0xFF ? .error("\"\(text)\" is a network of multicast") : nil
    }

    static let gateway: DaemonKey.TextRule = { text, _ in
        IPAddress(text)?.isIPv4 == true ? nil : .error("\"\(text)\" is not a valid IPv4 address")
    }

    static let gateway6: DaemonKey.TextRule = { text, _ in
        if let address = IPAddress(text), address.zone == nil, !address.isIPv4 { return nil }
        return .error("\"\(text)\" is not a valid IPv6 address")
    }

    /// IFNAMSIZ: 15 bytes and a zero (netdevice(7)).
    static let interface: DaemonKey.TextRule = { text, _ in
        if text == "none" || text == "docker0" { return nil }
        guard (1...15).contains(text.utf8.count), !text.contains(scalar: "/"), !text.contains(where: \.isWhitespace)
        else {
            return .error("\"\(text)\" is not a valid interface")
        }
        return nil
    }

    /// strconv.ParseUint(…, 0, 32), a mask behind "/".
    static let firewallMark: DaemonKey.TextRule = { text, _ in
        let parts = text.split(at: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let isMark = parts.allSatisfy { part in
            let lower = part.lowercased()
            if lower.hasPrefix("0x") {
                return UInt32(lower.dropFirst(2), radix: 16) != nil && !lower.contains(scalar: "+")
            }
            if lower.hasPrefix("0b") {
                return UInt32(lower.dropFirst(2), radix: 2) != nil && !lower.contains(scalar: "+")
            }
            if lower.hasPrefix("0o") {
                return UInt32(lower.dropFirst(2), radix: 8) != nil && !lower.contains(scalar: "+")
            }
            if lower.hasPrefix("0"), lower.count > 1 { return UInt32(lower, radix: 8) != nil }
            return lower.allSatisfy(\.isNumber) && UInt32(lower) != nil
        }
        return isMark ? nil : .error("\"\(text)\" is not a valid mark or mark/mask (\"0x1/0x3\")")
    }

    /// opts.ValidateHost: tcp://, unix:// and fd://; without a scheme it is tcp://. Empty for the default.
    static let host: DaemonKey.TextRule = { text, _ in
        let shape =
            "\"\(text)\" is not a valid address to listen at (unix:///var/run/docker.sock, tcp://0.0.0.0:2376, fd://)"
        let host = text.trimmed[...]
        if host.isEmpty { return .warning("an empty text means the default, unix:///var/run/docker.sock") }
        let scheme = host.utf8.firstRange(of: "://".utf8).map { String(host[..<$0.lowerBound]) }
        let rest = host.utf8.firstRange(of: "://".utf8).map { host[$0.upperBound...] } ?? host
        switch scheme {
        case "fd": return nil
        case "unix": return rest.contains(bytes: "://") ? .error(shape) : nil
        case "tcp", nil:
            let pattern = /(\[[0-9A-Fa-f:.%a-z]+\]|[A-Za-z0-9._-]*)(:[0-9]{0,5})?/
            guard rest.isEmpty || rest.wholeMatch(of: pattern) != nil else { return .error(shape) }
            if let colon = rest.unicodeScalars.lastIndex(of: ":"), rest.last != "]",
                let port = Int(rest[colon...].dropFirst()),
                port > 65535
            {
                return .error(shape)
            }
            return nil
        default: return .error(shape)
        }
    }

    /// host:port; dockerd looks the host up to keep the port from containers (allocateDaemonPort), so it cannot be
    /// left out.
    static let listener: DaemonKey.TextRule = { text, _ in
        guard let match = text.wholeMatch(of: /(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})/),
            let port = Int(match.2), port <= 65535
        else { return .error("\"\(text)\" is not a valid address to listen at (\"127.0.0.1:9323\")") }
        return nil
    }

    /// An address of the node or an interface of it, without a port; `docker swarm init` refuses all else.
    static let advertised: DaemonKey.TextRule = { text, _ in
        if IPAddress(text) != nil { return nil }
        return text.wholeMatch(of: /[A-Za-z][A-Za-z0-9._-]{0,14}/) != nil
            ? nil : .error("\"\(text)\" is neither an IP address nor an interface, without a port")
    }
}
