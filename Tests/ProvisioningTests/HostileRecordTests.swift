import Filesystems
import Recipes
import Systems
import Testing

@testable import Provisioning

/// `piflash/card.json` names files to remove. Anyone who holds the card can edit it, so a path in it must never lead to a
/// file that is not piflash's own.
@Suite struct HostileRecordTests {
    private static let own = [
        "/etc/docker/piflash/old.pem", "/var/cache/piflash/images/000000000000-old.tar",
        "/etc/NetworkManager/system-connections/piflash-old.nmconnection", "/etc/piflash/stacks/old.yml",
        "/etc/piflash/swarm/known_hosts",
    ]

    private static let others = [
        "/etc/docker/piflash/../../shadow", "/etc/docker/piflash/..", "/etc/docker/piflash/../daemon.json",
        "/etc/docker/piflash/x/../../../passwd", "/var/cache/piflash/../../lib/dpkg/status",
        "/etc/NetworkManager/system-connections/piflash-/../../../shadow",
        "/etc/NetworkManager/system-connections/piflash-x/../home.nmconnection",
        "/etc/NetworkManager/system-connections/home.nmconnection", "/etc/piflash/stacks/../settings.yml",
        "/etc/piflash/stacks/../../cron.d/x.yml", "/etc/piflash/stacks/a/b.yml", "/etc/piflash/swarm/../settings",
        "/etc/docker/piflashed/x", "/etc/docker/daemon.json", "/etc/passwd", "/etc/shadow", "/", "", "..", ".",
        "../../etc/shadow", "etc/shadow", "/home/pirate/.ssh/authorized_keys", "/boot/firmware/config.txt",
    ]

    private static let bootFiles = [
        "kernel.img", "config.txt", "../x", "piflash/../config.txt", "user-data/../kernel.img", "", "/", ".", "..",
        "piflash", "piflash/status.txt", "/etc/shadow",
    ]

    private static func boot(_ column: SettingsTable.Column, files: [String], rootFiles: [String]) -> BootSnapshot {
        let record = CardRecord(
            node: "red01", recipe: "red01.yaml", recipeDigest: "", flavour: nil, writtenAt: 0, version: "1.0.0",
            files: files, cmdlineAdded: [], rootFiles: rootFiles)
        var boot = Sample.boot(column)
        boot.files[CardRecord.path] = record.encoded
        return boot
    }

    private static func removals(_ provision: Provision) -> [String] {
        provision.rootChanges.compactMap { change in
            if case .removal = change.edit.action { change.edit.path } else { nil }
        }
    }

    @Test(arguments: Sample.columns)
    func `a record that names other files removes none of them, and still removes piflash's own`(
        _ column: SettingsTable.Column
    ) async throws {
        let boot = Self.boot(column, files: Self.bootFiles, rootFiles: Self.own + Self.others)
        let provision = try await Sample.provision(Sample.bare(), column, boot: boot)
        #expect(Set(Self.removals(provision)) == Set(Self.own))
        #expect(provision.removedBootFiles == [])
        // Nor does the next record name them, for a later run to remove.
        let file = try #require(provision.bootFiles.first { $0.path == CardRecord.path })
        let next = try CardRecord(decoding: file.contents)
        for path in Self.others { #expect(!next.rootFiles.contains(path), "\(path)") }
        for path in Self.bootFiles { #expect(!next.files.contains(path), "\(path)") }
    }

    @Test(arguments: Sample.columns)
    func `without the root partition, a hostile record removes nothing`(
        _ column: SettingsTable.Column
    ) async throws {
        var node = Sample.bare()
        node.user = nil
        let boot = Self.boot(column, files: Self.bootFiles, rootFiles: Self.own + Self.others)
        let provision: Provision
        do { provision = try await Sample.provision(node, column, boot: boot, root: .some(nil)) } catch {
            // Such a system takes nothing without its root partition, the host name included.
            return
        }
        #expect(provision.rootChanges.isEmpty && provision.removedBootFiles.isEmpty)
    }
}
