import Recipes
import SystemPackage
import Systems
import Testing
import TestSupport

@testable import Provisioning

/// dietpi.txt and dietpi-wifi.txt as DietPi's own scripts read them: by sed, and by bash.
@Suite struct DietPiTests {
    @Test func `bash sources every network and nothing else`() async throws {
        var node = Sample.full(for: Sample.dietPi)
        let keys = try Passphrases.keys(of: Sample.networks)
        for start in stride(from: 0, to: Sample.networks.count, by: 5) {
            let networks = Array(Sample.networks[start..<min(start + 5, Sample.networks.count)])
            node.wifi?.networks = networks
            let provision = try await Sample.provision(node, Sample.dietPi)
            let scratch = ScratchDirectory()
            // It sources the file with the keys, in the root partition.
            let networksFile = scratch.write(try #require(provision.rootText(DietPi.wifiPath)), to: "networks").string
            let text = try #require(provision.text("dietpi-wifi.txt"))
            #expect(text.contains("\n. \(DietPi.wifiPath)\n"))
            let file = scratch.write(text.replacing(DietPi.wifiPath, with: networksFile), to: "dietpi-wifi.txt").string
            let program = #"""
                set -eu
                . "$1"
                for index in "${!aWIFI_SSID[@]}"; do
                    printf '%s\0' "$index" "${aWIFI_SSID[index]}" "${aWIFI_KEY[index]}" "${aWIFI_KEYMGR[index]}"
                done
                """#
            // Without PATH: whatever is not quoted finds no program to run, and fails.
            let result = try OutsideTool("env").run(["-i", "LC_ALL=C", "/bin/bash", "-c", program, "bash", file])
            #expect(result.succeeded && result.errors.isEmpty, "\(result.errors)")
            let values = result.output.split(separator: 0, omittingEmptySubsequences: false).dropLast()
                .map { String(decoding: $0, as: UTF8.self) }
            let expected = networks.enumerated().flatMap { index, network in
                let key = keys[start + index]
                return [String(index), network.ssid.value, key ?? "", key == nil ? "NONE" : "WPA-PSK"]
            }
            #expect(values == expected)
        }
    }

    /// As DietPi's scripts do: the first line that has the key, blanks before it or not, and all behind the sign.
    private static func read(_ text: String) throws -> [String: String] {
        let scratch = ScratchDirectory()
        let file = scratch.write(text, to: "dietpi.txt").string
        let program = #"""
            sed -n 's/^[[:blank:]]*\([A-Z_0-9]*\)=.*/\1/p' "$1" | sort -u | while read -r key; do
                printf '%s\0%s\0' "$key" "$(sed -n "/^[[:blank:]]*$key=/{s/^[^=]*=//p;q}" "$1")"
            done
            """#
        let result = try OutsideTool("bash").run(["-c", program, "bash", file])
        #expect(result.succeeded && result.errors.isEmpty, "\(result.errors)")
        let words = result.output.split(separator: 0, omittingEmptySubsequences: false).dropLast()
            .map { String(decoding: $0, as: UTF8.self) }
        return Dictionary(
            uniqueKeysWithValues: stride(from: 0, to: words.count - 1, by: 2).map { (words[$0], words[$0 + 1]) })
    }

    private static let expected = [
        "AUTO_SETUP_AUTOMATED": "1", "AUTO_SETUP_NET_HOSTNAME": "red01", "AUTO_SETUP_NET_WIFI_ENABLED": "1",
        "AUTO_SETUP_NET_WIFI_COUNTRY_CODE": "DE", "AUTO_SETUP_TIMEZONE": "Europe/Berlin",
        "AUTO_SETUP_LOCALE": "en_GB.UTF-8", "AUTO_SETUP_KEYBOARD_LAYOUT": "de", "AUTO_SETUP_NET_USESTATIC": "1",
        "AUTO_SETUP_NET_STATIC_IP": "192.168.50.11", "AUTO_SETUP_NET_STATIC_MASK": "255.255.255.0",
        "AUTO_SETUP_NET_STATIC_GATEWAY": "192.168.50.1", "AUTO_SETUP_NET_STATIC_DNS": "192.168.50.1 9.9.9.9",
        "AUTO_SETUP_APT_INSTALLS": "mosquitto avahi-daemon", "SOFTWARE_DISABLE_SSH_PASSWORD_LOGINS": "1",
        "CONFIG_SERIAL_CONSOLE_ENABLE": "1", "AUTO_SETUP_SSH_SERVER_INDEX": "-1",
    ]

    @Test(arguments: ["as it is", "with carriage returns", "with blanks in front", "with keys twice", "empty"])
    func `DietPi reads every value`(_ file: String) async throws {
        var boot = Sample.boot(Sample.dietPi)
        let text = try #require(boot.text("dietpi.txt"))
        switch file {
        case "with carriage returns": boot.files["dietpi.txt"] = Array(text.replacing("\n", with: "\r\n").utf8)
        case "with blanks in front":
            boot.files["dietpi.txt"] = Array(text.replacing("\nAUTO", with: "\n\t AUTO").utf8)
        case "with keys twice":
            boot.files["dietpi.txt"] = Array((text + text.replacing("\nAUTO", with: "\n#AUTO") + text).utf8)
        case "empty": boot.files["dietpi.txt"] = []
        default: break
        }
        let provision = try await Sample.provision(Sample.full(for: Sample.dietPi), Sample.dietPi, boot: boot)
        let values = try Self.read(try #require(provision.text("dietpi.txt")))
        for (key, value) in Self.expected where file != "empty" || values[key] != nil {
            #expect(values[key] == value, "\(key)")
        }
        #expect(values["AUTO_SETUP_NET_STATIC_IP"] == "192.168.50.11")
        #expect(values["AUTO_SETUP_GLOBAL_PASSWORD"]?.wholeMatch(of: /[0-9a-f]{32}/) != nil)
    }
}
