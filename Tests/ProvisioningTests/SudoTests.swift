import Foundation
import Diagnostics
import Recipes
import SystemPackage
import Systems
import Testing
import TestSupport

@testable import Provisioning

/// What sudo itself allows the user after the first-boot program, whatever the vendor's own first boot has written. These
/// tests run as root: they mount files over /etc in a namespace of their own.
@Suite struct SudoTests {
    typealias Shell = NodeRig.Shell

    /// What the vendors ship or write for their first user, and for the user whom their first boots make.
    private static let vendors: [(name: String, sudoers: String, files: [String: String])] = [
        ("nothing", "", [:]),
        ("Raspberry Pi OS", "", ["010_pi-nopasswd": "pirate ALL=(ALL) NOPASSWD: ALL\n"]),
        ("Raspbian wheezy", "pirate ALL=(ALL) NOPASSWD: ALL\n", [:]),
        (
            "cloud-init", "",
            [
                "90-cloud-init-users":
                    "# Created by cloud-init v. 25.2\n\n# User rules for pirate\npirate ALL=(ALL) NOPASSWD:ALL\n"
            ]
        ),
        // Settings of three configurations: cloud-init appends what is not there yet.
        (
            "cloud-init again", "",
            [
                "90-cloud-init-users":
                    "pirate ALL=(ALL) NOPASSWD:ALL\npirate ALL=(ALL:ALL) !ALL\npirate ALL=(ALL:ALL) PASSWD: ALL\n"
            ]
        ),
        ("DietPi", "", ["dietpi": "pirate ALL=NOPASSWD: ALL\n"]),
        ("a configuration before", "", ["010_piflash": "pirate ALL=(ALL) NOPASSWD: ALL\n"]),
        ("a configuration without sudo before", "", ["010_piflash": "pirate ALL=(ALL:ALL) !ALL\n"]),
    ]

    private static let password = "black pearl"
    private let scratch = ScratchDirectory()

    private func prepare(_ vendor: (name: String, sudoers: String, files: [String: String])) throws {
        let hash = try PasswordHash.crypt(Self.password, setting: "$6$salt")
        scratch.write(
            "root:x:0:0:root:/root:/bin/sh\npirate:x:4242:4242::/:/bin/sh\nother:x:4243:4243::/:/bin/sh\n",
            to: "etc/passwd")
        scratch.write("root:*:1::::::\npirate:\(hash):19000:0:99999:7:::\nother:*:1::::::\n", to: "etc/shadow")
        scratch.write(
            "root:x:0:\nsudo:x:27:pirate,other\nlxd:x:28:pirate,other\npirate:x:4242:\nother:x:4243:\n", to: "etc/group"
        )
        scratch.write("root:*::\nsudo:*::pirate,other\nlxd:*::pirate,other\npirate:!::\nother:!::\n", to: "etc/gshadow")
        scratch.write(
            "Defaults !lecture\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n#includedir /etc/sudoers.d\n\(vendor.sudoers)",
            to: "etc/sudoers")
        scratch.write("other ALL=(ALL) NOPASSWD: /usr/bin/id\n", to: "etc/sudoers.d/020_other")
        for (name, text) in vendor.files { scratch.write(text, to: "etc/sudoers.d/\(name)") }
        try protect()
    }

