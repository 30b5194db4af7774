import Diagnostics
import Filesystems
import Foundation
import Host
import Images
import Planning
import Provisioning
import Recipes
import Storage
import SystemPackage
import Systems
import TestSupport
import Testing

/// Images whose own first boot was removed or switched off, from the image file to the card.
@Suite struct MissingReaderTests {
    let scratch = ScratchDirectory()

    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let sample: SampleImage
        /// Commands of debugfs(8).
        var commands: [String] = []
        /// Packages that dpkg has removed, but for their settings.
        var removed: [String] = []
        /// What is appended to the kernel command line.
        var words = ""
        let flavour: OSProfile.Flavour
        let reason: String
    }

    static let damages: [Damage] = [
        Damage(
            testDescription: "trixie with cloud-init.disabled", sample: .raspberryPiOS,
            commands: ["write /dev/null /etc/cloud/cloud-init.disabled"], flavour: .raspberryPiOSFirstRun,
            reason: "cloud-init is disabled by /etc/cloud/cloud-init.disabled"),
        Damage(
            testDescription: "trixie with cloud-init removed", sample: .raspberryPiOS,
            commands: ["rm /usr/bin/cloud-init"], removed: ["cloud-init"], flavour: .raspberryPiOSFirstRun,
            reason: "cloud-init is not installed"),
        Damage(
            testDescription: "trixie with cloud-init masked", sample: .raspberryPiOS,
            commands: ["symlink /etc/systemd/system/cloud-init.service /dev/null"], flavour: .raspberryPiOSFirstRun,
            reason: "cloud-init.service is masked"),
        Damage(
            testDescription: "trixie with cloud-init=disabled", sample: .raspberryPiOS, words: "cloud-init=disabled",
            flavour: .raspberryPiOSFirstRun, reason: "cloud-init=disabled in the kernel command line"),
        Damage(
            testDescription: "trixie without its seed's setting", sample: .raspberryPiOS,
            commands: ["rm /etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg", "write NEW /etc/cloud/cloud.cfg.d/50.cfg"],
            flavour: .raspberryPiOSFirstRun, reason: "seedfrom"),
        Damage(
            testDescription: "HypriotOS with cloud-init removed", sample: .hypriot,
            commands: ["rm /usr/bin/cloud-init"], removed: ["cloud-init"], flavour: .rootPartition,
            reason: "cloud-init is not installed"),
        Damage(
            testDescription: "bookworm without custom.toml's reader", sample: .bookworm,
            commands: ["rm /usr/lib/raspberrypi-sys-mods/init_config"], flavour: .raspberryPiOSFirstRun,
            reason: "init_config, which reads custom.toml, is missing"),
        Damage(
            testDescription: "bookworm without anything that reads", sample: .bookworm,
            commands: [
                "rm /usr/lib/raspberrypi-sys-mods/init_config",
                "rm /usr/lib/systemd/system-generators/systemd-run-generator",
            ], flavour: .rootPartition, reason: "init_config, which reads custom.toml, is missing"),
        Damage(
            testDescription: "HypriotOS of 2015 without occi", sample: .hypriot2015, commands: ["rm /usr/bin/occi"],
            flavour: .rootPartition, reason: "/usr/bin/occi, which reads occidentalis.txt, is not installed"),
        Damage(
            testDescription: "HypriotOS 1.4 with device-init disabled", sample: .hypriotDeviceInit,
            commands: ["rm /etc/systemd/system/multi-user.target.wants/device-init.service"], flavour: .rootPartition,
            reason: "device-init.service is disabled"),
        Damage(
            testDescription: "DietPi that was set up", sample: .dietPi,
            commands: ["rm /boot/dietpi/.install_stage", "write STAGE /boot/dietpi/.install_stage"],
            flavour: .rootPartition, reason: "has been set up already"),
        Damage(
            testDescription: "Debian without sysconf.txt's reader", sample: .debianRaspi,
            commands: ["rm /usr/local/sbin/rpi-set-sysconf"], flavour: .rootPartition,
            reason: "rpi-set-sysconf, which reads sysconf.txt, is missing"),
    ]

    private func tool(_ words: String...) throws -> String {
        let result = try OutsideTool(words[0]).run(Array(words.dropFirst()), environment: ["MTOOLS_SKIP_CHECK": "1"])
        guard result.succeeded else {
            throw OutsideTool.Missing(description: "\(words): \(result.errors)\(result.text)")
        }
        return result.text
    }

    private func make(_ damage: Damage) throws -> FilePath {
        let image = scratch["sample.img"]
        try damage.sample.make(at: image)
        let root = "\(image)?offset=\(try #require(try PartitionTable.read(image).partitions.last).range.lowerBound)"
        var commands = damage.commands
        if !damage.removed.isEmpty {
            _ = try tool("debugfs", "-R", "dump /var/lib/dpkg/status \(scratch["status"])", root)
            var text = String(decoding: scratch.read("status"), as: UTF8.self)
            for package in damage.removed {
                text = text.replacingOccurrences(
                    of: "Package: \(package)\nStatus: install ok installed",
                    with: "Package: \(package)\nStatus: deinstall ok config-files")
            }
            commands += [
                "rm /var/lib/dpkg/status", "write \(scratch.write(text, to: "status")) /var/lib/dpkg/status",
            ]
        }
        let new = scratch.write("datasource_list: [ NoCloud, None ]\n", to: "new").string
        let stage = scratch.write("2\n", to: "stage").string
        let script = commands.map {
            $0.replacingOccurrences(of: "NEW", with: new).replacingOccurrences(of: "STAGE", with: stage) + "\n"
        }.joined()
        let output = try tool("debugfs", "-w", "-f", scratch.write(script, to: "commands").string, root)
        #expect(!output.contains("not found"), "\(output)")
        if !damage.words.isEmpty {
            let drive = "\(image)@@\(SampleImage.bootStart)"
            let line = try Mtools(image: image).text(of: "cmdline.txt").split(separator: "\n")[0]
            let file = scratch.write("\(line) \(damage.words)\n", to: "cmdline").string
            _ = try tool("mcopy", "-o", "-i", drive, file, "::cmdline.txt")
        }
        return image
    }

    private func plan(_ recipe: String) async throws -> CardPlan {
        scratch.write(recipe, to: "red01.yaml")
        let user = InvokingUser(userID: getuid(), groupID: getgid(), home: scratch.path)
        let cache = ImageCache(
            directories: UserDirectories(user: user, environment: ["XDG_CACHE_HOME": scratch["c"].string]))
        let node = try #require(
            try RecipeLoader(user: user, workingDirectory: scratch.path).loadRack(["red01.yaml"]).nodes.first)
        return try await CardPlanner(
            cache: cache, secrets: UnreadSecrets(), version: "test", now: { 1_790_000_000 }
        ).plan(for: node, in: .placeholders(for: node), events: { _ in }, isCancelled: { false })
    }

    static let recipe = """
        image: { source: sample.img }
        hostname: red01
        address: 192.168.50.11/24
        network: { interface: wifi }
        user: { name: pirate, password: hypriot }
        wifi: { country: DE, networks: [ { ssid: lab, passphrase: "correct horse" } ] }
        first_boot: { run: [ "true" ] }

        """

    @Test(arguments: damages)
    func `a system whose first boot does not run is configured another way`(_ damage: Damage) async throws {
        let image = try make(damage)
        let before = Mtools(image: image)
        let plan = try await plan(Self.recipe)
        #expect(plan.profile.flavour == damage.flavour)
        #expect(
            plan.profile.mechanismProblem?.contains(damage.reason) == true, "\(plan.profile.mechanismProblem ?? "")")
        let warning = plan.provision.warnings.first { $0.text.contains(damage.reason) }
        #expect(warning?.location?.line == 2, "\(plan.provision.warnings)")
        // The card: what nobody reads stays the vendor's.
        let card = try ImageFile(creating: scratch["card.img"], size: plan.content.size)
        try card.write(plan.content.bytes(at: 0, count: Int(card.size)), at: 0)
        let after = Mtools(image: scratch["card.img"])
        for path in [
            "user-data", "meta-data", "network-config", "occidentalis.txt", "device-init.yaml", "dietpi.txt",
            "sysconf.txt",
        ] where try before.paths().contains(path) {
            #expect(try after.contents(of: path) == before.contents(of: path), "\(path)")
        }
        #expect(try !after.paths().contains("custom.toml"))
        let record = try CardRecord(decoding: after.contents(of: "piflash/card.json"))
        #expect(record.flavour == damage.flavour)
        #expect(record.mechanismProblem == plan.profile.mechanismProblem)
        let root = try #require(try PartitionTable.read(scratch["card.img"]).partitions.last).range
        scratch.write(try card.bytes(at: root.lowerBound, count: root.count), to: "part")
        _ = try tool("e2fsck", "-f", "-n", scratch["part"].string)
        func cat(_ path: String) throws -> String { try tool("debugfs", "-R", "cat \(path)", scratch["part"].string) }
        switch damage.flavour {
        case .raspberryPiOSFirstRun:
            #expect(try after.paths().contains("firstrun.sh"))
            #expect(try after.text(of: "cmdline.txt").contains("systemd.run=/boot/firmware/firstrun.sh"))
        default:
            #expect(try cat("/etc/hostname") == "red01\n")
            #expect(try cat("/etc/shadow").contains(/pirate:\$(6|y)\$/))
            #expect(try cat("/etc/hosts").contains("127.0.1.1\tred01\n"))
            #expect(try cat("/etc/piflash/settings").contains("NODE='red01'"))
            let files = try [
                "/etc/wpa_supplicant/wpa_supplicant.conf",
                "/etc/NetworkManager/system-connections/piflash-wlan0-1.nmconnection",
            ]
            .map(cat).joined()
            #expect(files.contains("6c6162") || files.contains("108;97;98;"), "\(files)")
        }
        // Configured again, nothing changes.
        let reading = try InspectedCard(at: scratch["card.img"])
        let again = try await Reconfiguration(
            of: plan.node, on: reading, in: .placeholders(for: plan.node), secrets: UnreadSecrets(), version: "test",
            now: 1_790_000_500, isCancelled: { false })
        #expect(again.isEmpty, "\(again.changedFiles) \(again.changedRootFiles)")
    }

    @Test func `Ubuntu whose cloud-init is disabled is refused before anything is written, with the reason`()
        async throws
    {
        _ = try make(
            Damage(
                testDescription: "", sample: .ubuntu, commands: ["write /dev/null /etc/cloud/cloud-init.disabled"],
                flavour: .ubuntuCloudInit, reason: ""))
        let failure = await #expect(throws: Failure.self) { try await plan(Self.recipe) }
        #expect(failure?.message.contains("cloud-init is disabled by /etc/cloud/cloud-init.disabled") == true)
        #expect(failure?.severity == .refused)
    }

    @Test func `without the root partition it is said what cannot be known`() async throws {
        try SampleImage.raspberryPiOS.make(at: scratch["sample.img"])
        let drive = "\(scratch["sample.img"])@@\(SampleImage.bootStart)"
        try FileManager.default.createDirectory(atPath: scratch["boot"].string, withIntermediateDirectories: true)
        _ = try tool("mcopy", "-s", "-i", drive, "::*", scratch["boot"].string)
        scratch.write("hostname: red01\n", to: "red01.yaml")
        let user = InvokingUser(userID: getuid(), groupID: getgid(), home: scratch.path)
        let node = try #require(
            try RecipeLoader(user: user, workingDirectory: scratch.path).loadRack(["red01.yaml"]).nodes.first)
        let change = try await Reconfiguration(
            of: node, on: InspectedCard(at: scratch["boot"]), in: .placeholders(for: node), secrets: UnreadSecrets(),
            version: "test", now: 1_790_000_000, isCancelled: { false })
        #expect(change.provision.warnings.contains { $0.text.contains("the root partition was not read") })
    }
}
