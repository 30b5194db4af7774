import Racks
import Foundation
import Host
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// What `write` and `configure` leave in the ledger, and what changed secrets mean to a batch.
@Suite struct SingleCardLedgerTests {
    let harness = CommandHarness()
    var state: RackState {
        RackState(besideRecipe: harness.scratch["red.yaml"])
    }

    private func prepare(_ nodes: Int = 2) throws {
        try harness.prepare(recipe: BatchCommandTests.recipe(nodes))
        try FileManager.default.moveItem(
            atPath: harness.scratch["red01.yaml"].string, toPath: harness.scratch["red.yaml"].string)
    }

    private func write(_ node: String, to target: String) async -> CommandHarness.Outcome {
        await harness.run("write", "--recipe", "red.yaml", "--node", node, "--yes", target)
    }

    private func batch(_ targets: [String], environment: [String: String] = [:]) async -> CommandHarness.Outcome {
        await harness.run(
            list: ["batch", "red.yaml", "--yes"] + targets.flatMap { ["--device", $0] }, environment: environment)
    }

    private func states() async throws -> [String: String] {
        let plan = await harness.run("plan", "--json", "red.yaml")
        #expect(plan.status == 0, "\(plan.errors)")
        let rows = try JSONSerialization.jsonObject(with: Data(plan.output.utf8)) as? [[String: Any]] ?? []
        return Dictionary(uniqueKeysWithValues: rows.map { ($0["node"] as! String, $0["state"] as! String) })
    }

    private func results() throws -> [LedgerEntry.Result] { try state.ledger().entries.map(\.result) }

    @Test func `a card that was written alone is done for plan and batch`() async throws {
        try prepare()
        let written = await write("red02", to: "a.img")
        #expect(written.status == 0, "\(written.errors)")
        #expect(try results() == [.begun, .written, .verified])
        #expect(try await states() == ["red01": "pending", "red02": "done"])
        let entry = try #require(try state.ledger().last(of: "red02"))
        #expect(entry.device == harness.scratch["a.img"].string)
        #expect(entry.card?.uuids.first == "1234-ABCD")
        // The same entry as a batch makes.
        #expect(await batch(["b.img"]).status == 0)
        let other = try #require(try state.ledger().last(of: "red01"))
        #expect(other.result == .verified)
        #expect(other.image == entry.image && other.recipe != entry.recipe && other.card == entry.card)
        // Nobody sees that both have the same password.
        #expect(other.secrets != nil && entry.secrets != nil && other.secrets != entry.secrets)
        let last = await batch(["a.img", "b.img"])
        #expect(last.errors.contains("all 2 cards of the rack are done"), "\(last.errors)")
    }

    @Test func `configure notes its card, changed or right already`() async throws {
        try prepare()
        #expect(await write("red01", to: "a.img").status == 0)
        let recipe = String(decoding: harness.scratch.read("red.yaml"), as: UTF8.self)
        harness.scratch.write(recipe.replacing("Café 2", with: "Café 3"), to: "red.yaml")
        #expect(try await states()["red01"] == "stale")
        let change = await harness.run("configure", "--recipe", "red.yaml", "--node", "red01", "a.img")
        #expect(change.status == 0, "\(change.errors)")
        #expect(try results().suffix(2) == [.begun, .configured])
        #expect(try await states()["red01"] == "done")
        try FileManager.default.removeItem(atPath: harness.scratch[".piflash/ledger"].string)
        #expect(try await states()["red01"] == "pending")
        let again = await harness.run("configure", "--recipe", "red.yaml", "--node", "red01", "a.img")
        #expect(again.output.contains("nothing to change"))
        #expect(try results() == [.configured])
        #expect(try await states()["red01"] == "done")
        #expect(try state.ledger().last(of: "red01")?.card?.uuids.first == "1234-ABCD")
    }

    /// "configured" says less than "verified": that the card's image was read back.
    @Test func `the ledger keeps what it says of a card that has its settings already`() async throws {
        try prepare()
        #expect(await write("red01", to: "a.img").status == 0)
        let again = await harness.run("configure", "--recipe", "red.yaml", "--node", "red01", "a.img")
        #expect(again.output.contains("nothing to change"), "\(again.errors)")
        #expect(try results() == [.begun, .written, .verified])
        #expect(try await states()["red01"] == "done")
        // Of another card it says nothing.
        try FileManager.default.copyItem(
            atPath: harness.scratch["a.img"].string, toPath: harness.scratch["b.img"].string)
        let other = await harness.run("configure", "--recipe", "red.yaml", "--node", "red01", "b.img")
        #expect(other.status == 0, "\(other.errors)")
        #expect(try results().last == .configured)
    }

