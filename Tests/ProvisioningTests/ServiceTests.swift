import Foundation
import Provisioning
import Recipes
import SystemPackage
import Systems
import Testing
import TestSupport

/// What starts the first-boot program: a unit that systemd accepts, and a script that sysvinit can order.
@Suite struct ServiceTests {
    private static let unitPath = "/etc/systemd/system/piflash-first-boot.service"
    private static let scriptPath = "/etc/init.d/piflash-first-boot"
    private static let sysvinit = Sample.others.filter { $0.profile.initSystem?.kind == .sysvinit }
    private static let systemd = Sample.others.filter { $0.profile.initSystem?.kind != .sysvinit }

    @Test(arguments: systemd)
    func `systemd accepts every unit and its link`(_ column: SettingsTable.Column) async throws {
        let provision = try await Sample.provision(Sample.full(for: column), column)
        let units = provision.laidDown.filter { $0.key.hasPrefix("/etc/systemd/system/") }
        #expect(Array(units.keys) == [Self.unitPath])
        let scratch = ScratchDirectory()
        // systemd-analyze wants the condition's path only in the unit's text, and finds /bin/sh on this machine.
        let file = scratch.write(try #require(units[Self.unitPath]).contents, to: "piflash-first-boot.service").string
        let result = try OutsideTool("systemd-analyze").run(["verify", "--man=no", file])
        #expect(result.succeeded && result.errors.isEmpty, "\(result.errors)")
        if column.profile.flavour != .raspberryPiOSFirstRun {
            let root = try RootTree(column).applying(provision)
            let link = root.entries["/etc/systemd/system/multi-user.target.wants/piflash-first-boot.service"]
            #expect(link?.kind == .symbolicLink(target: Self.unitPath))
        }
    }

    @Test(arguments: NodeRig.Shell.allCases)
    func `systemd accepts docker's drop-in`(_ shell: NodeRig.Shell) throws {
        let rig = try NodeRig(.sample(daemon: "{}", hosts: true, managers: nil))
        let unit = "[Service]\nType=notify\nExecStart=/bin/true --graph /a\\x20b \\\n  -H fd:// --label 'a b'\n"
        rig.scratch.write(unit, to: "unit")
        rig.scratch.write(unit, to: "units/docker.service")
        try rig.run(shell)
        let dropin = rig.text("root/etc/systemd/system/docker.service.d/piflash.conf")
        #expect(dropin.hasPrefix("[Service]\nExecStart=\nExecStart=/bin/true "))
        #expect(!dropin.contains("fd://"))
        rig.scratch.write(dropin, to: "units/docker.service.d/piflash.conf")
        let result = try OutsideTool("env").run([
            "SYSTEMD_UNIT_PATH=\(rig.scratch["units"]):", "systemd-analyze", "verify", "--man=no", "docker.service",
        ])
        #expect(result.succeeded && result.errors.isEmpty, "\(result.errors)")
    }

    @Test(arguments: sysvinit)
    func `sysvinit's script is one for every shell, and its links lead to it`(
        _ column: SettingsTable.Column
    ) async throws {
        let provision = try await Sample.provision(Sample.full(for: column), column)
        let script = try #require(provision.laidDown[Self.scriptPath])
        #expect(script.mode == 0o755)
        let scratch = ScratchDirectory()
        let file = scratch.write(script.contents, to: "script").string
        for shell in [["dash", "-n"], ["busybox", "sh", "-n"], ["bash", "-n"]] {
            #expect(try OutsideTool(shell[0]).run(shell.dropFirst() + [file]).succeeded)
        }
        let check = try OutsideTool("shellcheck").run(["-s", "sh", file])
        #expect(check.succeeded, "\(check.text)")
        let root = try RootTree(column).applying(provision)
        let links = root.entries.filter { $0.key.hasSuffix("piflash-first-boot") && $0.key.hasPrefix("/etc/rc") }
        #expect(Set(links.keys) == Set((2...5).map { "/etc/rc\($0).d/S99piflash-first-boot" }))
        #expect(links.values.allSatisfy { $0.kind == .symbolicLink(target: "../init.d/piflash-first-boot") })
        #expect(!provision.laidDown.keys.contains(Self.unitPath))
    }

    @Test func `insserv orders the script behind what it needs, in the runlevels that it has links for`() async throws {
        let provision = try await Sample.provision(Sample.full(for: Sample.wheezy), Sample.wheezy)
        let script = try #require(provision.laidDown[Self.scriptPath])
        let scratch = ScratchDirectory()
        func put(_ contents: [UInt8], _ name: String) throws {
            let path = scratch.write(contents, to: "etc/init.d/\(name)").string
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }
        for level in ["0", "1", "2", "3", "4", "5", "6", "S"] { scratch.write("", to: "etc/rc\(level).d/.keep") }
        let others = [("mountnfs", "", "S"), ("syslog", "$remote_fs", "2 3 4 5"), ("docker", "$syslog", "2 3 4 5")]
        for (name, needs, levels) in others {
            let text = """
                #!/bin/sh
                ### BEGIN INIT INFO
                # Provides: \(name)
                # Required-Start: \(needs)
                # Required-Stop:
                # Default-Start: \(levels)
                # Default-Stop:
                ### END INIT INFO

                """
            try put(Array(text.utf8), name)
        }
        try put(script.contents, "piflash-first-boot")
        let facilities = [
            "local_fs mountnfs", "remote_fs mountnfs", "network mountnfs", "syslog syslog", "time syslog",
        ]
        let configuration = scratch.write(
            facilities.map { "$\($0)\n" }.joined().replacing(" ", with: " +"), to: "insserv.conf")
        let result = try OutsideTool("insserv").run([
            "--dry-run", "--show-all", "--path", scratch["etc/init.d"].string, "--config", configuration.string,
            "--override", scratch["none"].string, "--insserv-dir", scratch["etc"].string,
        ])
        #expect(result.succeeded, "\(result.errors)")
        #expect(!result.errors.contains("warning"), "\(result.errors)")
        // "K:01:0 1 6:docker" and "S:03:2 3 4 5:piflash-first-boot".
        func place(_ name: String) throws -> [Substring] {
            let line = result.text.split(separator: "\n").first { $0.hasPrefix("S:") && $0.hasSuffix(":\(name)") }
            return try #require(line, "\(result.text)").split(separator: ":")
        }
        let ours = try place("piflash-first-boot")
        #expect(ours[2] == "2 3 4 5")
        #expect(try ours[1] > place("docker")[1])
        #expect(try place("docker")[1] > place("syslog")[1])
    }
}
