import Diagnostics
import Host
import SystemPackage
import TestSupport
import Testing

@testable import Recipes

/// Addresses of both families, and which interface they are for.
@Suite struct NetworkRecipeTests {
    private static let wifi = "wifi: { country: DE, networks: [{ ssid: home, passphrase: correct horse }] }\n"

    private static func node(_ rest: String) throws -> Node { try RecipeHarness.with(rest).load().node }

    private static func rack(_ text: String) throws -> [Node] {
        let scratch = ScratchDirectory()
        scratch.write(text + "user: { name: pi, password: x }\n", to: "rack.yaml")
        return try RecipeLoader(
            user: InvokingUser(environment: [:]), workingDirectory: scratch.path, requireImage: false
        ).loadRack(["rack.yaml"]).members.map(\.node)
    }

    @Test func `an address may be one of each family, in any spelling`() throws {
        let node = try Self.node(
            "address: [192.168.1.11/24, \"FD00:0:0:0::11/64\"]\n"
                + "network: { gateway: [192.168.1.1, \"fe80::1\"], dns: [9.9.9.9, \"fd00:0::53\"] }\n")
        #expect(node.addresses.map(\.value.description) == ["192.168.1.11/24", "fd00::11/64"])
        #expect(node.address?.value.address == "192.168.1.11")
        #expect(node.network.gateways.map(\.value) == ["192.168.1.1", "fe80::1"])
        #expect(node.network.dns.map(\.value) == ["9.9.9.9", "fd00::53"])
        #expect(try Self.node("address: \"fd00::11/64\"\n").address?.value.address == "fd00::11")
    }

    @Test(arguments: [
        ("address: [10.0.0.1/24, 10.0.0.2/24]", "3:24", "more than one IPv4 address"),
        ("address: [\"fd00::1/64\", \"fd00::2/64\"]", "3:25", "more than one IPv6 address"),
        ("address: \"fe80::11/64\"", "3:10", "choose one in fd00::/8"),
        ("address: \"::ffff:10.0.0.1/96\"", "3:10", "write 10.0.0.1/24"),
        ("address: 10.0.0.2/24\nnetwork: { gateway: \"fd00::1\" }", "4:21", "without an IPv6 address"),
        ("address: \"fd00::2/64\"\nnetwork: { gateway: \"fd01::1\" }", "4:21", "not another host of fd00::2/64"),
        ("address: \"fd00::2/64\"\nnetwork: { gateway: \"fd00::2\" }", "4:21", "not another host"),
        ("address: 10.0.0.2/24\nnetwork: { gateway: 10.0.0.255 }", "4:21", "broadcast"),
        ("network: { dns: [\"fe80::1%eth0\"] }", "3:18", "leave \"%eth0\" out"),
        ("network: { dns: [\"::ffff:1.1.1.1\"] }", "3:18", "write 1.1.1.1"),
        ("network: { dns: [\"ff02::fb\"] }", "3:18", "not the address of a machine"),
        ("network: { interface: wifi, dns: [9.9.9.9] }", "3:23", "has no wifi.networks"),
        ("network: { interface: wird, dns: [9.9.9.9] }", "3:23", "did you mean \"wired\"?"),
        ("address: 10.1.0.1/24\n\(wifi)", "3:10", "network.interface: wired, or wifi"),
        ("address: 10.1.0.1/24\nnetwork: { dns: [10.1.0.1] }\n\(wifi)", "3:10", "network.interface: wired"),
    ])
    func `what an interface cannot have is refused with its place`(_ rest: String, _ place: String, _ part: String) {
        do {
            _ = try Self.node(rest + "\n")
            Issue.record("accepted: \(rest)")
        } catch let report as DiagnosticReport {
            let errors = report.errors
            #expect(errors.count == 1, "\(errors)")
            #expect(errors.first.map { "\($0)".contains(":\(place):") && $0.text.contains(part) } == true, "\(errors)")
        } catch {
            Issue.record(error)
        }
    }

    @Test func `beside Wi-Fi an address counts with a gateway, as before, or with the interface's name`() throws {
        let before = try Self.node("address: 10.1.0.2/24\nnetwork: { gateway: 10.1.0.1 }\n\(Self.wifi)")
        #expect(before.network.interface == nil)
        let head = try Self.node("address: 10.1.0.1/24\nnetwork: { interface: wired }\n\(Self.wifi)")
        #expect(head.network.interface?.value == .wired)
    }

    @Test(arguments: [
        ("address: 10.1.0.1/24\nnetwork: { dns: [10.1.0.1] }", "is the node itself"),
        ("network: { dns: [127.0.0.1] }", "is the node itself"),
        ("network: { dns: [1.1.1.1, 1.0.0.1, 9.9.9.9, 8.8.8.8] }", "only the first 3 name servers"),
        ("network: { dns: [1.1.1.1, 1.1.1.1] }", "appears twice"), ("network: { interface: wired }", "has no effect"),
    ])
    func `a name server that cannot help is warned of`(_ rest: String, _ part: String) throws {
        let warnings = try RecipeHarness.with(rest + "\n").load().warnings
        #expect(warnings.count { $0.text.contains(part) } == 1, "\(warnings)")
    }

    @Test func `a rack counts addresses of both families`() throws {
        let rack = try Self.rack(
            "nodes: \"red[1-3]\"\naddresses: [192.168.50.10/24, \"fd00::ffff/64\"]\n"
                + "first_boot: { run: [\"echo {{address}}\"] }\n")
        #expect(
            rack.map { $0.addresses.map(\.value.description) } == [
                ["192.168.50.10/24", "fd00::ffff/64"], ["192.168.50.11/24", "fd00::1:0/64"],
                ["192.168.50.12/24", "fd00::1:1/64"],
            ])
        #expect(rack[1].firstBoot.run.map(\.value) == ["echo 192.168.50.11"])
        #expect(rack[0].rack.map { "\($0.name) \($0.address)" }.prefix(2) == ["red1 192.168.50.10", "red1 fd00::ffff"])
    }

    @Test func `a network with too few addresses is refused`() {
        #expect(throws: DiagnosticReport.self) {
            try Self.rack("nodes: \"red[1-3]\"\naddresses: \"fd00::fffe/112\"\n")
        }
    }

    @Test func `a manager that has an IPv6 address only is refused, since overlay networks need IPv4`() {
        let report = #expect(throws: DiagnosticReport.self) {
            try Self.rack(
                "nodes: \"red[1-2]\"\naddresses: \"fd00::10/64\"\n"
                    + "swarm: { managers: [red1] }\n")
        }
        #expect(report?.errors.contains { $0.text.contains("has no fixed IPv4 address") } == true)
    }
}