    /// Two faults: the write fails when it finishes the card, and the card cannot be cleared then.
    @Test func `a card that could not be cleared after its write failed is written again, not believed`() async throws {
        try prepare()
        #expect(await write("red01", to: "a.img").status == 0)
        let entries = try state.ledger().entries
        try FileManager.default.removeItem(atPath: harness.scratch[".piflash/ledger"].string)
        do {
            let lock = try RackLock(state, since: "now")
            for var entry in entries {
                if entry.result == .verified { entry.result = .failed }
                try lock.ledger.append(entry)
            }
        }
        let again = await batch(["a.img"])
        #expect(again.status == 0, "\(again.errors)")
        #expect(try state.ledger().entries.last { $0.node == "red01" }?.result == .verified)
    }

    @Test func `a card that was stopped, or failed, is not done`() async throws {
        try prepare()
        let part = harness.scratch[".a.img.piflash-part"]
        let stopped = await harness.run(
            list: ["write", "--recipe", "red.yaml", "--node", "red01", "--yes", "a.img"],
            isCancelled: { (try? part.stat()) != nil })
        #expect(stopped.status == 1)
        #expect(try results() == [.begun, .interrupted])
        // The file cannot get its name: there is a directory of that name by then.
        let place = harness.scratch["b.img"].string
        let failed = await harness.run(
            list: ["write", "--recipe", "red.yaml", "--node", "red02", "--yes", "b.img"],
            isCancelled: {
                try? FileManager.default.createDirectory(atPath: place + "/x", withIntermediateDirectories: true)
                return false
            })
        #expect(failed.status == 1, "\(failed.errors)")
        #expect(try results().last == .failed)
        #expect(try state.ledger().last(of: "red02")?.reason != nil)
        #expect(try await states() == ["red01": "pending", "red02": "failed"])
    }

    @Test func `no answer and no refusal leave an entry`() async throws {
        try prepare()
        harness.scratch.write("precious", to: "a.img")
        let no = await harness.run(
            "write", "--recipe", "red.yaml", "--node", "red01", "a.img", answers: ["no"])
        #expect(no.status == 1)
        #expect(await write("red01", to: "/dev/piflash-test-none").status == 3)
        #expect(try results() == [])
    }

