import Filesystems
import Foundation
import Recipes
import SystemPackage
import Systems
import Testing
import TestSupport

@testable import Provisioning

/// firstrun.sh, run by bash where every program that could touch the machine is a stand-in, and its way there through
/// systemd.
@Suite struct FirstRunTests {
    private static let columns = [Sample.bullseye, Sample.trixieFirstRun]

    /// A node's root directory, and a directory of programs that is all that PATH names.
    struct Node {
        let scratch = ScratchDirectory()
        let mount: String
        let line: String

        /// What the script calls and may really do below its root.
        static let real = [
            "base64", "cat", "chmod", "cmp", "cp", "cut", "dd", "find", "grep", "ln", "mkdir", "mv", "rm", "sed",
            "stat", "wc",
        ]
        /// What must never reach this machine: each notes its arguments and its input.
        static let standIns = [
            "chown", "chpasswd", "date", "getent", "groupadd", "groupmod", "sync", "systemctl", "useradd", "usermod",
            "id",
        ]

        init(_ provision: Provision, _ column: SettingsTable.Column) throws {
            mount = column.profile.bootMountPoint
            let boot = Sample.boot(column).applying(provision)
            line = try #require(boot.text("cmdline.txt"))
            for (path, contents) in boot.files { scratch.write(contents, to: "root\(mount)/\(path)") }
            scratch.write("127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n", to: "root/etc/hosts")
            scratch.write("# de_DE.UTF-8 UTF-8\n", to: "root/etc/locale.gen")
            scratch.write("#PasswordAuthentication yes\nUsePAM yes\nPasswordAuthentication yes\n", to: sshd)
            scratch.write("hostname\n", to: "root/etc/dhcpcd.conf")
            for change in provision.rootChanges {
                guard case .file(let contents, let mode) = change.edit.action else { continue }
                let path = scratch.write(contents, to: "root\(change.edit.path)").string
                try FileManager.default.setAttributes([.posixPermissions: Int(mode)], ofItemAtPath: path)
            }
            scratch.write("pi", to: "user")
            scratch.write("pi", to: "group")
            scratch.write("$6$salt$published", to: "hash")
            scratch.write("# skeleton\n", to: "root/etc/skel/.profile")
            scratch.write("", to: "root/home/pi/.keep")
            scratch.write("", to: "calls")
        }

        let sshd = "root/etc/ssh/sshd_config"

