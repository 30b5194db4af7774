/// An IPv4 address with the prefix length of its network: "192.168.50.10/24" (CIDR notation, RFC 4632).
package struct IPv4Network: Hashable, Sendable, LosslessStringConvertible {
    /// As written, with its host bits.
    package let address: IPv4Address
    /// 0 to 32.
    package let prefixLength: Int

    /// Nil if `prefixLength` is not 0 to 32.
    package init?(_ address: IPv4Address, prefixLength: Int) {
        guard (0...32).contains(prefixLength) else { return nil }
        self.address = address
        self.prefixLength = prefixLength
    }

    /// Nil if `text` is not an address with a prefix length; an address without "/" is not one.
    package init?(_ text: String) {
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")), let address = IPv4Address(text[..<slash]),
            let length = decimal(text.utf8[text.utf8.index(after: slash)...], upTo: 32)
        else { return nil }
        self.init(address, prefixLength: length)
    }

    package var description: String { "\(address)/\(prefixLength)" }

    /// "255.255.255.0" for a prefix length of 24.
    package var mask: IPv4Address { IPv4Address(bits: maskBits) }

    /// The address with its host bits cleared, which names the network itself.
    package var first: IPv4Address { IPv4Address(bits: address.bits & maskBits) }

    /// The address with all host bits set, which reaches every host (RFC 919). A network of one or two addresses
    /// (prefix length 32 or 31) has no such address.
    package var last: IPv4Address { IPv4Address(bits: address.bits | ~maskBits) }

    /// Whether `address` can be a host's: neither the network's own address nor the broadcast address. Prefix lengths 31
    /// (RFC 3021) and 32 have neither.
    package var isHost: Bool { prefixLength > 30 || (address != first && address != last) }

    /// How many host addresses there are from `address` on, this one included; 0 if it is not a host's.
    package var hostsFromHere: Int {
        guard isHost else { return 0 }
        return Int(last.bits - address.bits) + (prefixLength > 30 ? 1 : 0)
    }

    /// The addresses of the `count` hosts from `address` on; nil if there are fewer.
    package func hosts(_ count: Int) -> [IPv4Address]? {
        guard count >= 0, count <= hostsFromHere else { return nil }
        return (0..<UInt32(count)).map { IPv4Address(bits: address.bits + $0) }
    }

    package func contains(_ other: IPv4Address) -> Bool { other.bits & maskBits == first.bits }

    private var maskBits: UInt32 { prefixLength == 0 ? 0 : UInt32.max << UInt32(32 - prefixLength) }
}
