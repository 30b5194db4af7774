/// An IP address of either family, read as Go's `net/netip` reads it: ``IPv4Address``, or IPv6 (RFC 4291, 2.2) with or
/// without a zone ("fe80::1%eth0").
package struct IPAddress: Hashable, Sendable {
    /// 4 or 16 bytes, most significant first.
    package let bytes: [UInt8]
    package let zone: String?

    package var isIPv4: Bool { bytes.count == 4 }

    init(bytes: [UInt8], zone: String? = nil) {
        self.bytes = bytes
        self.zone = zone
    }

    /// Nil if `text` is not an address.
    package init?(_ text: String) { self.init(text[...]) }

    /// Nil if `text` is not an address.
    package init?(_ text: Substring) {
        if let address = IPv4Address(text) {
            self.init(bytes: address.bytes)
            return
        }
        var address = text
        var zone: String?
        if let mark = address.unicodeScalars.firstIndex(of: "%") {
            zone = String(address[address.unicodeScalars.index(after: mark)...])
            guard zone != "" else { return nil }
            address = address[..<mark]
        }
        guard let bytes = Self.ipv6(address) else { return nil }
        self.init(bytes: bytes, zone: zone)
    }

    private static func ipv6(_ text: Substring) -> [UInt8]? {
        guard text.contains(scalar: ":") else { return nil }
        var halves: [[UInt8]] = []
        var rest = text
        var sides: [Substring] = []
        if let gap = text.indices.first(where: { text[$0...].begins(with: "::") }) {
            sides.append(text[..<gap])
            rest = text[text.index(gap, offsetBy: 2)...]
            guard !rest.contains(bytes: "::"), !rest.begins(with: ":") else { return nil }
        }
        sides.append(rest)
        for (index, side) in sides.enumerated() {
            var bytes: [UInt8] = []
            guard !side.isEmpty else {
                if sides.count == 1 { return nil }
                halves.append(bytes)
                continue
            }
            let parts = side.split(at: ":", omittingEmptySubsequences: false)
            for (number, part) in parts.enumerated() {
                if index == sides.count - 1, number == parts.count - 1, let tail = IPv4Address(part) {
                    bytes += tail.bytes
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

extension IPAddress: CustomStringConvertible {
    /// The canonical text: RFC 5952 for IPv6, without leading zeros, the longest run of zeros as "::", in lower case.
    package var description: String {
        if isIPv4 { return bytes.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]) }
        var gap = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(1, gap.count) { gap = start..<end }
            start = max(end, start + 1)
        }
        func text(_ part: ArraySlice<Int>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        let address =
            gap.isEmpty ? text(groups[...]) : text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
        return address + (zone.map { "%\($0)" } ?? "")
    }

    /// fe80::/10, an address that counts on one link only (RFC 4291, 2.5.6).
    package var isLinkLocal: Bool { !isIPv4 && bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 }

    /// 127.0.0.0/8 and ::1, the machine itself.
    package var isLoopback: Bool { isIPv4 ? bytes[0] == 127 : bytes == Array(repeating: 0, count: 15) + [1] }

    /// 0.0.0.0 and "::", which mean no address.
    package var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

    /// 224.0.0.0/4 with what is reserved above it, and ff00::/8: no machine has such an address.
    package var isMulticast: Bool { isIPv4 ? bytes[0] >= 224 : bytes[0] == 0xFF }

    /// The IPv4 address inside "::ffff:192.168.50.1" (RFC 4291, 2.5.5.2).
    package var mappedIPv4: IPv4Address? {
        guard !isIPv4, bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF else { return nil }
        return IPv4Address(bits: bytes[12...].reduce(0) { $0 << 8 | UInt32($1) })
    }
}
