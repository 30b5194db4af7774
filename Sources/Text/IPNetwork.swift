/// An IP network of either family in CIDR notation: "192.168.50.0/24", "fd00::/64".
package struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
    /// As it was written, with its host bits.
    package let address: IPAddress
    package let prefixLength: Int
    package let description: String

    /// Nil if `text` is not a network; an address without "/" is not one.
    package init?(_ text: String) {
        guard let mark = text.utf8.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        guard let address = IPAddress(text[..<mark]), address.zone == nil,
            let length = decimal(text.utf8[text.utf8.index(after: mark)...], upTo: address.bytes.count * 8)
        else { return nil }
        self.address = address
        prefixLength = length
        description = text
    }

    package var isIPv4: Bool { address.isIPv4 }

    /// The address with its host bits cleared.
    package var networkBytes: [UInt8] {
        address.bytes.enumerated().map { index, byte in
            let kept = min(8, max(0, prefixLength - index * 8))
            return byte & UInt8(truncatingIfNeeded: 0xFF00 >> kept)
        }
    }

    /// The last address, which IPv4 sends broadcasts to.
    package var lastBytes: [UInt8] {
        zip(networkBytes, 0...).map { byte, index in
            let kept = min(8, max(0, prefixLength - index * 8))
            return byte | ~UInt8(truncatingIfNeeded: 0xFF00 >> kept)
        }
    }

    package func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        return !other.bytes.lexicographicallyPrecedes(networkBytes)
            && !lastBytes.lexicographicallyPrecedes(other.bytes)
    }

    /// Without host bits: "192.168.50.0/24", "fd00::/64".
    package var canonical: String { "\(IPAddress(bytes: networkBytes))/\(prefixLength)" }

    package func contains(_ other: IPNetwork) -> Bool { other.prefixLength >= prefixLength && contains(other.address) }

    package func overlaps(_ other: IPNetwork) -> Bool {
        contains(IPAddress(bytes: other.networkBytes)) || other.contains(IPAddress(bytes: networkBytes))
    }

    /// The addresses of `count` hosts from `address` on; nil if the network has fewer.
    package func hosts(_ count: Int) -> [IPAddress]? {
        var bytes = address.bytes
        var hosts: [IPAddress] = []
        for _ in 0..<count {
            let host = IPAddress(bytes: bytes)
            guard contains(host) else { return nil }
            hosts.append(host)
            // The next one; after the last of all addresses none is in the network, so a carry out of it is too far.
            var index = bytes.count - 1
            while index >= 0 {
                bytes[index] &+= 1
                guard bytes[index] == 0 else { break }
                index -= 1
            }
            if index < 0, hosts.count < count { return nil }
        }
        return hosts
    }
}
