import Text

/// Addresses and hosts.
extension ValueRule {
    private static let byte = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
    private static let fourBytes = #"\#(byte)(\.\#(byte)){3}"#

    static let ipv4Address = ValueRule("IPv4 address", fourBytes, suggestion: "192.168.50.1")

    static let ipAddress = parsed("IP address", "[0-9A-Fa-f:.]{2,45}", suggestion: "192.168.50.1 or fd00::1") {
        IPAddress($0) != nil
    }

    /// The networks of 31 and 32 bits have no room for a gateway.
    static let nodeAddress = ValueRule(
        "IPv4 address with its prefix length", "\(fourBytes)/([1-9]|[12][0-9]|30)", suggestion: "192.168.50.11/24"
    ) {
        guard let network = IPv4Network($0), network.prefixLength <= 30, !network.isHost else { return nil }
        return "\(network.address) is the network's own or its broadcast address"
    }

    /// An IP address or a host name, with or without a port.
    static let manager = parsed(
        "address of a manager", #"[0-9A-Za-z:\[][0-9A-Za-z.:\]-]*"#,
        suggestion: "an IP address or a host name, with or without \":port\""
    ) { HostPort($0) != nil }

    /// What dockerd accepts as a mirror in every version; the rule of one version is `RegistryRules.mirror` of Docker.
    static let mirror = parsed(
        "registry mirror", #"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(:[0-9]{1,5})?"#,
        suggestion: "http://host[:port] or https://host[:port], without user or path"
    ) { text in
        guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return false }
        let authority = text.dropFirst(scheme.count)
        // HostPort also takes IPv6 without brackets, which a URL cannot have (RFC 3986, 3.2.2).
        return HostPort(String(authority)) != nil && (authority.hasPrefix("[") || authority.count { $0 == ":" } < 2)
    }

    /// An http or https proxy, with or without a login: one word that every format can carry. "#" and "?" would end the host
    /// (RFC 3986, 3.2): a login has them as %23 and %3F.
    static let proxy = ValueRule(
        "proxy",
        #"https?://([^\s\x00-\x1f\x7f@/"'\\?#]+@)?(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)(:[0-9]{1,5})?/?"#,
        suggestion: "http://host:port")

    /// What no_proxy may list: a host, a domain with or without a leading dot, an address, a network, or "*".
    static let directHost = ValueRule(
        "host, domain or network",
        #"\*|\.?[A-Za-z0-9*]([A-Za-z0-9.:_-]*[A-Za-z0-9])?(/[0-9]{1,3})?|\[?[0-9A-Fa-f:]+\]?(/[0-9]{1,3})?"#,
        suggestion: "host, .example.org, 192.168.0.0/16")
}
