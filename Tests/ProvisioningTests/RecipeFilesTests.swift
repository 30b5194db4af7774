import Diagnostics
import Filesystems
import Foundation
import Host
@testable import Recipes
import SystemPackage
import Systems
import Testing
import TestSupport

@testable import Provisioning

/// Where each file of a recipe goes, and which paths are refused, with what to write instead.
@Suite struct RecipeFilesTests {
    private static func file(
        _ path: String, _ content: String = "text\n", mode: UInt16 = 0o644, owner: String? = nil, group: String? = nil,
        line: Int = 7
    ) -> Node.FirstBoot.File {
        .init(
            path: Sample.at(path, line: line), content: Sample.secret(content, .fileContent), mode: mode,
            owner: owner.map { Sample.at(.init($0), line: line) }, group: group.map { Sample.at(.init($0), line: line) }
        )
    }

    private static func node(_ files: [Node.FirstBoot.File], for column: SettingsTable.Column) -> Recipes.Node {
        var node = Sample.full(for: column)
        node.firstBoot.files = files
        return node
    }

    private static func list(_ provision: Provision) throws -> [String] {
        let file = try #require(provision.laidDown[StagedFiles.listPath])
        #expect(file.mode == 0o600)
        return String(decoding: file.contents, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test(arguments: Sample.columns)
    func `a file in a home or with an owner waits for its account on every system`(
        _ column: SettingsTable.Column
    ) async throws {
        let node = Self.node(
            [
                Self.file("/home/pirate/.ssh/config", "Host *\n", mode: 0o600),
                Self.file("/srv/a b", "x", owner: "pirate"),
                Self.file("/srv/c", "y", owner: "33", group: "docker"), Self.file("/etc/motd"),
                Self.file("/etc/by-root", owner: "root", group: "0"),
                Self.file("/home/pirate/roots", owner: "root", group: "root"),
            ], for: column)
        let provision = try await Sample.provision(node, column)
        let files = provision.laidDown
        let lines = try Self.list(provision).map { $0.split(separator: "\t").map(String.init) }
        #expect(
            lines.map { Array($0.dropFirst()) } == [
                ["pirate", "-", "600", "/home/pirate/.ssh/config"], ["pirate", "-", "644", "/srv/a b"],
                ["33", "docker", "644", "/srv/c"], ["root", "root", "644", "/home/pirate/roots"],
            ])
        for (line, text) in zip(lines, ["Host *\n", "x", "y", "text\n"]) {
            let waiting = try #require(files["\(StagedFiles.directory)/\(line[0])"])
            #expect(waiting.contents == Array(text.utf8) && waiting.mode == 0o600)
            // Nothing writes it to its place before the account is there.
            #expect(files[line[4]] == nil)
        }
        #expect(files["/etc/motd"]?.mode == 0o644 && files["/etc/by-root"] != nil)
        #expect(
            files["/etc/piflash/settings"].map { String(decoding: $0.contents, as: UTF8.self).contains("\nFILES='") }
                == true)
        // For people it is where it will be, with its owner.
        #expect(provision.installedFiles.map(\.owner) == ["pirate:", "pirate:", "33:docker", "root:root"])
        #expect(provision.installedFiles.map(\.path) == lines.map { $0[4] })
    }

    @Test(arguments: Sample.columns)
    func `a changed file is another line, and an unchanged one is the same`(_ column: SettingsTable.Column) async throws
    {
        func names(_ file: Node.FirstBoot.File) async throws -> [Substring] {
            try await Self.list(Sample.provision(Self.node([file], for: column), column))[0].split(separator: "\t")[0]
                .split(separator: "-")
        }
        let first = try await names(Self.file("/home/pirate/a", "1"))
        #expect(try await names(Self.file("/home/pirate/a", "1")) == first)
        for other in [
            Self.file("/home/pirate/a", "2"), Self.file("/home/pirate/a", "1", mode: 0o600),
            Self.file("/home/pirate/a", "1", owner: "33"), Self.file("/home/pirate/a", "1", group: "docker"),
        ] {
            let names = try await names(other)
            #expect(names[0] == first[0] && names[1] != first[1])
        }
        #expect(try await names(Self.file("/home/pirate/b", "1"))[0] != first[0])
    }

    // MARK: The boot partition