        /// - Parameter failing: whether the stand-ins do nothing and fail; nil for a PATH without any program.
        ///   - cut: the call of a program at which the script ends, as if the power had failed.
        ///   - unflushed: whether nothing can be flushed to the card.
        func run(
            failing: Bool? = false, installing: Bool = true, cut: Int? = nil, unflushed: Bool = false
        ) throws -> OutsideTool.Result {
            let bin = scratch["bin"].string
            scratch.write("", to: "bin/.keep")
            for name in failing == nil || !installing ? [] : Self.real {
                let path = try #require(
                    ["/usr/bin/", "/bin/"].map { $0 + name }.first(where: FileManager.default.isExecutableFile))
                if let cut {
                    try? FileManager.default.removeItem(atPath: "\(bin)/\(name)")
                    scratch.writeProgram(
                        "\(Self.cutter(scratch.path, at: cut))exec \(path) \"$@\"\n", to: "bin/\(name)")
                } else if !exists("bin/\(name)") {
                    try FileManager.default.createSymbolicLink(atPath: "\(bin)/\(name)", withDestinationPath: path)
                }
            }
            scratch.write("0\n", to: "programs")
            for name in failing == nil || !installing ? [] : Self.standIns {
                let standIn = cut.map { Self.standIn(scratch.path, cutter: Self.cutter(scratch.path, at: $0)) }
                scratch.write(
                    failing == true && name != "sync" ? "#!/bin/sh\nexit 1\n" : standIn ?? Self.standIn(scratch.path),
                    to: "bin/\(name)")
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o755], ofItemAtPath: "\(bin)/\(name)")
            }
            if unflushed { scratch.writeProgram("#!/bin/sh\nexit 1\n", to: "bin/sync") }
            return try OutsideTool("env").run([
                "-i", "PATH=\(bin)", "PIFLASH_ROOT=\(scratch["root"].string)", "/bin/bash", "-c",
                "echo $$ >'\(scratch["script"])'; exec /bin/bash '\(scratch["root\(mount)/firstrun.sh"])'",
            ])
        }

        /// The number of programs that the last run with `cut` has called.
        var programs: Int { Int(text("programs").split(separator: "\n").first ?? "") ?? 0 }

        /// The beginning of a stand-in that ends the script at call number `cut`. It is not the stand-in's parent where
        /// the parts of a pipe have a shell each, but its process group is.
        private static func cutter(_ scratch: FilePath, at cut: Int) -> String {
            #"""
            #!/bin/sh
            exec 7>>'\#(scratch)/lock'
            /usr/bin/flock 7
            read -r programs <'\#(scratch)/programs'
            echo "$((programs + 1))" >'\#(scratch)/programs'
            exec 7>&-
            if [ "$((programs + 1))" -ge \#(cut) ]; then
                read -r script <'\#(scratch)/script'
                kill -9 "$script"
                exit 1
            fi

            """#
        }

        private static func standIn(_ scratch: FilePath, cutter: String = "#!/bin/sh\n") -> String {
            cutter + #"""
                PATH=/usr/bin:/bin
                name=${0##*/}
                { printf '%s' "$name"; printf '|%s' "$@"; echo; } >>'\#(scratch)/calls'
                case $name in
                date) [ "$1" = +%s ] && echo 1600000000 ;;
                chpasswd)
                    cat >'\#(scratch)/chpasswd'
                    cut -d: -f2 '\#(scratch)/chpasswd' >'\#(scratch)/hash'
                    ;;
                usermod)
                    case $1 in
                    --login)
                        printf '%s' "$2" >'\#(scratch)/user'
                        mv '\#(scratch)/root/home'/pi '\#(scratch)/root/home'/"$2"
                        ;;
                    --lock) sed -i 's/^!*/!/' '\#(scratch)/hash' ;;
                    esac
                    ;;
                groupmod) printf '%s' "$2" >'\#(scratch)/group' ;;
                id) echo video ;;
                getent)
                    user=$(cat '\#(scratch)/user')
                    case $1:$2 in
                    passwd:1000 | passwd:"$user") echo "$user:x:1000:1000:,,,:/home/$user:/bin/bash" ;;
                    shadow:"$user") echo "$user:$(cat '\#(scratch)/hash'):19000:0:99999:7:::" ;;
                    group:1000) echo "$(cat '\#(scratch)/group'):x:1000:" ;;
                    *) exit 2 ;;
                    esac
                    ;;
                esac
                exit 0

                """#
        }

        func text(_ path: String) -> String { String(decoding: scratch.read(path), as: UTF8.self) }

        func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: scratch[path].string) }

        var calls: [String] { text("calls").split(separator: "\n").map(String.init) }

        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: scratch[path].string)[.posixPermissions] as? Int
        }
    }

    @Test(arguments: columns, [true, false])
    func `firstrun puts every file byte for byte and ends well`(
        _ column: SettingsTable.Column, hasRoot: Bool
    ) async throws {
        let recipe = Sample.nasty(for: column)
        let provision = try await Sample.provision(
            recipe, column, root: .some(hasRoot ? RootTree(column).asRead : nil))
        let node = try Node(provision, column)
        let result = try node.run()
        #expect(result.status == 0)
        #expect(result.errors == "")
        let log = node.text("root\(node.mount)/piflash/firstrun.log")
        #expect(log == "")
        #expect(!node.exists("root\(node.mount)/firstrun.sh"))

        #expect(provision.laidDown.count > recipe.firstBoot.files.count + recipe.firstBoot.run.count)
        for (path, file) in provision.laidDown {
            #expect(node.scratch.read("root\(path)") == file.contents, "\(path)")
            #expect(try node.mode("root\(path)") == Int(file.mode), "\(path)")
        }
        for (index, file) in recipe.firstBoot.files.enumerated() {
            let written = node.scratch.read("root\(file.path.value)")
            #expect(written == Array(Sample.contents[index].utf8), "\(file.path.value)")
        }

        // Its own words are gone from the command line, and nothing else.
        let words = node.text("root\(node.mount)/cmdline.txt").split(separator: " ")
        #expect(node.line.split(separator: " ").filter { !$0.hasPrefix("systemd.") }.count == words.count)
        #expect(!words.contains { $0.hasPrefix("systemd.") })
        #expect(words.joined(separator: " ").hasSuffix("\n"))

        // The account, its password and its keys.
        #expect(node.calls.contains("usermod|--login|pirate|--home|/home/pirate|--move-home|pi"))
        #expect(node.calls.contains("groupmod|--new-name|pirate|pi"))
        #expect(node.calls.contains("usermod|--append|--groups|dialout|pirate"))
        #expect(node.calls.contains("systemctl|enable|ssh.service"))
        #expect(node.calls.contains("date|-s|@\(Sample.flashTime)"))
        #expect(!node.calls.contains { $0.contains("$6$") })
        #expect(node.text("chpasswd").hasPrefix("pirate:$y$"))
        #expect(node.text("chpasswd").hasSuffix("\n"))
        let keys = node.text("root/home/pirate/.ssh/authorized_keys").split(separator: "\n").map(String.init)
        #expect(Set(keys) == Set(Sample.keys.map(\.trimmingBlanks)))
        #expect(try node.mode("root/home/pirate/.ssh/authorized_keys") == 0o600)
        #expect(try node.mode("root/home/pirate/.ssh") == 0o700)
        #expect(node.calls.contains("chown|-R|pirate:|\(node.scratch["root/home/pirate/.ssh"])"))

        #expect(node.text("root/etc/hostname") == "red01\n")
        #expect(node.text("root/etc/hosts") == "127.0.0.1\tlocalhost\n127.0.1.1\tred01\n")
        #expect(node.text("root/etc/timezone") == "Europe/Berlin\n")
        let zone = try FileManager.default.destinationOfSymbolicLink(
            atPath: node.scratch["root/etc/localtime"].string)
        #expect(zone == "/usr/share/zoneinfo/Europe/Berlin")
        #expect(node.text("root/etc/locale.gen") == "# de_DE.UTF-8 UTF-8\nen_GB.UTF-8 UTF-8\n")
        #expect(node.text(node.sshd).hasPrefix("# piflash: the next line is its own\nPasswordAuthentication no\n#"))
    }

    @Test(arguments: columns)
    func `whatever fails, firstrun ends with 0 and is not started again`(_ column: SettingsTable.Column) async throws {
        let provision = try await Sample.provision(Sample.full(for: column), column)
        let failing = try Node(provision, column)
        #expect(try failing.run(failing: true).status == 0)
        #expect(!failing.text("root\(failing.mount)/cmdline.txt").contains("systemd."))
        #expect(!failing.exists("root\(failing.mount)/firstrun.sh"))
        #expect(failing.text("root/etc/hostname") == "red01\n")

        // What cannot be flushed is not on the card: it starts again.
        let lost = try Node(provision, column)
        _ = try lost.run(installing: true, unflushed: true)
        #expect(lost.text("root\(lost.mount)/cmdline.txt") == lost.line)
        #expect(lost.text("root\(lost.mount)/\(FirstRunScript.triesPath)") == "1\n")

        // No program at all: the worst that a system can be. It is started again, but the Pi reboots, and stays on.
        let empty = try Node(provision, column)
        #expect(try empty.run(failing: nil).status == 0)

        // No room for a log.
        let full = try Node(provision, column)
        full.scratch.write("", to: "root\(full.mount)/piflash-file")
        try FileManager.default.removeItem(atPath: full.scratch["root\(full.mount)/piflash"].string)
        full.scratch.write("in the way", to: "root\(full.mount)/piflash")
        #expect(try full.run().status == 0)
        #expect(!full.text("root\(full.mount)/cmdline.txt").contains("systemd."))
        #expect(full.text("root/etc/hostname") == "red01\n")
    }

    @Test(arguments: columns)
    func `firstrun shuts the vendor's login before anything else, and opens it as the user's`(
        _ column: SettingsTable.Column
    ) async throws {
        let node = try Node(try await Sample.provision(Sample.full(for: column), column), column)
        _ = try node.run()
        let changes = node.calls.filter { !$0.hasPrefix("getent|") }
        #expect(changes.first == "usermod|--lock|pi", "\(changes)")
        #expect(node.text("hash").hasPrefix("$y$"))
        // Without a user in the recipe the vendor's is the only way in.
        var recipe = Sample.bare()
        recipe.user = nil
        let bare = try Node(try await Sample.provision(recipe, column), column)
        _ = try bare.run()
        #expect(!bare.calls.contains { $0.hasPrefix("usermod") })
    }

    @Test(arguments: columns)
    func `wherever firstrun is cut short, the next boot runs it again and ends as if nothing had been`(
        _ column: SettingsTable.Column
    ) async throws {
        let provision = try await Sample.provision(Sample.bare(), column)
        let rehearsal = try Node(provision, column)
        _ = try rehearsal.run(cut: .max)
        let calls = rehearsal.programs
        #expect(calls > 40)
        let results = [
            "etc/hostname", "etc/hosts", "etc/ssh/sshd_config", "home/pirate/.profile", "etc/piflash/settings",
        ]
        for cut in stride(from: 1, through: calls, by: 5) {
            let node = try Node(provision, column)
            #expect(try node.run(cut: cut).status != 0, "cut \(cut)")
            // It starts again exactly if its words are still there.
            let line = node.text("root\(node.mount)/cmdline.txt")
            if line.contains("systemd.run=") {
                #expect(line.hasPrefix(node.line.split(separator: "\n")[0]), "cut \(cut)")
                #expect(node.exists("root\(node.mount)/firstrun.sh"), "cut \(cut)")
                #expect(try node.run(cut: .max).status == 0, "cut \(cut)")
            }
            #expect(!node.text("root\(node.mount)/cmdline.txt").contains("systemd."), "cut \(cut)")
            // Otherwise the first-boot program removes what is left.
            if !node.exists("root\(node.mount)/\(FirstRunScript.triesPath)") {
                #expect(!node.exists("root\(node.mount)/firstrun.sh"), "cut \(cut)")
            } else {
                #expect(node.text("root\(node.mount)/\(FirstRunScript.triesPath)") == "through\n", "cut \(cut)")
            }
            for name in results { #expect(node.text("root/\(name)") == rehearsal.text("root/\(name)"), "cut \(cut)") }
            #expect(node.text("user") == "pirate" && node.text("group") == "pirate", "cut \(cut)")
            #expect(node.text("hash") == rehearsal.text("hash"), "cut \(cut)")
        }
    }

    @Test(arguments: columns)
    func `firstrun is given up after three cuts, says so, and leaves no login open`(_ column: SettingsTable.Column)
        async throws
    {
        let provision = try await Sample.provision(Sample.bare(), column)
        let node = try Node(provision, column)
        let tries = "root\(node.mount)/\(FirstRunScript.triesPath)"
        for expected in 1...3 {
            // One of the first programs.
            _ = try node.run(cut: 12)
            #expect(node.text(tries) == "\(expected)\n")
            #expect(node.text("root\(node.mount)/cmdline.txt") == node.line)
        }
        #expect(try node.run(cut: .max).status == 0)
        #expect(!node.text("root\(node.mount)/cmdline.txt").contains("systemd."))
        #expect(node.text("root\(node.mount)/cmdline.txt").hasSuffix("\n"))
        #expect(node.text("hash").hasPrefix("!"))
        let status = try #require(FirstBootStatus(node.text("root\(node.mount)/piflash/status.txt")))
        #expect(status.state == "failed")
        #expect(status.lastError == "it was cut short three times; configure the card again")
        // A card that is configured again starts with three new tries.
        #expect(provision.bootFiles.first { $0.path == FirstRunScript.triesPath }?.contents == Array("0\n".utf8))
    }

    @Test(arguments: columns)
    func `firstrun leaves what it has done before as it is`(_ column: SettingsTable.Column) async throws {
        let provision = try await Sample.provision(Sample.full(for: column), column)
        let node = try Node(provision, column)
        let script = node.scratch.read("root\(node.mount)/firstrun.sh")
        _ = try node.run()
        let edited = ["etc/hosts", "etc/locale.gen", "etc/ssh/sshd_config", "etc/dhcpcd.conf", "etc/hostname"]
        let before = edited.map { node.text("root/\($0)") }
        node.scratch.write(script, to: "root\(node.mount)/firstrun.sh")
        #expect(try node.run(installing: false).status == 0)
        #expect(edited.map { node.text("root/\($0)") } == before)
        #expect(node.text("root\(node.mount)/piflash/firstrun.log") == "")
        #expect(!node.exists("root\(node.mount)/\(FirstRunScript.triesPath)"))
        #expect(node.calls.count { $0.hasPrefix("usermod|--login|") } == 1)
    }

    @Test func `firstrun puts a file in the root directory itself`() async throws {
        var recipe = Sample.bare()
        recipe.firstBoot.files = [.init(path: Sample.at("/top"), content: Sample.secret("x"))]
        let script = try #require(try await Sample.provision(recipe, Sample.bullseye).text("firstrun.sh"))
        let put = try #require(script.firstMatch(of: /put\(\) \{\n(?:    .*\n)+\}\n/)).0
        // On a node, where no other directory stands in front; nothing is done here, since the stand-in fails.
        let program = "root=''\nmkdir() { printf '<%s>' \"$@\"; return 1; }\n\(put)put 644 /top </dev/null\n"
        let result = try OutsideTool("bash").run(["-c", program])
        #expect(result.text == "<-p></>")
    }

    @Test(arguments: columns)
    func `userconf takes the first line`(_ column: SettingsTable.Column) async throws {
        // It is written only if the root partition cannot be.
        #expect(try await Sample.provision(Sample.full(for: column), column).text("userconf.txt") == nil)
        let provision = try await Sample.provision(Sample.full(for: column), column, root: .some(nil))
        let text = try #require(provision.text("userconf.txt"))
        // Its own cuts and patterns (userconf-pi): name and hash at the first colon.
        #expect(text.wholeMatch(of: /[a-z][a-z0-9-]{0,31}:\$y\$j9T\$[.\/A-Za-z0-9]{22}\$[.\/A-Za-z0-9]{43}\n/) != nil)
    }

    @Test(arguments: columns)
    func `every shell and shellcheck accept firstrun`(_ column: SettingsTable.Column) async throws {
        for recipe in [Sample.bare(), Sample.nasty(for: column)] {
            let script = try #require(try await Sample.provision(recipe, column).text("firstrun.sh"))
            #expect(script.hasPrefix("#!/bin/bash\n") && !script.utf8.contains(0x0D))
            let scratch = ScratchDirectory()
            let file = scratch.write(script, to: "firstrun.sh").string
            for shell in [["bash", "-n"], ["dash", "-n"], ["busybox", "sh", "-n"], ["sh", "-n"]] {
                let result = try OutsideTool(shell[0]).run(shell.dropFirst() + [file])
                #expect(result.succeeded && result.errors.isEmpty, "\(shell) \(result.errors)")
            }
            // SC2016: a hash in single quotes looks like variables that do not expand.
            let result = try OutsideTool("shellcheck").run(["--shell=bash", "--norc", "--exclude=SC2016", file])
            #expect(result.succeeded, "\(result.text)")
        }
    }

    @Test(arguments: columns)
    func `systemd makes a unit of the command line that reboots, whatever the script's end`(
        _ column: SettingsTable.Column
    ) async throws {
        let provision = try await Sample.provision(Sample.full(for: column), column)
        let node = try Node(provision, column)
        let unit = try #require(try Self.unit(node.line))
        let lines = unit.split(separator: "\n").map(String.init)
        #expect(lines.contains("ExecStart=\(node.mount)/firstrun.sh"), "\(unit)")
        #expect(lines.contains("SuccessAction=reboot"))
        #expect(lines.contains("FailureAction=reboot"))
        #expect(lines.contains("Type=oneshot"))
        #expect(node.line.contains(" systemd.unit=kernel-command-line.target"))
        // Afterwards there is nothing left to start.
        _ = try node.run()
        #expect(try Self.unit(node.text("root\(node.mount)/cmdline.txt")) == nil)
    }

    /// What systemd-run-generator(8) makes of a kernel command line.
    private static func unit(_ line: String) throws -> String? {
        let generator = "/usr/lib/systemd/system-generators/systemd-run-generator"
        let scratch = ScratchDirectory()
        scratch.write("", to: "out/.keep")
        let out = scratch["out"].string
        let command = line.trimmingCharacters(in: .newlines)
        let result = try OutsideTool("env").run([
            "SYSTEMD_PROC_CMDLINE=\(command)", "SYSTEMD_IN_INITRD=0", "SYSTEMD_LOG_TARGET=console", generator, out, out,
            out,
        ])
        #expect(result.succeeded, "\(result.errors)")
        let file = scratch["out/kernel-command-line.service"].string
        return try? String(contentsOfFile: file, encoding: .utf8)
    }
}
