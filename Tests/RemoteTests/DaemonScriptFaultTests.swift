import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Remote

/// The numbered steps with which a node's Docker gets another configuration, each command of the node failing once.
@Suite struct DaemonScriptFaultTests {
    private static let old = "{ \"debug\": false }\n"
    private static let new = "{ \"debug\": true }\n"
    private static let target = "root/etc/docker/daemon.json"
    private static let commands = ["cp", "mv", "rm", "chmod", "mkdir", "sync", "systemctl"]

    /// A node in a directory, whose commands are stand-ins in front of the real ones.
    private struct Node {
        let scratch = ScratchDirectory()

        /// - Parameter isPrivate: Whether the new configuration holds a login.
        init(old: String?, isPrivate: Bool = false, starts: Bool = true) throws {
            if let old { scratch.write(old, to: target) }
            scratch.write("", to: "root/run/systemd/system/.keep")
            for command in commands where command != "systemctl" {
                let real = try OutsideTool.path(of: command)
                install(command, "exec \(real) \"$@\"")
            }
            install("systemctl", starts ? "exit 0" : "! /bin/grep -q true \"$RIG/\(target)\"")
            install("docker", starts ? "exit 0" : "! /bin/grep -q true \"$RIG/\(target)\"")
            install("dockerd", "exit 0")
            install("journalctl", "echo 'dockerd says why'")
            let sum = old == nil ? "none" : "\"$(cksum <\"$RIG/\(target)\" | tr ' ' -)\""
            scratch.write(
                """
                NAME=daemon.json FILE=/etc/docker/daemon.json NEW='\(new)' WRITTEN='\(new)' SUM=\(sum) PROXIES=''
                PRIVATE=\(isPrivate ? 1 : 0) HOSTS=0 RESTART=1 MANAGER=0 WAIT=1

                """ + DaemonChange.program, to: "script")
        }

        private func install(_ name: String, _ body: String) {
            scratch.writeProgram(
                """
                #!/bin/sh
                echo "\(name) $*" >>"$RIG/calls"
                n=$(/usr/bin/wc -l <"$RIG/calls")
                if [ "$n" = "$(/bin/cat "$RIG/fails" 2>/dev/null)" ]; then exit 1; fi
                \(body)
                """, to: "bin/\(name)")
        }

        func run(umask: String = "022") throws -> OutsideTool.Result {
            try OutsideTool("sh").run(
                ["-c", "umask \(umask); exec sh \"$0\"", scratch["script"].string],
                environment: [
                    "PATH": "\(scratch["bin"]):/usr/bin:/bin", "PIFLASH_ROOT": scratch["root"].string,
                    "PIFLASH_TICK": "0", "RIG": scratch.path.string,
                ])
        }

        var configuration: String? {
            FileManager.default.fileExists(atPath: scratch[target].string)
                ? String(decoding: scratch.read(target), as: UTF8.self) : nil
        }

        func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: scratch[name].string) }
    }

    private static func answer(_ result: OutsideTool.Result) -> String {
        result.text.split(separator: "\n").first { $0.hasPrefix("result ") }.map { String($0.dropFirst(7)) } ?? ""
    }

    @Test(arguments: [old, nil], [true, false])
    func `whichever command fails, the file is the old one or the new one, and the answer is true`(
        _ old: String?, _ starts: Bool
    ) throws {
        let rehearsal = try Node(old: old, starts: starts)
        #expect(Self.answer(try rehearsal.run()) == (starts ? "changed-and-running" : "rolled-back"))
        #expect(rehearsal.configuration == (starts ? Self.new : old))
        let calls = String(decoding: rehearsal.scratch.read("calls"), as: UTF8.self).split(separator: "\n").count
        #expect(calls >= 10)
        for number in 1...max(1, calls) {
            let node = try Node(old: old, starts: starts)
            node.scratch.write("\(number)\n", to: "fails")
            let result = try node.run()
            let answer = Self.answer(result)
            let found = node.configuration
            #expect(found == old || found == Self.new, "call \(number): \(found ?? "nothing")")
            switch answer {
            case "changed-and-running": #expect(found == Self.new, "call \(number)")
            case "rolled-back", "invalid", "unwritable", "busy", "changed": #expect(found == old, "call \(number)")
            // Docker itself did not answer: a person has to look, and the old file is in its place.
            case "down": #expect(found == old, "call \(number)")
            default: Issue.record("call \(number): \(answer), \(result.errors)")
            }
            #expect(!node.has("\(Self.target).piflash-new"), "call \(number): \(answer)")
        }
    }

    @Test(arguments: [old, nil])
    func `a configuration with a login is for root alone, and was at no moment for others`(_ old: String?) throws {
        let node = try Node(old: old, isPrivate: true)
        #expect(Self.answer(try node.run(umask: "0")) == "changed-and-running")
        #expect(try node.scratch[Self.target].stat().permissions.rawValue == 0o600)
        let state = try node.scratch["root/var/lib/piflash"].stat().permissions.rawValue
        #expect(state & 0o077 == 0)
    }

    @Test func `a configuration without one keeps the mode that it had`() throws {
        let node = try Node(old: Self.old)
        #expect(Self.answer(try node.run()) == "changed-and-running")
        #expect(try node.scratch[Self.target].stat().permissions.rawValue == 0o644)
    }
}
