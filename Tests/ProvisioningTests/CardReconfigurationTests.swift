import Diagnostics
import Foundation
import Filesystems
import Recipes
import Systems
import Testing

@testable import Provisioning

/// A card that gets the same recipe twice, or another recipe, with both of its partitions.
@Suite struct CardReconfigurationTests {
    private struct Card: Hashable {
        var boot: BootSnapshot
        var root: RootTree

        init(_ column: SettingsTable.Column) {
            boot = Sample.boot(column)
            root = RootTree(column)
        }

        func provision(
            _ node: Node, _ column: SettingsTable.Column, flashTime: Int64 = Sample.flashTime, hasRoot: Bool = true
        ) async throws -> Provision {
            try await Sample.provision(
                node, column, boot: boot.asRead, root: .some(hasRoot ? root.asRead : nil), flashTime: flashTime)
        }

        func applying(_ provision: Provision) throws -> Card {
            var after = self
            after.boot = boot.applying(provision)
            after.root = try root.applying(provision)
            return after
        }
    }

    @Test(arguments: Sample.columns, [false, true])
    func `a second configuration changes nothing on either partition`(_ column: SettingsTable.Column, isBare: Bool)
        async throws
    {
        let node = isBare ? Sample.bare() : Sample.full(for: column)
        let card = Card(column)
        let once = try card.applying(try await card.provision(node, column))
        #expect(once != card)
        let again = try await once.provision(node, column)
        Self.expectSame(try once.applying(again), once)
        let third = try once.applying(again)
        Self.expectSame(try third.applying(try await third.provision(node, column)), once)
    }

    @Test(arguments: Sample.columns, [false, true])
    func `a second configuration changes nothing after the first boot has taken its files`(
        _ column: SettingsTable.Column, isBare: Bool
    ) async throws {
        let node = isBare ? Sample.bare() : Sample.full(for: column)
        var card = Card(column)
        let first = try await card.provision(node, column)
        card = try card.applying(first)
        let written = card
        card.boot = card.boot.afterFirstBoot(first)
        for file in first.bootFiles where file.isConsumed { #expect(!card.boot.has(file.path)) }
        for _ in 1...2 {
            let again = try await card.provision(node, column)
            Self.expectSame(try card.applying(again), card)
            card = try card.applying(again)
        }
        #expect(written.boot.files[CardRecord.path] == card.boot.files[CardRecord.path])
    }

    @Test(arguments: [Sample.bullseye, Sample.trixieFirstRun])
    func `a changed recipe brings firstrun.sh and its tokens back, once`(_ column: SettingsTable.Column) async throws {
        var node = Sample.full(for: column)
        var card = Card(column)
        let first = try await card.provision(node, column)
        let tokens = FirstRunScript.kernelTokens(column.profile)
        card = try card.applying(first)
        card.boot = card.boot.afterFirstBoot(first)
        let quiet = card.boot.text("cmdline.txt")
        node.locale.timezone = Sample.at("Asia/Tokyo")
        let second = try await card.provision(node, column)
        #expect(second.text("firstrun.sh")?.contains("Asia/Tokyo") == true)
        // What has not changed does not come again: the vendor's first boot has it.
        #expect(second.text("userconf.txt") == nil)
        card = try card.applying(second)
        let line = try #require(card.boot.text("cmdline.txt"))
        for token in tokens { #expect(line.split(separator: " ").count { $0.trimmed == token } == 1, "\(token)") }
        #expect(line.split(separator: " ").suffix(tokens.count).map(\.trimmed) == tokens)
        // And once it has run, it is over again.
        card.boot = card.boot.afterFirstBoot(second)
        #expect(card.boot.text("cmdline.txt") == quiet)
        Self.expectSame(try card.applying(try await card.provision(node, column)), card)
    }

    @Test func `an interrupted first boot finds its script and tokens still there`() async throws {
        let column = Sample.bullseye
        var card = Card(column)
        card = try card.applying(try await card.provision(Sample.bare(), column))
        let again = try await card.provision(Sample.bare(), column)
        #expect(again.text("firstrun.sh") != nil)
        Self.expectSame(try card.applying(again), card)
    }

    @Test func `what a recipe no longer has is taken back from the root partition`() async throws {
        let column = Sample.bookworm
        var node = Sample.full(for: column)
        var card = Card(column)
        card = try card.applying(try await card.provision(node, column))
        func connections() -> Set<String> {
            Set(
                card.root.entries.keys.filter { $0.hasPrefix(NetworkManagerKeyfile.directory + "/") }
                    .map { String($0.dropFirst(NetworkManagerKeyfile.directory.count + 1)) })
        }
        #expect(
            connections() == [
                "piflash-wlan0-1.nmconnection", "piflash-wlan0-2.nmconnection", "piflash-wlan0-3.nmconnection",
            ])
        card.root.file("", NetworkManagerKeyfile.directory + "/mine.nmconnection")
        node.wifi?.networks.removeLast()
        card = try card.applying(try await card.provision(node, column))
        #expect(
            connections() == ["mine.nmconnection", "piflash-wlan0-1.nmconnection", "piflash-wlan0-2.nmconnection"])
        node.wifi = nil
        card = try card.applying(try await card.provision(node, column))
        #expect(connections() == ["mine.nmconnection", "piflash-eth0.nmconnection"])
        node.address = nil
        node.network = .init()
        card = try card.applying(try await card.provision(node, column))
        #expect(connections() == ["mine.nmconnection"])
    }