    @Test(arguments: Sample.columns)
    func `a file for the boot partition is on the FAT, and goes with the recipe that no longer has it`(
        _ column: SettingsTable.Column
    ) async throws {
        let mount = column.profile.bootMountPoint
        let node = Self.node([Self.file("\(mount)/mine.txt"), Self.file("\(mount)/My dir/b.ini")], for: column)
        let tree = RootTree(column)
        let first = try await Sample.provision(node, column, root: tree.asRead)
        #expect(first.text("mine.txt") == "text\n" && first.text("My dir/b.ini") == "text\n")
        #expect(first.laidDown["\(mount)/mine.txt"] == nil)
        let card = Sample.boot(column).applying(first).asRead
        let after = try tree.applying(first).asRead
        // Once more: the files on the card are ours.
        let again = try await Sample.provision(node, column, boot: card, root: after)
        #expect(again.removedBootFiles == [] && again.text("mine.txt") == "text\n")
        let less = try await Sample.provision(
            Self.node([Self.file("\(mount)/My dir/b.ini")], for: column), column, boot: card, root: after)
        #expect(less.removedBootFiles == ["mine.txt"])
        let none = try await Sample.provision(Self.node([], for: column), column, boot: card, root: after)
        #expect(Set(none.removedBootFiles) == ["mine.txt", "My dir/b.ini"])
    }

    @Test(arguments: Sample.columns)
    func `a vendor's file on the boot partition is never replaced`(_ column: SettingsTable.Column) async throws {
        let mount = column.profile.bootMountPoint
        var boot = Sample.boot(column)
        boot.names.formUnion(["LICENCE.broadcom", "Notes.txt", "vendor/", "config.txt", "cmdline.txt"])
        for (name, gist) in [
            ("config.txt", "the vendor's config.txt"), ("CONFIG.TXT", "the vendor's config.txt"),
            ("cmdline.txt", "does not boot"), ("kernel8.img", "firmware and the kernel"),
            ("bcm2711-rpi-4-b.dtb", "firmware and the kernel"), ("overlays/a.dtbo", "firmware and the kernel"),
            ("user-data", "piflash makes it from the recipe"), ("ssh", "piflash makes it from the recipe"),
            ("firstrun.sh", "piflash makes it from the recipe"), ("piflash/card.json", "piflash's own"),
            ("notes.txt", "the image has a file of this name"), ("vendor", "has a directory of this name"),
            ("vendor/x", "the vendor's; choose another"), ("a:b", "FAT does not allow"),
            ("a.", "FAT drops"), (String(repeating: "x", count: 256), "more than 255"),
        ] {
            let errors = try await Sample.errors(
                Self.node([Self.file("\(mount)/\(name)")], for: column), column, boot: boot)
            #expect(errors.map(\.location?.line) == [7], "\(name): \(errors)")
            #expect(errors.first?.text.contains(gist) == true, "\(name): \(errors)")
        }
    }

    @Test(arguments: Sample.columns)
    func `the boot partition has one spelling on an image`(_ column: SettingsTable.Column) async throws {
        let mount = column.profile.bootMountPoint
        let other = mount == "/boot" ? "/boot/firmware/mine.txt" : "/boot/mine.txt"
        let errors = try await Sample.errors(Self.node([Self.file(other)], for: column), column)
        #expect(errors.map(\.location?.line) == [7])
        #expect(errors.first?.text.hasSuffix("write \(mount)/mine.txt") == true, "\(errors)")
    }

    // MARK: Refused paths

    private static let refused = [
        ("/etc/hostname", "use hostname"), ("/etc/hosts", "nodes with fixed addresses"), ("/etc/fstab", "nofail"),
        ("/etc/passwd", "user"), ("/etc/shadow-", "user"), ("/etc/group", "user"), ("/etc/sudoers", "user.sudo"),
        ("/etc/sudoers.d/010_piflash", "user.sudo"), ("/etc/sudoers.d/010_pi-nopasswd", "user.sudo"),
        ("/etc/sudoers.d/90-cloud-init-users", "user.sudo"), ("/etc/timezone", "locale.timezone"),
        ("/etc/localtime", "locale.timezone"), ("/etc/default/locale", "locale.lang"),
        ("/etc/default/keyboard", "locale.keyboard"), ("/etc/resolv.conf", "network.dns"),
        ("/etc/network/interfaces", "address"), ("/etc/network/interfaces.d/wlan0", "wifi"),
        ("/etc/netplan/50-cloud-init.yaml", "wifi"), ("/etc/wpa_supplicant/wpa_supplicant.conf", "use wifi"),
        ("/etc/NetworkManager/system-connections/piflash-eth0.nmconnection", "address"),
        ("/etc/docker/daemon.json", "docker.daemon"), ("/etc/docker/piflash/key.pem", "docker.remote"),
        ("/etc/ssh/sshd_config", "user.ssh_password"), ("/etc/ssh/ssh_host_rsa_key", "makes its own"),
        ("/etc/machine-id", "first boot"), ("/etc/piflash/settings", "piflash's own"),
        ("/usr/local/lib/piflash/first-boot", "piflash's own"), ("/var/lib/cloud/seed/x", "cloud-init"),
        ("/home/pirate/.ssh/authorized_keys", "user.ssh_authorized_keys"),
        ("/boot/firmware/config.txt", "the vendor's config.txt"), ("/boot/cmdline.txt", "does not boot"),
    ]

