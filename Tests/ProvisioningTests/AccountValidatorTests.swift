import Diagnostics
import Filesystems
import Foundation
import Glibc
import Recipes
import SystemPackage
import Systems
import Testing
import TestSupport

@testable import Provisioning

/// What the system's own checkers say about the accounts, sudo and sshd after our edits.
@Suite struct AccountValidatorTests {
    /// The systems whose accounts are edited on the card.
    private static let columns = Sample.others.filter { $0.profile.flavour != .raspberryPiOSFirstRun }

    /// pwck(8) and grpck(8), which also compare the shadow files, in a separate root directory (-R). The homes and
    /// shells are not there (-q).
    private static func complaints(_ tree: RootTree) throws -> String {
        let scratch = ScratchDirectory()
        for name in ["passwd", "shadow", "group", "gshadow"] {
            scratch.write(try #require(tree.text("/etc/\(name)")), to: "etc/\(name)")
        }
        // Only root may change its root directory.
        let front = geteuid() == 0 ? [] : ["unshare", "--map-root-user"]
        return try [["pwck", "-q", "-r"], ["grpck", "-r"]].map { command in
            let result = try OutsideTool("env").run(
                ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] + front + command + ["-R", scratch.path.string])
            return result.succeeded ? "" : "\(command[0]): \(result.text)\(result.errors)"
        }.joined()
    }

    @Test func `pwck and grpck would find something`() throws {
        for (path, line) in [("passwd", "pi:x:1000:1000::/:/bin/sh"), ("group", "sudo:x:27:"), ("gshadow", "lost:!::")]
        {
            var tree = RootTree(Sample.wheezy)
            tree.file((tree.text("/etc/\(path)") ?? "") + line + "\n", "/etc/\(path)")
            let complaints = try Self.complaints(tree)
            #expect(!complaints.isEmpty, "\(path)")
        }
    }

    @Test(arguments: columns)
    func `pwck and grpck find nothing`(_ column: SettingsTable.Column) async throws {
        let tree = RootTree(column)
        let before = try Self.complaints(tree)
        #expect(before == "")
        for name in ["pirate", "pi", "dietpi", "a", "red-user", "z123456789012345678901234567890a"] {
            var node = Sample.full(for: column)
            node.user?.name = Sample.at(name)
            node.user?.groups = ["docker", "dialout", "_rack", "pirate2"].map { Sample.at($0) }
            let after = try tree.applying(await Sample.provision(node, column))
            let complaints = try Self.complaints(after)
            #expect(complaints == "", "\(name)")
            // And once more, with another name, on the card as it is then.
            node.user?.name = Sample.at("second")
            let second = try await Sample.provision(node, column, root: after.asRead)
            let later = try Self.complaints(after.applying(second))
            #expect(later == "", "\(name)")
        }
    }

    @Test(arguments: Sample.others)
    func `a name that the system has taken for itself is refused`(_ column: SettingsTable.Column) async throws {
        for name in ["daemon", "nobody", "systemd-timesync", "sudo", "gpio"] {
            var node = Sample.full(for: column)
            node.user?.name = Sample.at(name, line: 42)
            #expect(try await Sample.errors(node, column).map(\.location?.line) == [42], "\(name)")
        }
    }

    @Test(arguments: Sample.columns)
    func `a name that the image has as a user of the system or as a group is refused on every system`(
        _ column: SettingsTable.Column
    ) async throws {
        var tree = RootTree(column)
        tree.file((tree.text("/etc/passwd") ?? "") + "mosquitto:x:117:118::/:/usr/sbin/nologin\n", "/etc/passwd")
        tree.file((tree.text("/etc/group") ?? "") + "makers:x:119:\n", "/etc/group")
        for name in ["daemon", "staff", "makers", "mosquitto"] {
            if name == "staff" { tree.file((tree.text("/etc/group") ?? "") + "staff:x:50:\n", "/etc/group") }
            var node = Sample.full(for: column)
            node.user?.name = Sample.at(name, line: 42)
            let errors = try await Sample.errors(node, column, root: tree.asRead)
            #expect(errors.map(\.location?.line) == [42], "\(name): \(errors)")
            #expect(errors.first?.text.contains("\"\(name)\" is a") == true)
        }
        // The image's own first user, and a user whom an earlier configuration has made.
        for name in ["pi", "dietpi", "pirate"] {
            var node = Sample.full(for: column)
            node.user?.name = Sample.at(name)
            #expect(try await Sample.errors(node, column).isEmpty, "\(name)")
        }
    }

