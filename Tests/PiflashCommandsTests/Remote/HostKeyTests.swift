import Foundation
import Host
import Racks
import SystemPackage
import TestSupport
import Testing

/// Unknown and changed host keys, with a real sshd: what the messages advise must work.
@Suite struct HostKeyTests {
    /// The commands in a hint, in their order.
    private func commands(_ text: String) -> [String] { text.matches(of: /`([^`]+)`/).map { String($0.1) } }

    private func hint(_ outcome: CommandHarness.Outcome) throws -> String {
        try #require(
            outcome.errors.split(separator: "\n").first { $0.hasPrefix("  hint: ") }.map(String.init),
            "\(outcome.errors)")
    }

    private func shell(_ line: String) throws -> OutsideTool.Result { try OutsideTool("sh").run(["-c", line]) }

    /// Runs the login of a hint as a person who answers "yes".
    private func login(_ command: String) throws -> OutsideTool.Result {
        #expect(command.hasPrefix("ssh "))
        return try shell(
            "ssh -o StrictHostKeyChecking=accept-new -o BatchMode=yes\(command.dropFirst(3)) true </dev/null")
    }

    /// Notes in the rack's ledger that a card was written.
    private func write(_ results: [(String, LedgerEntry.Result, Int64)], to rack: NodeRack) throws {
        let ledger = try LedgerWriter(RackState(besideRecipe: rack.scratch["rack/red01.yaml"]))
        for (node, result, time) in results { try ledger.append(LedgerEntry(node: node, result: result, time: time)) }
    }

    @Test(arguments: [false, true])
    func `the advice for a changed key removes it, and the new one can be accepted`(_ isHashed: Bool) async throws {
        let rack = try NodeRack(["red01", "red02"])
        defer { rack.stop() }
        rack.trust("red01", key: "key.pub")
        if isHashed {
            #expect(try shell("ssh-keygen -q -H -f \(rack.scratch["known_hosts"]) 2>/dev/null").succeeded)
        }
        let outcome = await rack.run("run", then: ["--", "true"])
        #expect(outcome.status == 4)
        #expect(
            outcome.errors.contains(
                "red01: failed: the host key of red01 (\(rack.address("red01"))) has changed: a new card brings new keys, "
                    + "and so do changed settings with cloud-init; otherwise another machine answers\n"),
            "\(outcome.errors)")
        let advice = commands(try hint(outcome))
        try #require(advice.count == 2, "\(advice)")
        let port = rack.options.first { $0.hasPrefix("Port=") }?.dropFirst(5) ?? ""
        #expect(
            advice[0] == "ssh-keygen -f \(rack.scratch["known_hosts"]) -R '[\(rack.address("red01"))]:\(port)'")
        #expect(try !login(advice[1]).succeeded)
        #expect(await rack.run("run", "--accept-new", recipes: ["rack/red01.yaml"], then: ["--", "true"]).status == 1)
        #expect(try shell(advice[0]).succeeded)
        let unknown = await rack.run("run", recipes: ["rack/red01.yaml"], then: ["--", "true"])
        #expect(unknown.errors.contains("the host key of red01 (\(rack.address("red01"))) is not known\n"))
        #expect(commands(try hint(unknown)) == [advice[1]])
        let entered = try login(advice[1])
        #expect(entered.succeeded, "\(entered.errors)")
        #expect(await rack.run("run", then: ["--", "true"]).status == 0)
    }

    @Test func `a card that piflash wrote is given as the reason`() async throws {
        let rack = try NodeRack(["red01", "red02"])
        defer { rack.stop() }
        try write(
            [
                ("red01", .verified, 1_760_000_000), ("red01", .begun, 1_769_990_000),
                ("red01", .verified, 1_769_991_000), ("red01", .configured, 1_769_992_000),
                ("red02", .begun, 1_769_993_000), ("red02", .failed, 1_769_994_000),
            ], to: rack)
        rack.trust("red01", key: "key.pub")
        rack.forget("red02")
        let text = await rack.run("status")
        #expect(text.status == 1)
        let card = "piflash wrote its card at 2026-02-02T00:10:00Z, and a new card has new keys"
        #expect(text.output.contains("the host key of red01 (\(rack.address("red01"))) has changed: \(card)\n"))
        #expect(text.output.hasSuffix("the host key of red02 (\(rack.address("red02"))) is not known\n"))
        #expect(text.errors.contains("red01: remove the old key with `ssh-keygen -f "), "\(text.errors)")
        #expect(text.errors.contains("red02: compare its fingerprint and accept it with `ssh -o "), "\(text.errors)")
        rack.forget("red01")
        let daemon = await rack.run("daemon", "--apply", "--json", recipes: ["rack/red01.yaml"])
        #expect(daemon.output.contains("is not known: \(card)\""), "\(daemon.output)")
        #expect(daemon.output.contains("\"hint\":\"compare its fingerprint and accept it with `ssh -o "))
        // A damaged ledger does not hide the failure.
        rack.scratch.write("nonsense\n", to: "rack/.piflash/ledger")
        let damaged = await rack.run("run", recipes: ["rack/red01.yaml"], then: ["--", "true"])
        #expect(damaged.errors.contains("is not known\n"), "\(damaged.errors)")
    }

    @Test func `an alias and a second file are named as ssh uses them`() async throws {
        let rack = try NodeRack(["red01"])
        defer { rack.stop() }
        let key = rack.text(of: "key.pub").split(separator: " ").prefix(2).joined(separator: " ")
        let other = rack.scratch.write("the-alias \(key)\n", to: "other hosts; x").string
        let outcome = await rack.harness.run(
            list: [
                "run", "--user", "root", "--identity", rack.scratch["key"].string, "--ssh-option",
                rack.options.first { $0.hasPrefix("Port=") } ?? "", "--ssh-option", "HostKeyAlias=the-alias",
                "--ssh-option", "UserKnownHostsFile=\(rack.scratch["known_hosts"])", "--ssh-option",
                "GlobalKnownHostsFile=\"\(other)\"", "rack", "--", "true",
            ], environment: ["PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": rack.scratch.path.string])
        #expect(outcome.errors.contains("has changed"), "\(outcome.errors)")
        let advice = commands(try hint(outcome))
        // ssh prints paths with blanks unquoted: such a file cannot be told, so the first file is named.
        #expect(advice.first == "ssh-keygen -f \(rack.scratch["known_hosts"]) -R the-alias", "\(outcome.errors)")
        let global = rack.scratch.write("the-alias \(key)\n", to: "global").string
        let second = await rack.run(
            "run", "--ssh-option", "HostKeyAlias=the-alias", "--ssh-option", "GlobalKnownHostsFile=\(global)",
            then: ["--", "true"])
        #expect(second.errors.contains("has changed"), "\(second.errors)")
        #expect(commands(try hint(second)).first == "sudo ssh-keygen -f \(global) -R the-alias", "\(second.errors)")
    }

    @Test func `a revoked key is named as such, and the refusal of a jump host's key is not the node's`() async throws {
        let rack = try NodeRack(["red01", "jump"])
        defer { rack.stop() }
        let port = rack.options.first { $0.hasPrefix("Port=") }?.dropFirst(5) ?? ""
        let proxy =
            "ProxyCommand=ssh -o BatchMode=yes -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null "
            + "-i \(rack.scratch["key"]) -l root -p \(port) -W %h:%p \(rack.address("jump"))"
        let outcome = await rack.run("run", "--ssh-option", proxy, recipes: ["rack/red01.yaml"], then: ["--", "true"])
        #expect(outcome.status == 1)
        #expect(!outcome.errors.contains("host key"), "\(outcome.errors)")
        // The same by hand shows what the matter is.
        let command = try #require(commands(try hint(outcome)).first)
        let byHand = try shell("\(command) true </dev/null")
        #expect(byHand.errors.contains("Host key verification failed"), "\(byHand.errors)")
        let key = rack.text(of: "host.pub").split(separator: " ").prefix(2).joined(separator: " ")
        rack.scratch.write("@revoked [\(rack.address("red01"))]:\(port) \(key)\n", to: "known_hosts")
        let revoked = await rack.run("run", recipes: ["rack/red01.yaml"], then: ["--", "true"])
        #expect(revoked.errors.contains("the host key of red01 (\(rack.address("red01"))) is revoked\n"))
        #expect(try hint(revoked).contains("@revoked"))
    }
}