    /// Without an image: check says so too, and all at once.
    @Test func `files that something else writes are refused before any image is opened, line by line`() throws {
        let scratch = ScratchDirectory()
        let lines = Self.refused.map { "    - { path: \"\($0.0)\", content: x }\n" }.joined()
        scratch.write(
            "hostname: red01\nuser: { name: pirate, password: x, groups: 5 }\nfirst_boot:\n  files:\n" + lines,
            to: "r.yaml")
        let loader = RecipeLoader(
            user: InvokingUser(environment: [:]), workingDirectory: scratch.path, requireImage: false)
        let report = try #require(
            #expect(throws: DiagnosticReport.self) {
                try RecipeValidation.validateOne(loader.reading(of: "r.yaml"))
            })
        // Also the mistake elsewhere.
        #expect(report.errors.contains { $0.location?.line == 2 })
        for (index, (path, gist)) in Self.refused.enumerated() {
            let found = report.errors.filter { $0.location?.line == index + 5 }
            #expect(found.count == 1, "\(path): \(found)")
            #expect(found.first?.text.contains(gist) == true, "\(path): \(found)")
        }
    }

    @Test(arguments: [
        "/etc", "/etc/ssh", "/home", "/home/pirate", "/root", "/boot", "/boot/firmware", "/var/lib/piflash",
    ])
    func `a directory of the system is not a file`(_ path: String) {
        #expect(FileChecks.problem(Self.file(path))?.contains("directory") == true)
    }

    @Test func `paths beside those are free`() {
        for path in [
            "/etc/hostname.d", "/etc/sudoers.d/reboot", "/etc/docker/plugin.json", "/etc/ssh/sshd_config.d/mine.conf",
            "/etc/netplan/90-mine.yaml", "/home/pirate/.ssh/config", "/root/.ssh/authorized_keys", "/etc/piflash.conf",
            "/boot/mine.txt", "/boot/firmware/mine/a.txt", "/etc/systemd/system/mine.service", "/etc/default/keyboards",
        ] {
            #expect(FileChecks.problem(Self.file(path)) == nil, "\(path)")
        }
    }

    @Test func `every file that piflash puts on a node has a path that recipes cannot have`() async throws {
        // The image's own files that are edited only where they exist, and the hosts file of old images.
        for column in Sample.columns {
            let provision = try await Sample.provision(Self.node([], for: column), column)
            for (path, _) in provision.laidDown where !path.hasPrefix("/home/") && path != "/etc/init.d/.depend.start" {
                #expect(FileChecks.problem(Self.file(path)) != nil, "\(path) on \(column.title)")
            }
            for file in provision.bootFiles {
                #expect(FileChecks.problem(Self.file("/boot/\(file.path)")) != nil, "\(file.path) on \(column.title)")
            }
        }
    }

    @Test(arguments: Sample.columns)
    func `a file in memory, in nobody's home or of nobody is refused with the image`(
        _ column: SettingsTable.Column
    ) async throws {
        var tree = RootTree(column)
        tree.file("# fstab\ntmpfs /var/log tmpfs size=50M,noatime 0 0\n/dev/sda1\t/data\text4\n", "/etc/fstab")
        var files = [
            (Self.file("/var/log/a", line: 11), "keeps /var/log in memory"),
            (Self.file("/home/bob/a", line: 12), "there is no user \"bob\""),
            (Self.file("/srv/a", owner: "mosquito", line: 13), "neither the recipe nor the image has a user"),
            (Self.file("/srv/b", group: "mosquito", line: 14), "neither the recipe nor the image has a group"),
        ]
        if column.profile.flavour.facts.takesOverFirstUser, tree.text("/home/pi/.bashrc") != nil {
            files.append((Self.file("/home/pi/a", line: 15), "the user pi becomes pirate"))
        }
        var node = Self.node(files.map(\.0), for: column)
        node.firstBoot.packages = []
        node.docker = Node.Docker()
        node.swarm = nil
        let errors = try await Sample.errors(node, column, root: tree.asRead)
        #expect(errors.map(\.location?.line) == files.map { $0.0.path.location.line }, "\(errors)")
        for ((_, gist), error) in zip(files, errors) { #expect(error.text.contains(gist), "\(error)") }
        // A package may bring the user, and /data is a disk.
        node.firstBoot.packages = [Sample.at("mosquitto")]
        node.firstBoot.files = [Self.file("/data/a", owner: "mosquitto", group: "mosquitto")]
        #expect(try await Sample.errors(node, column, root: tree.asRead).isEmpty)
    }
}
