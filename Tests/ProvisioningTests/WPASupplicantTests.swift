import Provisioning
import Recipes
import SystemPackage
import Testing
import TestSupport

/// What wpa_supplicant itself reads in the files that the systems without NetworkManager get.
@Suite struct WPASupplicantTests {
    private static let path = "/etc/wpa_supplicant/wpa_supplicant.conf"

    /// Every system whose Wi-Fi is wpa_supplicant's, but for DietPi, which writes the file itself.
    private static let columns = Sample.others.filter {
        ![Sample.bookworm.title, Sample.trixieFirstRun.title, Sample.dietPi.title, Sample.withoutFirstBoot.title]
            .contains($0.title)
    }

    @Test(arguments: columns)
    func `wpa-supplicant takes every network for what it is`(_ column: SettingsTable.Column) async throws {
        let provision = try await Sample.provision(Sample.nasty(for: column), column)
        let laidDown = provision.laidDown[Self.path]
        if let laidDown { #expect(laidDown.mode == 0o600) }
        let text = try #require(
            provision.text("wpa_supplicant.conf") ?? laidDown.map { String(decoding: $0.contents, as: UTF8.self) })
        #expect((provision.text("wpa_supplicant.conf") == nil) == (laidDown != nil))
        let scratch = ScratchDirectory()
        // Without its control interface, which would be a socket on this machine.
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("ctrl_interface") }
        let file = scratch.write(lines.map { $0 + "\n" }.joined(), to: "wpa.conf").string
        // It reads the file, prints it with its keys (-K), and then finds no such interface.
        let result = try OutsideTool("wpa_supplicant").run(["-D", "none", "-i", "nosuch0", "-c", file, "-ddK"])
        #expect(!result.text.contains("Failed to read or parse"))
        #expect(!result.text.contains("Invalid configuration"))
        let said = result.text.split(separator: "\n").map(String.init)
        #expect(said.contains("country='DE'"))
        let names = said.filter { $0.hasPrefix("ssid - hexdump_ascii(") || $0.hasPrefix("ssid='") }
        #expect(!names.isEmpty)
        let blocks = result.text.split(separator: "start of a new network block").dropFirst()
        #expect(blocks.count == Sample.networks.count)
        let keys = try Passphrases.keys(of: Sample.networks)
        for (index, (network, block)) in zip(Sample.networks, blocks).enumerated() {
            let comment = Comment(rawValue: network.ssid.value)
            #expect(Self.bytes("ssid", block) == network.ssid.value.utf8.hexText, comment)
            #expect(Self.bytes("PSK", block) == keys[index], comment)
            #expect(block.contains("priority=\(Sample.networks.count - index) (0x"), comment)
            #expect(block.contains("scan_ssid=1 (0x1)") == network.hidden, comment)
            #expect(block.contains("key_mgmt: 0x\(network.passphrase == nil ? 4 : 2)\n"), comment)
        }
    }

    /// "ssid - hexdump_ascii(len=5):\n 43 61 66 c3 a9  Caf__" and "PSK - hexdump(len=32): 01 02 …", as hex digits.
    private static func bytes(_ name: String, _ block: Substring) -> String? {
        guard let match = block.firstMatch(of: try! Regex("\(name) - hexdump[_a-z]*\\(len=([0-9]+)\\):[ \n]")) else {
            return nil
        }
        let count = Int(match[1].substring!)!
        var digits = ""
        for line in block[match.range.upperBound...].split(separator: "\n") where digits.count < 2 * count {
            for byte in line.prefix(name == "PSK" ? .max : 53).split(separator: " ").prefix(count - digits.count / 2) {
                digits += byte
            }
        }
        return digits
    }
}
