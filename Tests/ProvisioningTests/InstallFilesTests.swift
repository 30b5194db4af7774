import Foundation
import Glibc
import Recipes
import SystemPackage
import Testing
import TestSupport

@testable import Provisioning

/// What the first-boot program makes of the files that belong to a user: with the real chown, so these tests run as root.
@Suite struct InstallFilesTests {
    typealias Shell = NodeRig.Shell

    /// Accounts of a node: the recipe's user has number 4242.
    private static func rig(_ entries: [StagedFiles.Entry]) throws -> NodeRig {
        let rig = try NodeRig(settings(entries))
        put(entries, on: rig)
        for tool in ["chown", "stat", "cp", "find"] { rig.install(tool, "exec /usr/bin/\(tool) \"$@\"") }
        rig.scratch.write(
            "root:x:0:0::/root:/bin/sh\npirate:x:4242:4343::/home/pirate:/bin/sh\n", to: "root/etc/passwd")
        rig.scratch.write("root:x:0:\npirate:x:4343:\nvideo:x:44:\n", to: "root/etc/group")
        rig.install(
            "getent",
            """
            grep -m 1 -E "^$2:|^[^:]*:x:$2:" "$RIG/root/etc/$1"
            """)
        rig.scratch.write("# skeleton\n", to: "root/home/pirate/.profile")
        for path in ["root/home/pirate", "root/home/pirate/.profile"] { chown(rig.scratch[path].string, 4242, 4343) }
        return rig
    }

    private static func settings(_ entries: [StagedFiles.Entry]) -> FirstBootSettings {
        var settings = FirstBootSettings.sample(docker: false, managers: nil)
        settings.stagedFiles = StagedFiles(entries: entries).digest
        return settings
    }

    private static func put(_ entries: [StagedFiles.Entry], on rig: NodeRig) {
        rig.configure(settings(entries))
        for file in StagedFiles(entries: entries).nodeFiles { rig.scratch.write(file.contents, to: "root\(file.path)") }
    }

    private static func entry(
        _ path: String, _ text: String = "text\n", owner: String = "pirate", group: String? = nil, mode: UInt16 = 0o644
    ) -> StagedFiles.Entry {
        .init(file: .init(path: path, contents: Array(text.utf8), mode: mode), owner: owner, group: group)
    }

    /// Owner, group and mode: "4242:4343 644".
    private static func state(_ rig: NodeRig, _ path: String) throws -> String {
        try OutsideTool("stat").run(["-c", "%u:%g %a", rig.scratch["root\(path)"].string]).text.trimmingBlanks
            .replacing("\n", with: "")
    }

    @Test(arguments: Shell.allCases)
    func `a file in the home belongs to the user, with its directories, and the skeleton stays`(_ shell: Shell) throws {
        let rig = try Self.rig([
            Self.entry("/home/pirate/.ssh/config", "Host *\n", mode: 0o600),
            Self.entry("/home/pirate/a b/it's \"c\" $HOME `id`", "é\n"), Self.entry("/home/pirate/.profile", "mine\n"),
            Self.entry("/home/pirate/x/roots", owner: "root", group: "video", mode: 0o640),
            Self.entry("/srv/d/e", owner: "33"), Self.entry("/srv/f", owner: "root", group: "video"),
        ])
        #expect(try rig.run(shell).succeeded)
        #expect(rig.status["state"] == "done" && rig.status["last error"] == nil, "\(rig.status)")
        #expect(rig.text("root/home/pirate/.ssh/config") == "Host *\n")
        #expect(rig.text("root/home/pirate/a b/it's \"c\" $HOME `id`") == "é\n")
        #expect(rig.text("root/home/pirate/.profile") == "mine\n")
        for (path, state) in [
            ("/home/pirate", "4242:4343 755"), ("/home/pirate/.ssh", "4242:4343 700"),
            ("/home/pirate/.ssh/config", "4242:4343 600"), ("/home/pirate/a b", "4242:4343 755"),
            ("/home/pirate/.profile", "4242:4343 644"), ("/home/pirate/x", "4242:4343 755"),
            ("/home/pirate/x/roots", "0:44 640"), ("/srv/d", "0:0 755"), ("/srv/d/e", "33:0 644"),
            ("/srv/f", "0:44 644"), ("/etc/piflash/files.d", "0:0 700"),
        ] {
            #expect(try Self.state(rig, path) == state, "\(path)")
        }
        // Nothing half made is left.
        let left = try FileManager.default.subpathsOfDirectory(atPath: rig.scratch["root/home"].string)
        #expect(left.filter { $0.contains("piflash") || $0.contains(".new") } == [])
    }