    @Test func `connections that cannot be taken back now are taken back later`() async throws {
        let column = Sample.bookworm
        var card = Card(column)
        var node = Sample.bare()
        node.wifi = .init(
            country: Sample.at("DE"), networks: [.init(ssid: Sample.at("Café"), passphrase: Sample.secret("12345678"))])
        card = try card.applying(try await card.provision(node, column))
        let path = NetworkManagerKeyfile.directory + "/piflash-wlan0-1.nmconnection"
        #expect(card.root.entries[path] != nil)
        // Only the boot partition is at hand.
        card = try card.applying(try await card.provision(Sample.bare(), column, hasRoot: false))
        #expect(card.root.entries[path] != nil)
        card = try card.applying(try await card.provision(Sample.bare(), column))
        #expect(card.root.entries[path] == nil)
    }

    @Test(arguments: [Sample.stretch, Sample.bullseyeTOML])
    func `dhcpcd's block and the boot partition's networks go with the settings that made them`(
        _ column: SettingsTable.Column
    ) async throws {
        var card = Card(column)
        let before = card.root.text(DHCPCDConfiguration.path)
        card = try card.applying(try await card.provision(Sample.full(for: column), column))
        let text = try #require(card.root.text(DHCPCDConfiguration.path))
        #expect(
            text.hasSuffix(
                "\n# piflash: begin\ninterface wlan0\nstatic ip_address=192.168.50.11/24\nstatic routers=192.168.50.1\nstatic domain_name_servers=192.168.50.1 9.9.9.9\n# piflash: end\n"
            ))
        #expect(card.root.entries[DHCPCDConfiguration.path]?.mode == 0o664)
        #expect(card.root.entries[DHCPCDConfiguration.path]?.group == 109)
        #expect(card.root.text(WPASupplicant.path)?.contains("psk=") == true)
        #expect(!card.boot.has("wpa_supplicant.conf"))
        // A card of an earlier version, or of a mounted boot partition, has it there.
        card.boot.files["wpa_supplicant.conf"] = Array("network={}\n".utf8)
        card.boot.names.insert("wpa_supplicant.conf")
        let record = try CardRecord(decoding: try #require(card.boot.files[CardRecord.path]))
        var older = record
        older.files.append("wpa_supplicant.conf")
        card.boot.files[CardRecord.path] = older.encoded
        let second = try await card.provision(Sample.bare(), column)
        #expect(second.removedBootFiles.contains("wpa_supplicant.conf"))
        card = try card.applying(second)
        #expect(!card.boot.has("wpa_supplicant.conf"))
        let after = try #require(card.root.text(DHCPCDConfiguration.path))
        #expect(!after.contains("piflash"))
        #expect(after.split(separator: "\n") == before?.split(separator: "\n"))
    }

