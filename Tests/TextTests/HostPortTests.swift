import Testing
import Text

@Suite struct HostPortTests {
    @Test(arguments: [
        ("red00", "red00", UInt16?.none, "red00"), ("red00.lan:2377", "red00.lan", 2377, "red00.lan:2377"),
        ("192.168.50.10", "192.168.50.10", nil, "192.168.50.10"), ("10.0.0.1:1", "10.0.0.1", 1, "10.0.0.1:1"),
        ("10.0.0.1:65535", "10.0.0.1", 65535, "10.0.0.1:65535"), ("fd00::1", "fd00::1", nil, "[fd00::1]"),
        ("[fd00::1]", "fd00::1", nil, "[fd00::1]"), ("[fd00::1]:2377", "fd00::1", 2377, "[fd00::1]:2377"),
        ("4pi", "4pi", nil, "4pi"), ("1.2.3.x", "1.2.3.x", nil, "1.2.3.x"),
    ])
    func `a host may have a port, and IPv6 gets brackets`(
        _ text: String, _ host: String, _ port: UInt16?, _ written: String
    ) throws {
        let value = try #require(HostPort(text))
        #expect(value.host.description == host)
        #expect(value.port == port)
        #expect(value.description == written)
        #expect(HostPort(value.description) == value)
        #expect(value.defaulting(toPort: 2377).port == port ?? 2377)
    }

    @Test(arguments: [
        "", ":", ":2377", "red00:", "red00:0", "red00:65536", "red00:02377", "red00:+1", "red00:1:2", "-red00",
        "red00-",
        "red..00", ".red00", "red00.", "192.168.50.300", "1.2.3", "1.2.3.4.5:1", "192.168.050.1", "a b", "$(id)", "é",
        "a_b", "[", "[]", "[fd00::1", "fd00::1]", "[fd00::1]2377", "[fd00::1]:", "[fd00::1]:0", "[10.0.0.1]:1",
        "[red00]:1",
        "fd00:::1", "[fe80::1%eth0]:1", "fe80::1%eth0", "http://red00", "red00/x", "red00:2377 ",
    ])
    func `anything else is not a host with a port`(_ text: String) { #expect(HostPort(text) == nil) }

    @Test func `a name has at most 253 characters, and 63 in a label`() {
        let label = String(repeating: "a", count: 63)
        #expect(HostPort(label) != nil)
        #expect(HostPort(label + "a") == nil)
        let long = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
        #expect(HostPort(long)?.host.isName == true)
        #expect(HostPort(long + "b") == nil)
    }
}