    /// sudo refuses files that others may write.
    private func protect() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: scratch["etc/sudoers.d"].string)
        for file in ["etc/sudoers"] + files.map({ "etc/sudoers.d/\($0)" }) {
            try FileManager.default.setAttributes([.posixPermissions: 0o440], ofItemAtPath: scratch[file].string)
        }
    }

    /// Runs a command with the node's files in place of this machine's.
    private func inside(_ command: String, shell: Shell = .dash) throws -> OutsideTool.Result {
        let mounts = ["passwd", "shadow", "group", "gshadow", "sudoers", "sudoers.d"].map {
            "mount --bind '\(scratch["etc/\($0)"])' /etc/\($0)"
        }.joined(separator: " && ")
        return try OutsideTool("unshare").run(
            ["--mount", "--propagation", "private", "sh", "-c", "\(mounts) && \(command)"])
    }

    /// By the function of the first-boot program, on the files of a node below its root.
    private func set(_ mode: Recipes.Node.User.Sudo, _ shell: Shell, user: String = "pirate") throws {
        scratch.write(FirstBootProgram.account.text + "\nset_sudo \(user) \(mode.rawValue)\n", to: "program")
        // gpasswd renames files, which cannot be done over a mount: it works on the root directory that it is given.
        scratch.writeProgram("#!/bin/sh\nexec /usr/bin/gpasswd --root '\(scratch.path)' \"$@\"\n", to: "bin/gpasswd")
        scratch.writeProgram(
            "#!/bin/sh\nsed -n 's/^\\([^:]*\\):.*pirate.*/\\1/p' '\(scratch["etc/group"])' | tr '\\n' ' '\n",
            to: "bin/id")
        scratch.writeProgram("#!/bin/sh\ngrep \"^$2:\" '\(scratch["etc/passwd"])'\n", to: "bin/getent")
        let result = try OutsideTool("env").run(
            ["PATH=\(scratch["bin"]):/usr/bin:/bin", "root=\(scratch.path)"] + shell.command
                + [scratch["program"].string])
        #expect(result.succeeded && result.errors.isEmpty, "\(result.errors)")
    }

    @Test(arguments: Shell.allCases, vendors.indices)
    func `sudo allows what the recipe says, whatever a vendor has written`(_ shell: Shell, _ index: Int) throws {
        for mode in Recipes.Node.User.Sudo.allCases {
            try? FileManager.default.removeItem(atPath: scratch["etc"].string)
            try prepare(Self.vendors[index])
            try set(mode, shell)
            try check(mode)
        }
    }

    /// The vendor's login has become the recipe's user, or is gone; its rule is in sudoers, or in a file of its own.
    @Test(arguments: Shell.allCases, ["pi", "pirate", "hypriot", "ubuntu"])
    func `a later user with the name of the vendor's login is not root`(_ shell: Shell, login: String) throws {
        let rule = "\(login) ALL=(ALL) NOPASSWD: ALL\n"
        for vendor in [("sudoers", rule, [:]), ("a file", "", ["010_\(login)-nopasswd": rule])] {
            try? FileManager.default.removeItem(atPath: scratch["etc"].string)
            try prepare(vendor)
            // The recipe's user is another one.
            let passwd = String(decoding: scratch.read("etc/passwd"), as: UTF8.self)
            scratch.write(passwd.replacing("pirate", with: "mate"), to: "etc/passwd")
            try set(.passwordless, shell, user: "mate")
            scratch.write(
                passwd.replacing("pirate", with: "mate") + "\(login):x:4244:4244::/:/bin/sh\n", to: "etc/passwd")
            scratch.write("root:*:1::::::\n\(login):*:1::::::\nother:*:1::::::\n", to: "etc/shadow")
            #expect(try inside("runuser -u \(login) -- sudo -n id -u").text == "")
            #expect(try inside("runuser -u other -- sudo -n id -u").text == "0\n")
            // While it exists, its rule is its own.
            try prepare(vendor)
            scratch.write(passwd.replacing("pirate", with: login), to: "etc/passwd")
            scratch.write("root:*:1::::::\n\(login):*:1::::::\nother:*:1::::::\n", to: "etc/shadow")
            try set(.passwordless, shell, user: "mate")
            #expect(try inside("runuser -u \(login) -- sudo -n id -u").text == "0\n")
        }
    }

    @Test(arguments: Shell.allCases)
    func `one setting after another leaves only the last`(_ shell: Shell) throws {
        try prepare(Self.vendors[3])
        for mode: Recipes.Node.User.Sudo in [
            .password, .none, .passwordless, .none, .password, .passwordless, .password,
        ] {
            try set(mode, shell)
            try check(mode)
        }
    }

    private func check(_ mode: Recipes.Node.User.Sudo) throws {
        let valid = try OutsideTool("visudo").run([
            "--check", "--strict", "--file", scratch["etc/sudoers.d/010_piflash"].string,
        ])
        #expect(valid.succeeded, "\(valid.text)\(valid.errors)")
        let free = try inside("runuser -u pirate -- sudo -n id -u")
        #expect((free.text == "0\n") == (mode == .passwordless), "\(mode): \(free.text)\(free.errors)")
        let asked = try inside("runuser -u pirate -- sudo -k -S -p '' id -u <<'END'\n\(Self.password)\nEND\n")
        #expect((asked.text == "0\n") == (mode != .none), "\(mode): \(asked.text)\(asked.errors)")
        // polkit's administrators are the members of the group sudo.
        let group = String(decoding: scratch.read("etc/group"), as: UTF8.self)
        if mode == .none { #expect(!group.contains(/sudo:.*pirate/)) }
        if mode != .passwordless { #expect(!group.contains(/lxd:.*pirate/)) }
        // Nobody else's rules are touched.
        #expect(try inside("runuser -u other -- sudo -n id -u").text == "0\n")
        #expect(group.contains(/sudo:.*other/))
        let stat = try scratch["etc/sudoers.d/010_piflash"].stat()
        #expect(stat.permissions.rawValue & 0o777 == 0o440)
    }

    @Test(arguments: Sample.columns, Recipes.Node.User.Sudo.allCases)
    func `every system is told how the user becomes root`(
        _ column: SettingsTable.Column, mode: Recipes.Node.User.Sudo
    ) async throws {
        var node = Sample.full(for: column)
        node.user?.sudo = Sample.at(mode)
        let provision = try await Sample.provision(node, column)
        let files = provision.laidDown
        let settings = files[FirstBootProgram.settingsPath].map { String(decoding: $0.contents, as: UTF8.self) } ?? ""
        #expect(settings.contains("SUDO='\(mode.rawValue)'\n") == (mode != .passwordless))
        if let file = files[SudoersFile.path] {
            #expect(file.contents == Array("pirate \(SudoersFile.rule(mode))\n".utf8))
        }
        if let userData = provision.text("user-data") {
            let rule = mode == .passwordless ? "ALL=(ALL) NOPASSWD:ALL" : SudoersFile.rule(mode)
            #expect(userData.contains("sudo: \"\(rule)\"\n"))
        }
        if let group = provision.rootText("/etc/group"), mode == .none {
            #expect(!group.contains(/(?m)^sudo:.*pirate/))
        }
        // Debian's first boot would give root a key.
        if let text = provision.text("sysconf.txt") { #expect(!text.contains("root_authorized_key")) }
    }

    @Test(arguments: Recipes.Node.User.Sudo.allCases)
    func `HypriotOS's own group docker is not a way around`(_ mode: Recipes.Node.User.Sudo) async throws {
        for (groups, isWanted) in [([], false), (["docker"], true)] {
            var node = Sample.bare()
            node.user?.sudo = Sample.at(mode)
            node.user?.groups = groups.map { Sample.at($0) }
            let text = try #require(try await Sample.provision(node, .hypriotCloudInit).text("user-data"))
            let isMember = text.contains("users,docker,video,input")
            #expect(isMember == (isWanted || mode == .passwordless))
        }
    }

    @Test func `the program and the card write the same rules`() {
        for mode in Recipes.Node.User.Sudo.allCases {
            #expect(FirstBootProgram.account.text.contains("rule='\(SudoersFile.rule(mode))'"))
        }
    }

    @Test func `check says which commands need sudo without a password, and which groups are as good as root`() {
        var node = Sample.full()
        #expect(LoginChecks.warnings(node).diagnostics.isEmpty)
        for mode: Recipes.Node.User.Sudo in [.password, .none] {
            node.user?.sudo = Sample.at(mode, line: 4)
            node.user?.groups = [Sample.at("docker", line: 5), Sample.at("video", line: 6)]
            let warnings = LoginChecks.warnings(node).diagnostics
            #expect(warnings.map(\.location?.line) == [4, 5])
            #expect(warnings[0].text.contains("run --sudo, piflash daemon --diff, piflash daemon --apply"))
            node.user?.groups = []
            #expect(LoginChecks.warnings(node).diagnostics.map(\.text).joined().contains("piflash swarm"))
        }
        node.user?.sudo = Sample.at(.passwordless)
        #expect(LoginChecks.warnings(node).diagnostics.isEmpty)
    }

    @Test(arguments: [Sample.bookworm, Sample.trixieFirstRun])
    func `a user without sudo does not join the group docker by itself`(_ column: SettingsTable.Column) async throws {
        var node = Sample.bare()
        node.docker.location = Sample.here
        node.docker.install = Sample.at(.debian)
        for mode in Recipes.Node.User.Sudo.allCases {
            node.user?.sudo = Sample.at(mode)
            let files = try await Sample.provision(node, column).laidDown
            let settings = try #require(files[FirstBootProgram.settingsPath])
            let text = String(decoding: settings.contents, as: UTF8.self)
            #expect(text.contains("DOCKER_USER='pirate'") == (mode == .passwordless))
        }
    }
}
