/// A host with or without a port, as Docker takes the address of a manager: "red00.lan", "192.168.50.10:2377",
/// "[fd00::1]:2377". An IPv6 address needs brackets only in front of a port.
package struct HostPort: Hashable, Sendable, LosslessStringConvertible {
    package enum Host: Hashable, Sendable {
        case ipv4(IPv4Address)
        /// Without brackets and as written; never with a zone, which means something on one machine only.
        case ipv6(String)
        /// A host name (RFC 1123, 2.1): labels of letters, digits and "-", up to 253 characters.
        case name(String)
    }

    package let host: Host
    /// 1 to 65535; nil if none is given.
    package let port: UInt16?

    package init(_ host: Host, port: UInt16?) {
        self.host = host
        self.port = port
    }

    /// Nil if `text` is not a host with or without a port.
    package init?(_ text: String) {
        var host = text[...]
        var port: Substring?
        if text.begins(with: "[") {
            guard let end = text.unicodeScalars.firstIndex(of: "]") else { return nil }
            host = text[text.unicodeScalars.index(after: text.startIndex)..<end]
            let rest = text[text.unicodeScalars.index(after: end)...]
            guard host.contains(scalar: ":"), rest.isEmpty || rest.begins(with: ":") else { return nil }
            if !rest.isEmpty { port = rest.dropFirst() }
        } else if let colon = text.unicodeScalars.firstIndex(of: ":"), colon == text.unicodeScalars.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[text.unicodeScalars.index(after: colon)...]
        }
        guard let found = Host(host) else { return nil }
        self.host = found
        guard let port else {
            self.port = nil
            return
        }
        guard let number = decimal(port.utf8, upTo: 65_535), number > 0 else { return nil }
        self.port = UInt16(number)
    }

    /// The host, with brackets around an IPv6 address, and the port if there is one.
    package var description: String {
        guard let port else { return host.bracketed }
        return "\(host.bracketed):\(port)"
    }

    /// The same with `port` if it has none.
    package func defaulting(toPort port: UInt16) -> HostPort { HostPort(host, port: self.port ?? port) }
}

extension HostPort.Host: CustomStringConvertible {
    /// Nil if `text` is neither an IP address (without brackets) nor a host name.
    init?(_ text: Substring) {
        if let address = IPv4Address(text) {
            self = .ipv4(address)
        } else if text.contains(scalar: ":") {
            guard let address = IPAddress(text), address.zone == nil else { return nil }
            self = .ipv6(String(text))
        } else {
            // Digits and dots that are not an address are a typing mistake rather than a name.
            guard text.utf8.count <= 253, !text.utf8.allSatisfy({ $0 == UInt8(ascii: ".") || isDigit($0) }),
                text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy(isLabel)
            else { return nil }
            self = .name(String(text))
        }
    }

    /// Without brackets.
    package var description: String {
        switch self {
        case .ipv4(let address): address.description
        case .ipv6(let text), .name(let text): text
        }
    }

    /// As it is written in front of a port or in a URL.
    package var bracketed: String {
        if case .ipv6(let text) = self { "[\(text)]" } else { description }
    }

    package var isName: Bool { if case .name = self { true } else { false } }
}

private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

private func isLabel(_ label: Substring.UTF8View) -> Bool {
    let dash = UInt8(ascii: "-")
    return (1...63).contains(label.count) && label.first != dash && label.last != dash
        && label.allSatisfy { byte in
            let lower = byte | 0x20
            return byte == dash || isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lower)
        }
}