    @Test func `a file that asks for nothing keeps every byte`() async throws {
        for column in [Sample.stretch, Sample.bullseyeTOML] {
            let provision = try await Card(column).provision(Sample.bare(), column)
            #expect(provision.root(DHCPCDConfiguration.path) == nil)
        }
    }

    @Test(arguments: Sample.columns)
    func `a clock that has run since the card was written stays`(_ column: SettingsTable.Column) async throws {
        var card = Card(column)
        let first = try await card.provision(Sample.bare(), column)
        card = try card.applying(first)
        // The node's own daemons write both files at each shutdown.
        if card.root.text("/etc/fake-hwclock.data") != nil {
            card.root.file("2031-01-01 00:00:00\n", "/etc/fake-hwclock.data")
        }
        let second = try await card.provision(Sample.bare(), column)
        #expect(second.root("/etc/fake-hwclock.data") == nil)
        #expect(second.rootChanges.filter { $0.edit.modified != nil }.isEmpty)
        let setsClock = first.rootChanges.contains { $0.edit.modified != nil }
        let later = try await card.provision(Sample.bare(), column, flashTime: Sample.flashTime + 1)
        #expect(later.rootChanges.contains { $0.edit.modified == Sample.flashTime + 1 } == setsClock)
    }

    private static func expectSame(_ a: Card, _ b: Card, _ location: SourceLocation = #_sourceLocation) {
        let paths = Set(a.boot.files.keys).union(b.boot.files.keys).filter { a.boot.files[$0] != b.boot.files[$0] }
        #expect(paths.isEmpty, sourceLocation: location)
        #expect(a.boot.names == b.boot.names, sourceLocation: location)
        let entries = Set(a.root.entries.keys).union(b.root.entries.keys).filter {
            a.root.entries[$0] != b.root.entries[$0]
        }
        #expect(entries.isEmpty, sourceLocation: location)
        #expect(a == b, "the cards differ otherwise", sourceLocation: location)
    }

    /// Raspberry Pi Imager's words name a path that bookworm does not have; systemd would run that first, and fail.
    @Test(arguments: [Sample.bullseye, Sample.bookworm, Sample.trixieFirstRun, Sample.withoutFirstBoot])
    func `what Raspberry Pi Imager has put on an image is removed, with a warning`(
        _ column: SettingsTable.Column
    ) async throws {
        var boot = Sample.boot(column)
        let line = try #require(boot.text("cmdline.txt")).trimmingCharacters(in: .newlines)
        let words =
            " systemd.run=/boot/firstrun.sh systemd.run_success_action=reboot systemd.unit=kernel-command-line.target"
        boot.files["cmdline.txt"] = Array((line + words + "\n").utf8)
        for name in ["firstrun.sh", "userconf.txt", "custom.toml"] {
            boot.files[name] = Array("theirs".utf8)
            boot.names.insert(name)
        }
        let provision = try await Sample.provision(Sample.bare(), column, boot: boot)
        let after = boot.applying(provision)
        #expect(
            after.text("cmdline.txt")?.contains("systemd.run=/boot/firstrun.sh ") != true
                || column.title == Sample.bullseye.title)
        #expect(after.text("cmdline.txt").map { $0.components(separatedBy: "systemd.run=").count <= 2 } == true)
        for name in ["firstrun.sh", "userconf.txt", "custom.toml"] {
            #expect(after.files[name].map { $0 != Array("theirs".utf8) } ?? true, "\(name)")
        }
        let warning = provision.warnings.first { $0.text.contains("already has a first-boot configuration") }
        #expect(warning?.text.contains("systemd.run=/boot/firstrun.sh") == true)
        // The next time nothing of it is left to warn of.
        let again = try await Sample.provision(Sample.bare(), column, boot: after.asRead)
        #expect(!again.warnings.contains { $0.text.contains("already has a first-boot configuration") })
    }
}

extension Substring {
    fileprivate var trimmed: String { filter { $0 != "\n" } }
}
