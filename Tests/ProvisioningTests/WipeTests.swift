import Foundation
import Recipes
import SystemPackage
import Systems
import Testing
import TestSupport
import Yams

@testable import Provisioning

/// What the first-boot program does with a boot partition that has held secrets: because the root partition could not be
/// edited, or because an earlier piflash wrote the card.
@Suite struct WipeTests {
    typealias Shell = NodeRig.Shell

    private static func settings(seed: Bool = true) -> FirstBootSettings {
        var settings = FirstBootSettings.sample(docker: false, managers: nil)
        settings.hasSeed = seed
        settings.wipesBootPartition = true
        return settings
    }

    /// A node in which cloud-init has done its work. Nothing fills this machine's disk: dd notes what it would fill.
    private static func rig(_ settings: FirstBootSettings, isMounted: Bool) throws -> NodeRig {
        let rig = try NodeRig(settings)
        rig.install("mountpoint", isMounted ? "exit 0" : "exit 1")
        rig.install(
            "dd", "case \"$*\" in *of=*/zeros*) echo \"$*\" >>\"$RIG/dd.log\"; exit 1 ;; esac; exec /bin/dd \"$@\"")
        rig.install("readlink", "exec /usr/bin/readlink \"$@\"")
        rig.scratch.write("", to: "root/var/lib/cloud/data/.keep")
        let link = rig.scratch["root/var/lib/cloud/instance"].string
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: "/var/lib/cloud/instances/piflash-red01-aa")
        rig.scratch.write("", to: "root\(FirstBootProgram.seedEndPath)")
        return rig
    }

    private static func find(_ text: String, in rig: NodeRig, _ name: String) -> Bool {
        Data(rig.scratch.read("root/boot/\(name)")).range(of: Data(text.utf8)) != nil
    }

    @Test(arguments: Shell.allCases, Sample.flavours)
    func `cloud-init's seed loses its secrets, keeps the rest and is valid`(
        _ shell: Shell, _ flavour: OSProfile.Flavour
    ) async throws {
        var node = Sample.full()
        node.firstBoot.files = [
            .init(path: Sample.at("/etc/key"), content: Sample.secret("a key of the vault"), mode: 0o600)
        ]
        let provision = try await Sample.provision(node, flavour)
        let rig = try Self.rig(Self.settings(), isMounted: true)
        let hash = try PasswordHash.hash(
            "hypriot", as: flavour == .hypriotCloudInit ? .sha512crypt : .yescrypt, key: Array("a rack's secret".utf8),
            host: "red01", user: "pirate")
        let secrets = [hash, String(repeating: "0f", count: 32), "a key of the vault", "echo 'two'; exit 3"]
        var before: [String: Yams.Node] = [:]
        for name in ["user-data", "network-config"] {
            let text = try #require(provision.text(name))
            rig.scratch.write(text, to: "root/boot/\(name)")
            let document: Yams.Node = try #require(try Yams.compose(yaml: text))
            before[name] = document
        }
        for secret in secrets {
            #expect(Self.find(secret, in: rig, "user-data") || Self.find(secret, in: rig, "network-config"))
        }
        let size = rig.scratch.read("root/boot/user-data").count
        for _ in 1...2 {
            #expect(try rig.run(shell).succeeded)
            for secret in secrets {
                #expect(!Self.find(secret, in: rig, "user-data") && !Self.find(secret, in: rig, "network-config"))
            }
            // In the same clusters.
            #expect(rig.scratch.read("root/boot/user-data").count == size)
        }
        let text = rig.text("root/boot/user-data")
        #expect(text.hasPrefix("#cloud-config\n"))
        let after = try #require(try Yams.compose(yaml: text))
        for key in ["hostname", "timezone", "runcmd", "bootcmd", "ssh_pwauth"] {
            #expect(after[key] == before["user-data"]?[key], "\(key)")
        }
        let user = after["user"] ?? after["users"]?[0]
        #expect(user?["name"]?.string == "pirate" && user?["hashed_passwd"] == nil && user?["passwd"] == nil)
        #expect(user?["ssh_authorized_keys"] != nil)
        let check = try OutsideTool("cloud-init").run([
            "schema", "--config-file", rig.scratch["root/boot/user-data"].string,
        ])
        #expect(check.succeeded, "\(check.text)\(check.errors)")
        let network: Yams.Node = try #require(try Yams.compose(yaml: rig.text("root/boot/network-config")))
        #expect(network["version"] != nil || network["network"]?["version"] != nil)
        // The card is configured again.
        rig.scratch.write(try #require(provision.text("user-data")), to: "root/boot/user-data")
        #expect(try rig.run(shell).succeeded)
        #expect(!Self.find(hash, in: rig, "user-data"))
    }

    @Test(arguments: Shell.allCases)
    func `the free space is overwritten once for each configuration, and only of a file system of its own`(
        _ shell: Shell
    ) throws {
        let rig = try Self.rig(Self.settings(), isMounted: true)
        for _ in 1...2 {
            #expect(try rig.run(shell).succeeded)
            #expect(rig.text("dd.log").split(separator: "\n").count == 1)
            #expect(!rig.has("root/boot/piflash/zeros"))
        }
        var other = Self.settings()
        other.packages = ["mosquitto"]
        rig.configure(other)
        _ = try rig.run(shell)
        #expect(rig.text("dd.log").split(separator: "\n").count == 2)
        let root = try Self.rig(Self.settings(), isMounted: false)
        #expect(try root.run(shell).succeeded)
        #expect(root.text("dd.log") == "")
        // A boot partition that has never held a secret.
        let clean = try Self.rig(FirstBootSettings.sample(docker: false, managers: nil), isMounted: true)
        clean.scratch.write("passwd: x\n", to: "root/boot/user-data")
        #expect(try clean.run(shell).succeeded)
        #expect(clean.text("dd.log") == "" && clean.text("root/boot/user-data") == "passwd: x\n")
    }

    @Test(arguments: Sample.columns)
    func `a card has to be wiped if its root partition cannot be edited, or if an earlier version wrote it`(
        _ column: SettingsTable.Column
    ) async throws {
        var boot = Sample.boot(column)
        let first = try await Sample.provision(Sample.bare(), column, boot: boot)
        func wipes(_ provision: Provision) -> Bool {
            let settings = provision.laidDown[FirstBootProgram.settingsPath]?.contents ?? []
            return String(decoding: settings, as: UTF8.self).contains("WIPE='1'\n")
        }
        #expect(!wipes(first))
        boot = boot.applying(first)
        #expect(try await !wipes(Sample.provision(Sample.bare(), column, boot: boot.asRead)))
        // The record of an earlier version.
        let record = try #require(boot.text(CardRecord.path))
        #expect(record.contains("\"bootSecrets\": false"))
        boot.files[CardRecord.path] = Array(record.replacing(/,\s*"bootSecrets": false/, with: "").utf8)
        for _ in 1...2 {
            let provision = try await Sample.provision(Sample.bare(), column, boot: boot.asRead)
            #expect(wipes(provision))
            boot = boot.applying(provision)
            #expect(boot.text(CardRecord.path)?.contains("\"bootSecrets\": true") == true)
        }
    }
}
