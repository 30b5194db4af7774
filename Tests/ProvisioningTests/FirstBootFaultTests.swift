import Foundation
import SystemPackage
import Testing
import TestSupport

@testable import Provisioning

/// The first-boot program where a command of the node fails, each once: a full or worn-out card. The next boot finishes
/// what is left, and no secret lies open meanwhile.
@Suite struct FirstBootFaultTests {
    /// What the program changes files with.
    private static let commands = ["mv", "rm", "dd", "sync", "chmod", "mkdir", "cat", "tr"]

    /// Puts stand-ins in front of the rig's commands: each notes the files that hold the token, with their modes, and
    /// the call with the number in `fails` ends with an error.
    private static func watch(_ rig: NodeRig, secret: String? = nil) throws {
        let look =
            secret.map {
                "/bin/grep -rl '\($0)' \"$RIG/root\" 2>/dev/null | /usr/bin/xargs -r /usr/bin/stat -c '%a %n' >>\"$RIG/modes\" 2>/dev/null"
            } ?? ""
        for command in commands {
            let real = try #require(
                ["/usr/bin/\(command)", "/bin/\(command)"].first(where: FileManager.default.fileExists))
            rig.install(
                command,
                """
                # The parts of a pipe run at the same time.
                exec 8>>"$RIG/lock"
                /usr/bin/flock 8
                n=$(/bin/cat "$RIG/calls" 2>/dev/null || echo 0)
                echo $((n + 1)) >"$RIG/calls"
                exec 8>&-
                \(look)
                if [ "$n" = "$(/bin/cat "$RIG/fails" 2>/dev/null)" ]; then
                    echo "\(command): No space left on device" >&2
                    exit 1
                fi
                exec \(real) "$@"
                """)
        }
    }

    private static func settings() -> FirstBootSettings {
        .sample(daemon: "{}\n", commands: ["echo hello >\"$RIG/hello\""])
    }

    @Test(arguments: NodeRig.Shell.allCases)
    func `the join token is in no file that others can read, but on the card's own partition`(
        _ shell: NodeRig.Shell
    ) throws {
        let rig = try NodeRig(Self.settings())
        rig.configure(Self.settings(), token: Sample.token)
        try Self.watch(rig, secret: Sample.token)
        let result = try OutsideTool("sh").run(
            ["-c", "umask 0; exec \"$@\"", "sh", "env", "PATH=\(rig.path)"] + shell.command
                + [rig.scratch["root\(FirstBootProgram.path)"].string], environment: rig.environment)
        #expect(result.succeeded, "\(result.errors)")
        let seen = rig.text("modes").split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1) }
        // FAT has no modes.
        let open = seen.filter { !$0[1].hasSuffix("/boot/piflash/join-token") }
        #expect(!open.isEmpty && open.count < seen.count)
        for file in open { #expect(file[0].hasSuffix("00"), "\(file[1]) has mode \(file[0])") }
        let state = try rig.scratch["root/var/lib/piflash"].stat().permissions.rawValue
        #expect(state & 0o077 == 0)
    }

    @Test func `a stamp is on the card before it has its name, and its name is before anything builds on it`() throws {
        let rig = try NodeRig(Self.settings())
        rig.configure(Self.settings(), token: Sample.token)
        for command in ["mv", "sync"] {
            rig.install(command, "echo \"\(command) $*\" >>\"$RIG/order\"; exec /usr/bin/\(command) \"$@\"")
        }
        #expect(try rig.run(.dash).succeeded)
        let state = rig.scratch["root/var/lib/piflash"].string
        let order = rig.text("order").split(separator: "\n").map(String.init)
        let renames = order.indices.filter { order[$0].hasPrefix("mv -f \(state)/") }
        #expect(renames.count >= 5, "\(order)")
        for index in renames {
            let names = order[index].split(separator: " ").suffix(2).map(String.init)
            try #require(index > 0 && index + 1 < order.count)
            #expect(order[index - 1] == "sync -f \(names[0])")
            #expect(order[index + 1] == "sync -f \(names[1])")
        }
        // The card's status, too.
        let status = try #require(order.lastIndex { $0.hasPrefix("mv -f") && $0.hasSuffix("/status.txt") })
        #expect(order[status - 1].hasPrefix("sync -f ") && order[status + 1].hasPrefix("sync -f "))
    }

    @Test func `whichever command fails, the next boot finishes, and the token is lost nowhere`() throws {
        let rehearsal = try NodeRig(Self.settings())
        rehearsal.configure(Self.settings(), token: Sample.token)
        try Self.watch(rehearsal)
        #expect(try rehearsal.run(.dash).succeeded)
        let calls = try #require(Int(rehearsal.text("calls").split(separator: "\n")[0]))
        #expect(calls > 20)
        for number in 0..<calls {
            let rig = try NodeRig(Self.settings())
            rig.configure(Self.settings(), token: Sample.token)
            try Self.watch(rig)
            rig.scratch.write("\(number)\n", to: "fails")
            _ = try rig.run(.dash)
            rig.scratch.write("none\n", to: "fails")
            let again = try rig.run(.dash)
            #expect(again.succeeded, "call \(number): \(again.errors)")
            #expect(rig.status["state"] == "done", "call \(number): \(rig.status)")
            #expect(rig.text("request").contains(Sample.token), "call \(number): it has not joined")
            #expect(rig.text("hello") == "hello\n", "call \(number)")
            let left = try OutsideTool("grep").run(["-rl", Sample.token, rig.scratch["root"].string])
            #expect(left.text.isEmpty, "call \(number): \(left.text)")
        }
    }
}