    @Test(arguments: Sample.columns.filter { $0.profile.flavour.facts.takesOverFirstUser })
    func `another account than the first does not leave the vendor's login behind`(
        _ column: SettingsTable.Column
    ) async throws {
        var tree = RootTree(column)
        tree.file((tree.text("/etc/passwd") ?? "") + "ann:x:1001:1001::/home/ann:/bin/sh\n", "/etc/passwd")
        var node = Sample.full(for: column)
        node.user?.name = Sample.at("ann", line: 42)
        let errors = try await Sample.errors(node, column, root: tree.asRead)
        #expect(errors.map(\.location?.line) == [42] && errors[0].text.contains("another account"))
    }

    @Test(arguments: Sample.others)
    func `visudo accepts the user's line`(_ column: SettingsTable.Column) async throws {
        let provision = try await Sample.provision(Sample.full(for: column), column)
        guard let file = provision.laidDown["/etc/sudoers.d/010_piflash"] else {
            #expect([.raspberryPiOSCustomTOML, .debianRaspi].contains(column.profile.flavour))
            return
        }
        #expect(file.mode == 0o440)
        let scratch = ScratchDirectory()
        let path = scratch.write(file.contents, to: "010_piflash").string
        let result = try OutsideTool("visudo").run(["--check", "--strict", "--file", path])
        #expect(result.succeeded, "\(result.text)\(result.errors)")
        let json = try OutsideTool("cvtsudoers").run(["--output-format", "json", path])
        #expect(json.text.contains("\"username\": \"pirate\""))
        #expect(json.text.contains("\"authenticate\": false"))
    }

    @Test(arguments: Sample.others)
    func `sshd takes passwords only where the recipe gives no key`(_ column: SettingsTable.Column) async throws {
        var withoutKey = Sample.full(for: column)
        withoutKey.user?.sshAuthorizedKeys = []
        // What the recipe says counts, with a key and without one.
        var (allowed, refused) = (Sample.full(for: column), withoutKey)
        allowed.user?.sshPassword = Sample.at(true)
        refused.user?.sshPassword = Sample.at(false)
        for (node, expected) in [
            (Sample.full(for: column), "no"), (withoutKey, "yes"), (allowed, "yes"), (refused, "no"),
        ] {
            let provision = try await Sample.provision(node, column)
            let text: String
            if let edited = provision.rootText("/etc/ssh/sshd_config") {
                text = edited
            } else if provision.text("firstrun.sh") != nil {
                let run = try FirstRunTests.Node(provision, column)
                _ = try run.run()
                text = run.text(run.sshd)
            } else {
                #expect([.raspberryPiOSCustomTOML, .dietPi].contains(column.profile.flavour))
                continue
            }
            #expect(try Self.setting("passwordauthentication", text) == expected)
        }
    }

    /// What sshd makes of a configuration in which a later file says otherwise.
    private static func setting(_ name: String, _ text: String) throws -> String? {
        let scratch = ScratchDirectory()
        scratch.write("PasswordAuthentication yes\n", to: "included.conf")
        let text = text.replacing("/etc/ssh/sshd_config.d/*.conf", with: scratch["included.conf"].string)
        let file = scratch.write(text, to: "sshd_config").string
        let key = scratch["key"].string
        #expect(try OutsideTool("ssh-keygen").run(["-q", "-t", "ed25519", "-N", "", "-f", key]).succeeded)
        let result = try OpenSSHServer.run(["-T", "-f", file, "-h", key])
        #expect(result.succeeded, "\(result.errors)")
        return result.text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            .map { String($0.dropFirst(name.count + 1)) }
    }
}