    @Test(arguments: Shell.allCases)
    func `what a person changes stays, what the recipe changes is installed again`(_ shell: Shell) throws {
        let rig = try Self.rig([Self.entry("/home/pirate/a", "1"), Self.entry("/home/pirate/b", "1")])
        #expect(try rig.run(shell).succeeded)
        for name in ["a", "b"] { rig.scratch.write("own", to: "root/home/pirate/\(name)") }
        Self.put([Self.entry("/home/pirate/a", "1"), Self.entry("/home/pirate/b", "2")], on: rig)
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("root/home/pirate/a") == "own" && rig.text("root/home/pirate/b") == "2")
        // And back: the first text counts as new then.
        Self.put([Self.entry("/home/pirate/b", "1")], on: rig)
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("root/home/pirate/b") == "1")
        // Only what the recipe still has waits in the directory.
        let waiting = try FileManager.default.contentsOfDirectory(
            atPath: rig.scratch["root\(StagedFiles.directory)"].string)
        #expect(waiting == [Self.entry("/home/pirate/b", "1").name])
        Self.put([], on: rig)
        #expect(try rig.run(shell).succeeded)
        #expect(!rig.has("root\(StagedFiles.directory)") && rig.text("root/home/pirate/b") == "1")
    }

    /// A link of the user's in the home, where it leads, and whether root goes there.
    @Test(
        arguments: Shell.allCases,
        [("../../etc", false), ("/etc", false), ("inside", true), (".", true), ("..", false), ("../pirate2", false)])
    func `root follows a link of the user's only in the home`(_ shell: Shell, link: (target: String, isFollowed: Bool))
        throws
    {
        let rig = try Self.rig([Self.entry("/home/pirate/link/file", "text")])
        rig.scratch.write("", to: "root/home/pirate/inside/.keep")
        rig.scratch.write("", to: "root/home/pirate2/.keep")
        rig.scratch.write("root's", to: "root/etc/file")
        let target = link.target.hasPrefix("/") ? rig.scratch["root\(link.target)"].string : link.target
        let path = rig.scratch["root/home/pirate/link"].string
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
        lchown(path, 4242, 4343)
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("root/etc/file") == "root's")
        #expect(rig.has("root/home/pirate/link/file") == (link.isFollowed || link.target.hasSuffix("etc")))
        #expect(!rig.has("root/home/file") && !rig.has("root/home/pirate2/file"))
        let expected =
            link.isFollowed
            ? nil : "first_boot.files: /home/pirate/link/file: /home/pirate/link leads out of /home/pirate"
        #expect(rig.status["last error"] == expected, "\(rig.status)")
    }

    @Test(arguments: Shell.allCases)
    func `a link in the file's place is replaced, not followed, and a directory is not`(_ shell: Shell) throws {
        let rig = try Self.rig([Self.entry("/home/pirate/a", "text"), Self.entry("/home/pirate/b")])
        rig.scratch.write("root's", to: "root/etc/file")
        rig.scratch.write("", to: "root/home/pirate/b/.keep")
        try FileManager.default.createSymbolicLink(
            atPath: rig.scratch["root/home/pirate/a"].string, withDestinationPath: rig.scratch["root/etc/file"].string)
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("root/etc/file") == "root's" && rig.text("root/home/pirate/a") == "text")
        #expect(try rig.scratch["root/home/pirate/a"].stat(followTargetSymlink: false).type == .regular)
        #expect(rig.status["last error"] == "first_boot.files: /home/pirate/b: /home/pirate/b is a directory")
        #expect(rig.has("root/home/pirate/b/.keep"))
    }

    @Test(arguments: Shell.allCases)
    func `a link of a user outside the homes is not followed, root's own is`(_ shell: Shell) throws {
        let rig = try Self.rig([Self.entry("/srv/theirs/a", owner: "33"), Self.entry("/srv/ours/a", owner: "33")])
        rig.scratch.write("", to: "root/srv/real/.keep")
        for (name, owner) in [("theirs", uid_t(4242)), ("ours", 0)] {
            let path = rig.scratch["root/srv/\(name)"].string
            try FileManager.default.createSymbolicLink(
                atPath: path, withDestinationPath: name == "ours" ? "real" : "../etc")
            lchown(path, owner, 0)
        }
        #expect(try rig.run(shell).succeeded)
        #expect(rig.has("root/srv/real/a") && !rig.has("root/etc/a"))
        #expect(rig.status["last error"] == "first_boot.files: /srv/theirs/a: /srv/theirs is a link of a user")
    }

    @Test(arguments: Shell.allCases)
    func `a home that is not there is not made, and the status says why`(_ shell: Shell) throws {
        let rig = try Self.rig([Self.entry("/home/bob/a", owner: "root"), Self.entry("/srv/a", owner: "mosquitto")])
        #expect(try rig.run(shell).succeeded)
        #expect(!rig.has("root/home/bob") && !rig.has("root/srv/a"))
        #expect(rig.status["last error"] == "first_boot.files: /srv/a: there is no user mosquitto")
        #expect(rig.text("root/run/piflash/status").contains("state: done"))
        // The next boot tries again.
        rig.scratch.write("", to: "root/home/bob/.keep")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.has("root/home/bob/a"))
        #expect(rig.status["last error"] == "first_boot.files: /srv/a: there is no user mosquitto")
        let accounts = rig.text("root/etc/passwd")
        rig.scratch.write(accounts + "mosquitto:x:117:118::/:/bin/sh\n", to: "root/etc/passwd")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.has("root/srv/a") && rig.status["last error"] == nil)
        try FileManager.default.removeItem(atPath: rig.scratch["root/home/bob/a"].string)
        try FileManager.default.removeItem(atPath: rig.scratch["root/var/lib/piflash"].string)
        Self.put([Self.entry("/home/bob/a", owner: "root")], on: rig)
        #expect(try rig.run(shell).succeeded)
        #expect(rig.has("root/home/bob/a") && rig.status["last error"] == nil)
    }

    @Test(arguments: Shell.allCases)
    func `a user that a package brings gets its file after the packages, before the commands`(_ shell: Shell) throws {
        let entries = [Self.entry("/etc/mosquitto/passwd", owner: "mosquitto", mode: 0o600)]
        let rig = try Self.rig(entries)
        rig.install("dpkg", "exit 0")
        rig.install(
            "apt-get",
            """
            case "$*" in *install*)
                echo 'mosquitto:x:117:118::/:/bin/sh' >>"$RIG/root/etc/passwd"
                mkdir -p "$RIG/root/etc/mosquitto" ;;
            esac
            """)
        var settings = Self.settings(entries)
        settings.packages = ["mosquitto"]
        settings.commands = ["cat \"$PIFLASH_ROOT/etc/mosquitto/passwd\" >\"$RIG/seen\""]
        rig.configure(settings)
        #expect(try rig.run(shell).succeeded)
        #expect(rig.status["last error"] == nil, "\(rig.status)")
        #expect(try Self.state(rig, "/etc/mosquitto/passwd") == "117:118 600")
        #expect(rig.text("seen") == "text\n")
    }

    /// At every call of a program that the installation makes, the power fails; the next boot completes it.
    @Test(arguments: ["cat", "chown", "chmod", "mv", "mkdir", "sync"])
    func `a power cut in the middle leaves a whole file or none, and the next boot completes it`(_ tool: String) throws
    {
        let rig = try Self.rig([Self.entry("/home/pirate/.ssh/config", "Host *\n", mode: 0o600)])
        rig.scratch.write("old\n", to: "root/home/pirate/.ssh/config")
        let real = tool == "mkdir" || tool == "sync" ? "/usr/bin/\(tool)" : "/bin/\(tool)"
        var calls = 0
        repeat {
            calls += 1
            try? FileManager.default.removeItem(atPath: rig.scratch["root/var/lib/piflash"].string)
            rig.scratch.write("old\n", to: "root/home/pirate/.ssh/config")
            rig.scratch.write("0\n", to: "count")
            rig.install(
                tool,
                """
                read -r n <"$RIG/count"; n=$((n + 1)); echo "$n" >"$RIG/count"
                if [ "$n" -ge \(calls) ]; then kill -9 "$(/bin/cat "$RIG/pid")" "$PPID"; exit 1; fi
                exec \(real) "$@"
                """)
            let program = rig.scratch["root\(FirstBootProgram.path)"].string
            _ = try rig.run(["/bin/sh", "-c", "echo $$ >\"$RIG/pid\"; exec /usr/bin/dash \"$1\"", "sh", program])
            #expect(["old\n", "Host *\n"].contains(rig.text("root/home/pirate/.ssh/config")))
            let count = Int(rig.text("count").trimmingBlanks.replacing("\n", with: "")) ?? 0
            rig.install(tool, "exec \(real) \"$@\"")
            #expect(try rig.run(.dash).succeeded)
            #expect(rig.text("root/home/pirate/.ssh/config") == "Host *\n")
            #expect(try Self.state(rig, "/home/pirate/.ssh/config") == "4242:4343 600")
            if count < calls { break }
        } while calls < 12
        #expect(calls > 1)
    }
}
