/// An IP address, read as the `net` and `net/netip` of Go read one.
struct IPAddress: Hashable, Sendable {
    /// 4 or 16 bytes, most significant first.
    var bytes: [UInt8]
    var zone: String?

    var isIPv4: Bool { bytes.count == 4 }

    init?(_ text: String) {
        if let bytes = Self.ipv4(text[...]) {
            self.bytes = bytes
            return
        }
        var address = text[...]
        if let mark = address.firstIndex(of: "%") {
            let zone = address[address.index(after: mark)...]
            guard !zone.isEmpty else { return nil }
            self.zone = String(zone)
            address = address[..<mark]
        }
        guard let bytes = Self.ipv6(address) else { return nil }
        self.bytes = bytes
    }

    /// By bytes, not characters: each of a thousand nodes is judged beside the addresses of a thousand.
    private static func ipv4(_ text: Substring) -> [UInt8]? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ (0x30...0x39).contains($0) }),
                part.count == 1 || part.first != UInt8(ascii: "0"),
                let byte = UInt8(exactly: part.reduce(0) { $0 * 10 + Int($1 - 0x30) })
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func ipv6(_ text: Substring) -> [UInt8]? {
        guard text.contains(":") else { return nil }
        var halves: [[UInt8]] = []
        var rest = text
        var sides: [Substring] = []
        if let gap = text.indices.first(where: { text[$0...].hasPrefix("::") }) {
            sides.append(text[..<gap])
            rest = text[text.index(gap, offsetBy: 2)...]
            guard !rest.contains("::"), !rest.hasPrefix(":") else { return nil }
        }
        sides.append(rest)
        for (index, side) in sides.enumerated() {
            var bytes: [UInt8] = []
            guard !side.isEmpty else {
                if sides.count == 1 { return nil }
                halves.append(bytes)
                continue
            }
            let parts = side.split(separator: ":", omittingEmptySubsequences: false)
            for (number, part) in parts.enumerated() {
                if index == sides.count - 1, number == parts.count - 1, let tail = ipv4(part) {
                    bytes += tail
                } else {
                    guard (1...4).contains(part.utf8.count), part.allSatisfy(\.isHexDigit),
                        let group = UInt16(part, radix: 16)
                    else { return nil }
                    bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
                }
            }
            halves.append(bytes)
        }
        let count = halves.reduce(0) { $0 + $1.count }
        if halves.count == 1 { return count == 16 ? halves[0] : nil }
        guard count < 16 else { return nil }
        return halves[0] + [UInt8](repeating: 0, count: 16 - count) + halves[1]
    }
}

/// An IP network in CIDR notation: "192.168.50.0/24".
package struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
    /// As it was written, with its host bits.
    let address: IPAddress
    let prefixLength: Int
    package let description: String

    /// Nil where `text` is no network; an address without "/" is none either.
    package init?(_ text: String) {
        guard let mark = text.utf8.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let prefix = text[text.utf8.index(after: mark)...]
        guard let address = IPAddress(String(text[..<mark])), address.zone == nil,
            prefix.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            prefix.utf8.count == 1 || prefix.utf8.first != UInt8(ascii: "0"),
            let length = Int(prefix), length <= address.bytes.count * 8
        else { return nil }
        self.address = address
        prefixLength = length
        description = text
    }

    var isIPv4: Bool { address.isIPv4 }

    /// The address with its host bits cleared.
    var networkBytes: [UInt8] {
        address.bytes.enumerated().map { index, byte in
            let kept = min(8, max(0, prefixLength - index * 8))
            return byte & UInt8(truncatingIfNeeded: 0xFF00 >> kept)
        }
    }

    /// The last address, which IPv4 sends broadcasts to.
    var lastBytes: [UInt8] {
        zip(networkBytes, 0...).map { byte, index in
            let kept = min(8, max(0, prefixLength - index * 8))
            return byte | ~UInt8(truncatingIfNeeded: 0xFF00 >> kept)
        }
    }

    func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        return !other.bytes.lexicographicallyPrecedes(networkBytes)
            && !lastBytes.lexicographicallyPrecedes(other.bytes)
    }

    /// Without host bits: "192.168.50.0/24". IPv4 only; an IPv6 network stays as it was written.
    package var canonical: String {
        isIPv4 ? networkBytes.map(String.init).joined(separator: ".") + "/\(prefixLength)" : description
    }

    package func covers(_ other: IPNetwork) -> Bool { contains(other) }

    func contains(_ other: IPNetwork) -> Bool { other.prefixLength >= prefixLength && contains(other.address) }

    func overlaps(_ other: IPNetwork) -> Bool {
        var mine = other.address
        mine.bytes = other.networkBytes
        var theirs = address
        theirs.bytes = networkBytes
        return contains(mine) || other.contains(theirs)
    }
}
