import Text

/// Addresses and hosts.
extension ValueRule {
    private static let byte = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
    private static let fourBytes = #"\#(byte)(\.\#(byte)){3}"#

    /// The characters of an IPv6 address and, at its end, of an IPv4 address inside it.
    private static let sixteenBytes = "(?=[0-9A-Fa-f.]*:)[0-9A-Fa-f:.]{2,45}"

    static let gateway = ValueRule(
        "gateway", "\(fourBytes)|\(sixteenBytes)", suggestion: "192.168.50.1, fd00::1 or fe80::1"
    ) { addressProblem($0, of: "gateway", suggestion: "192.168.50.1, fd00::1 or fe80::1") }

    /// 127.0.0.1 is one: a node can have a resolver of its own.
    static let nameServer = ValueRule(
        "IP address", "\(fourBytes)|\(sixteenBytes)", suggestion: "192.168.50.1 or fd00::1"
    ) { addressProblem($0, of: "IP address", suggestion: "192.168.50.1 or fd00::1") }

    /// What is wrong with an address without prefix length that the node is to send to.
    private static func addressProblem(_ text: String, of name: String, suggestion: String) -> String? {
        guard text.contains(scalar: ":") || text.contains(scalar: "%") else { return nil }
        guard let address = IPAddress(text) else { return "\"\(text)\" is not a valid \(name) (\(suggestion))" }
        if let zone = address.zone {
            return "\"\(text)\": leave \"%\(zone)\" out; piflash puts the interface there where it is needed"
        }
        if let inner = address.mappedIPv4 { return "\"\(text)\" is an IPv4 address: write \(inner)" }
        if address.isMulticast || address.isUnspecified { return "\"\(text)\" is not the address of a machine" }
        return nil
    }

    /// The networks of 31 and 32 bits have no room for a gateway.
    static let nodeAddress = ValueRule(
        "IP address with its prefix length",
        "\(fourBytes)/([1-9]|[12][0-9]|30)|\(sixteenBytes)/([1-9]|[1-9][0-9]|1[01][0-9]|12[0-8])",
        suggestion: "192.168.50.11/24 or fd00::11/64"
    ) { text in
        guard text.contains(scalar: ":") else {
            guard let network = IPv4Network(text) else {
                return text.contains(scalar: ".")
                    ? "\"\(text)\" is not a valid IPv4 address with its prefix length (192.168.50.11/24)" : nil
            }
            guard network.prefixLength <= 30, !network.isHost else { return nil }
            return "\(network.address) is the network's own or its broadcast address"
        }
        guard let network = IPNetwork(text), network.prefixLength > 0 else {
            return "\"\(text)\" is not a valid IP address with its prefix length (192.168.50.11/24 or fd00::11/64)"
        }
        let address = network.address
        if let inner = address.mappedIPv4 { return "\"\(text)\" is an IPv4 address: write \(inner)/24" }
        if address.isMulticast || address.isUnspecified || address.isLoopback {
            return "\(address) is not an address that a node can have"
        }
        if address.isLinkLocal {
            return "\(address): every node makes an address in fe80::/10 by itself; choose one in fd00::/8"
        }
        // RFC 4291, 2.6.1: it means all routers of the network.
        if network.prefixLength < 127, network.networkBytes == address.bytes {
            return "\(address) is the network's own address"
        }
        return nil
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
        guard let scheme = ["http://", "https://"].first(where: { text.begins(with: $0) }) else { return false }
        let authority = text.dropFirst(scheme.count)
        // HostPort also takes IPv6 without brackets, which a URL cannot have (RFC 3986, 3.2.2).
        return HostPort(String(authority)) != nil
            && (authority.begins(with: "[") || authority.unicodeScalars.count { $0 == ":" } < 2)
    }

    private static let proxyForm =
        #"https?://(([A-Za-z0-9._~!*+,=:-]|%[0-9A-Fa-f]{2})+@)?(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)(:[0-9]{1,5})?/?"#

    /// An http or https proxy, with or without a login: one word that every format can carry. In a login everything but a few
    /// ASCII characters is percent-encoded (RFC 3986, 2.1 and 3.2.1), which every reader of a proxy decodes.
    static let proxy = ValueRule("proxy", proxyForm, suggestion: "http://host:port") { text in
        guard text.contains(scalar: "@"), !matches(text, proxyForm) else { return nil }
        // Without the text: it holds a password.
        return
            "this is not a valid proxy (http://user:password@host:port; in user and password, write each character but "
            + "letters, digits and . _ ~ ! * + , = - as %XX: @ is %40, $ is %24)"
    }

    /// What no_proxy may list: a host, a domain with or without a leading dot, an address, a network, or "*".
    static let directHost = ValueRule(
        "host, domain or network",
        #"\*|\.?[A-Za-z0-9*]([A-Za-z0-9.:_-]*[A-Za-z0-9])?(/[0-9]{1,3})?|\[?[0-9A-Fa-f:]+\]?(/[0-9]{1,3})?"#,
        suggestion: "host, .example.org, 192.168.0.0/16")
}
