import Testing
import Text

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("0.0.0.0", 0), ("255.255.255.255", UInt32.max), ("192.168.50.10", 0xC0A8_320A), ("10.0.0.1", 0x0A00_0001),
    ])
    func `an IPv4 address is four numbers`(_ text: String, _ bits: UInt32) {
        #expect(IPv4Address(text)?.bits == bits)
        #expect(IPv4Address(bits: bits).description == text)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "1.2.3.+4", "01.2.3.4", "1.2.3.00", "1.2.3.4 ",
        " 1.2.3.4",
        "1..3.4", "1.2.3.", ".1.2.3", "1.2.3.٤", "0x1.2.3.4", "1.2.3.4/8", "99999999999999999999.1.1.1",
    ])
    func `anything else is not an IPv4 address`(_ text: String) {
        #expect(IPv4Address(text) == nil)
        #expect(IPAddress(text) == nil)
    }

    @Test func `text and number of an IPv4 address give each other`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<10_000 {
            let address = IPv4Address(bits: UInt32.random(in: 0...UInt32.max, using: &random))
            #expect(IPv4Address(address.description) == address)
            #expect(IPAddress(address.description)?.bytes == address.bytes)
        }
    }

    @Test(arguments: ["::", "::1", "1::", "fd00::1", "1:2:3:4:5:6:7:8", "::ffff:10.0.0.1", "fe80::1%eth0", "FD00::A"])
    func `an IPv6 address has up to eight groups, one gap, a zone`(_ text: String) {
        #expect(IPAddress(text)?.bytes.count == 16)
    }

    @Test(arguments: [
        ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8:9", "12345::", "g::", "::1%",
        "10.0.0.1::", "::10.0.0.256", "[::1]", "+1::", "-0::", "::1/64", "1:", ":1",
    ])
    func `anything else is not an IPv6 address`(_ text: String) { #expect(IPAddress(text) == nil) }
}

@Suite struct IPNetworkTests {
    @Test func `a network has a mask, a first and a last address`() throws {
        let network = try #require(IPv4Network("192.168.50.10/24"))
        #expect(network.mask.description == "255.255.255.0")
        #expect(network.first.description == "192.168.50.0")
        #expect(network.last.description == "192.168.50.255")
        #expect(network.description == "192.168.50.10/24")
        #expect(network.hostsFromHere == 245)
        #expect(network.hosts(2)?.map(\.description) == ["192.168.50.10", "192.168.50.11"])
        #expect(network.hosts(245)?.last?.description == "192.168.50.254")
        #expect(network.hosts(246) == nil)
        #expect(network.hosts(-1) == nil)
    }

    @Test(arguments: [
        ("10.0.0.0/8", false), ("10.255.255.255/8", false), ("10.0.0.1/8", true), ("10.0.0.4/30", false),
        ("10.0.0.5/30", true), ("10.0.0.6/30", true), ("10.0.0.7/30", false), ("10.0.0.6/31", true),
        ("10.0.0.7/31", true), ("10.0.0.7/32", true), ("1.2.3.4/0", true), ("0.0.0.0/0", false),
    ])
    func `the network's own address and the broadcast address are not a host's`(_ text: String, _ isHost: Bool) throws {
        let network = try #require(IPv4Network(text))
        #expect(network.isHost == isHost)
        #expect((network.hostsFromHere > 0) == isHost)
    }

    @Test(arguments: [
        "10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/08", "10.0.0.1/-1", "10.0.0/8", "/8", "fd00::/64",
    ])
    func `anything else is not an IPv4 network`(_ text: String) { #expect(IPv4Network(text) == nil) }

    @Test func `both kinds of network agree on what they contain`() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<5000 {
            let length = Int.random(in: 0...32, using: &random)
            let own = IPv4Address(bits: UInt32.random(in: 0...UInt32.max, using: &random))
            let network = try #require(IPv4Network(own, prefixLength: length))
            let general = try #require(IPNetwork(network.description))
            // Near its borders, and anywhere.
            let near = network.first.bits &+ UInt32.random(in: 0...3, using: &random) &- 2
            for bits in [
                near, network.last.bits &+ 1, network.last.bits, UInt32.random(in: 0...UInt32.max, using: &random),
            ] {
                let other = IPv4Address(bits: bits)
                let isInside = network.first <= other && other <= network.last
                #expect(network.contains(other) == isInside)
                #expect(general.contains(try #require(IPAddress(other.description))) == isInside)
            }
            #expect(general.networkBytes == network.first.bytes)
            #expect(general.lastBytes == network.last.bytes)
            #expect(network.mask.bits.nonzeroBitCount == length)
        }
    }

    @Test func `networks overlap when one contains the other`() throws {
        let wide = try #require(IPNetwork("10.0.0.0/8")), narrow = try #require(IPNetwork("10.1.2.3/16"))
        let other = try #require(IPNetwork("11.0.0.0/8")), six = try #require(IPNetwork("fd00::/8"))
        #expect(wide.overlaps(narrow) && narrow.overlaps(wide) && wide.contains(narrow) && !narrow.contains(wide))
        #expect(!wide.overlaps(other) && !wide.overlaps(six) && !six.overlaps(wide))
        #expect(narrow.canonical == "10.1.0.0/16")
        #expect(six.contains(try #require(IPAddress("fd12::1"))))
        for bad in ["10.0.0.0/33", "fd00::/129", "fe80::1%eth0/64", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0"] {
            #expect(IPNetwork(bad) == nil)
        }
    }
}