    @Test func `while a batch works a single card is written, noted, and warned of`() async throws {
        try prepare()
        let holder = try RackLock(state, since: "this morning")
        let outcome = await write("red02", to: "a.img")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("another piflash works on this rack's cards (process \(getpid()), since this"))
        try holder.ledger.append(LedgerEntry(node: "red01", result: .begun, time: 0))
        #expect(try results() == [.begun, .written, .verified, .begun])
        #expect(try state.ledger().damaged == 0)
        withExtendedLifetime(holder) {}
    }

    @Test func `a ledger that cannot be written is reported once, and the card is written`() async throws {
        try prepare()
        #expect(await write("red01", to: "a.img").status == 0)
        // Root may write anywhere but here.
        let path = harness.scratch[".piflash/ledger"].string
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let outcome = await write("red01", to: "b.img")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count { $0.contains("the ledger does not know") } == 1)
        #expect(harness.scratch.read("a.img") == harness.scratch.read("b.img"))
        // A disk that is full: the ledger is there, and no byte goes into it.
        try FileManager.default.removeItem(atPath: path)
        let directory = harness.scratch[".piflash"].string
        let mounted = try OutsideTool("sh").run([
            "-c",
            "cp -a \"$0\" \"$0.kept\" && mount -t tmpfs -o size=64k,mode=700 full \"$0\" && cp -a \"$0.kept/.\" \"$0\""
                + " && touch \"$0/ledger\" && chmod 600 \"$0/ledger\" && ! cat /dev/zero >\"$0/filling\" 2>/dev/null",
            directory,
        ])
        defer { _ = try? OutsideTool("umount").run([directory]) }
        #expect(mounted.succeeded, "\(mounted.errors)")
        let full = await write("red01", to: "c.img")
        #expect(full.status == 0, "\(full.errors)")
        #expect(full.errors.split(separator: "\n").count { $0.contains("the ledger does not know") } == 1)
    }

    @Test func `a changed secret makes its cards stale for a batch, and gives them new settings only`() async throws {
        try prepare()
        #expect(await batch(["a.img", "b.img"]).status == 0)
        let ledger = String(decoding: harness.scratch.read(".piflash/ledger"), as: UTF8.self)
        for secret in ["black pearl", "correct horse battery"] { #expect(!ledger.contains(secret)) }
        let same = await batch(["a.img", "b.img"])
        #expect(same.errors.contains("all 2 cards of the rack are done"))
        let before = harness.scratch.read("b.img")
        // No secret is read to plan.
        #expect(try await states() == ["red01": "done", "red02": "done"])
        let changed = await batch(["a.img"], environment: ["PI_PASSWORD": "white pearl"])
        #expect(changed.status == 0, "\(changed.errors)")
        #expect(changed.errors.contains("red01: \(harness.scratch["a.img"]) holds its image; new settings"))
        #expect(changed.errors.contains("left: red02"), "\(changed.errors)")
        let rest = await batch(["a.img", "b.img"], environment: ["PI_PASSWORD": "white pearl"])
        #expect(rest.status == 0, "\(rest.errors)")
        #expect(rest.errors.contains("is red01's card, which is done"))
        #expect(harness.scratch.read("b.img") != before)
        let last = await batch(["b.img"], environment: ["PI_PASSWORD": "white pearl"])
        #expect(last.errors.contains("all 2 cards of the rack are done"))
    }

    @Test func `an entry without a digest of secrets, and a secret that is gone, leave a done card done`() async throws
    {
        try prepare(1)
        #expect(await batch(["a.img"]).status == 0)
        let recipe = String(decoding: harness.scratch.read("red.yaml"), as: UTF8.self)
        let gone = await harness.run(
            list: ["batch", "red.yaml", "--yes", "-d", "a.img"], environment: ["PI_PASSWORD": "x"])
        #expect(gone.status == 0)
        #expect(gone.errors.contains("new settings"))
        // As the ledgers of before had them.
        var entry = try #require(try state.ledger().last(of: "red01"))
        entry.secrets = nil
        try RackLock(state, since: "now").ledger.append(entry)
        #expect(await batch(["a.img"]).errors.contains("the only card of the rack is done"))
        #expect(recipe.contains("!env PI_PASSWORD"))
    }

    @Test func `the digest of secrets is one of this rack, of every value and its place`() async throws {
        try prepare(1)
        func digest(_ environment: [String: String]) async throws -> String? {
            #expect(await write("red01", to: "a.img", environment: environment).status == 0)
            return try state.ledger().last(of: "red01")?.secrets
        }
        let first = try #require(try await digest([:]))
        #expect(first.wholeMatch(of: /2:[0-9a-f]{64}/) != nil)
        #expect(try await digest([:]) == first)
        #expect(try await digest(["PI_PASSWORD": "correct horse battery", "WIFI": "black pearl"]) != first)
        #expect(try await digest(["WIFI": "correct horse batterz"]) != first)
        // By an outside program: each value stretched by scrypt, then HMAC under a key that is itself one of the salt key.
        let python = try OutsideTool("/usr/bin/python3").run([
            "-c",
            """
            import hashlib, hmac, sys
            secret = open(sys.argv[1], 'rb').read()
            def mac(purpose, parts):
                key = hmac.new(secret, purpose, 'sha256').digest()
                return hmac.new(key, b''.join(b'%d:%s' % (len(p), p) for p in parts), 'sha256')
            salt = mac(b'piflash ledger secret 2', []).digest()
            def stretched(value):
                return hashlib.scrypt(value, salt=salt, n=1 << 14, r=8, p=1, maxmem=1 << 26, dklen=32)
            values = [value.encode() for value in sys.argv[2:]]
            parts = values[:1] + [stretched(value) for value in values[1:]]
            print('2:' + mac(b'piflash ledger secrets 2', parts).hexdigest(), end='')
            """, harness.scratch[".piflash/salt.key"].string, "red01", "black pearl", CommandHarness.key,
            "correct horse battery", CommandHarness.token,
        ])
        #expect(python.text == first, "\(python.errors)")
        try FileManager.default.removeItem(atPath: harness.scratch[".piflash/salt.key"].string)
        #expect(try await digest([:]) != first)
    }

    private func write(
        _ node: String, to target: String, environment: [String: String]
    ) async -> CommandHarness.Outcome {
        await harness.run(
            "write", "--recipe", "red.yaml", "--node", node, "--yes", target, environment: environment)
    }
}
