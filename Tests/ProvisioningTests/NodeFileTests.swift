import Provisioning
import Recipes
import SystemPackage
import Systems
import Testing
import TestSupport

/// The recipe's files and commands arrive unchanged on every system.
@Suite struct NodeFileTests {
    @Test(arguments: Sample.others)
    func `files and commands arrive byte for byte`(_ column: SettingsTable.Column) async throws {
        let node = Sample.nasty(for: column)
        let files = try await Sample.provision(node, column).laidDown
        for (file, text) in zip(node.firstBoot.files, Sample.contents) {
            let written = try #require(files[file.path.value], "\(file.path.value)")
            #expect(written.contents == Array(text.utf8), "\(file.path.value)")
            #expect(written.mode == file.mode, "\(file.path.value)")
        }
        // The settings, as the first-boot program sources them.
        let scratch = ScratchDirectory()
        let settings = try #require(files["/etc/piflash/settings"])
        #expect(settings.mode == 0o600)
        let path = scratch.write(settings.contents, to: "settings").string
        for shell in ["dash", "bash"] {
            let program = #"set -eu; . "$1"; printf '%s\n' "$NODE" "$BOOT" "$FLASH_TIME" "$RUN""#
            let result = try OutsideTool("env").run(["-i", "/bin/\(shell)", "-c", program, shell, path])
            #expect(result.succeeded && result.errors.isEmpty, "\(result.errors)")
            let lines = result.text.split(separator: "\n").map(String.init)
            #expect(lines.prefix(3) == ["red01", column.profile.bootMountPoint, String(Sample.flashTime)])
            let names = try #require(lines.dropFirst(3).first).split(separator: " ")
            #expect(names.count == node.firstBoot.run.count)
            for (name, command) in zip(names, node.firstBoot.run) {
                let written = files["/etc/piflash/run.d/\(name)"]
                #expect(written?.contents == Array((command.value + "\n").utf8), "\(command.value)")
                #expect(written?.mode == 0o600)
            }
        }
    }

    @Test(arguments: Sample.others)
    func `ssh-keygen reads every key of authorized_keys`(_ column: SettingsTable.Column) async throws {
        let scratch = ScratchDirectory()
        let path = scratch["id"].string
        #expect(try OutsideTool("ssh-keygen").run(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path]).succeeded)
        let key = String(decoding: scratch.read("id.pub"), as: UTF8.self).split(separator: "\n")[0]
            .split(separator: " ").joined(separator: " ")
        var node = Sample.full(for: column)
        node.user?.sshAuthorizedKeys = Sample.comments.map { Sample.secret("\(key) \($0)") }
        let expected = Sample.comments.map { "\(key) \($0)".trimmingBlanks }
        let provision = try await Sample.provision(node, column)
        let text: String
        if provision.text("firstrun.sh") != nil {
            let node = try FirstRunTests.Node(provision, column)
            _ = try node.run()
            text = node.text("root/home/pirate/.ssh/authorized_keys")
        } else if let toml = provision.text("custom.toml") {
            // imager_custom writes one key a line.
            let program = "import tomllib\nanswer = tomllib.loads(question)['ssh']['authorized_keys']"
            let keys: [String] = try Oracle.ask(toml, program)
            text = keys.map { $0 + "\n" }.joined()
        } else {
            text = try #require(provision.rootText("/home/pirate/.ssh/authorized_keys"))
        }
        // By bytes: to Swift a line of combining characters alone would be none.
        let lines = Array(text.utf8).split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        #expect(lines.count == expected.count)
        #expect(zip(lines, expected).allSatisfy { Array($0.utf8) == Array($1.utf8) })
        let file = scratch.write(text, to: "authorized_keys").string
        let result = try OutsideTool("ssh-keygen").run(["-l", "-f", file])
        #expect(result.succeeded, "\(result.errors)")
        #expect(
            result.output.split(separator: 0x0A).count { $0.starts(with: Array("256 SHA256:".utf8)) } == lines.count)
    }
}
