import Diagnostics
import Racks
import Foundation
import Host
import SystemPackage
import TestSupport
import Testing

@Suite struct LedgerTests {
    let scratch = ScratchDirectory()
    var state: RackState {
        RackState(besideRecipe: scratch["red.yaml"])
    }
    var file: FilePath { scratch[".piflash/ledger"] }

    static func entry(_ index: Int) -> LedgerEntry {
        let results = LedgerEntry.Result.allCases
        return LedgerEntry(
            node: "red0\(index % 5)", result: results[index % results.count], time: Int64(index), device: "/dev/sdb",
            image: "image", configuration: "configuration",
            card: CardIdentity(cid: "0353445343", size: 1 << 30, uuids: ["1234-ABCD"]),
            reason: index % 3 == 0 ? "a \"quoted\"\nreason, Größe \u{1F0CF}" : nil)
    }

    @Test func `appended entries are read, and only their owner can read the file`() throws {
        let entries = (0..<40).map(Self.entry)
        do {
            let lock = try RackLock(state, since: "now")
            for entry in entries { try lock.ledger.append(entry) }
        }
        let ledger = try state.ledger()
        #expect(ledger.entries == entries)
        #expect(ledger.damaged == 0)
        #expect(ledger.last(of: "red04") == entries.last { $0.node == "red04" })
        #expect(try file.stat().permissions == .ownerReadWrite)
        #expect(try file.removingLastComponent().stat().permissions == .ownerReadWriteExecute)
        // Every line is JSON for other programs, too.
        let lines = try OutsideTool("/usr/bin/python3").run([
            "-c", "import json,sys; print(sum(1 for l in open(sys.argv[1]) if json.loads(l)['entry']['node']))",
            file.string,
        ])
        #expect(lines.text == "40\n", "\(lines.errors)")
    }

    @Test func `a ledger that is cut off anywhere keeps every complete line, and can be continued`() throws {
        do {
            let lock = try RackLock(state, since: "now")
            for index in 0..<4 { try lock.ledger.append(Self.entry(index)) }
        }
        let whole = scratch.read(".piflash/ledger")
        let ends = whole.indices.filter { whole[$0] == 10 }.map { $0 + 1 }
        for cut in 0...whole.count {
            scratch.write(Array(whole[..<cut]), to: ".piflash/ledger")
            let kept = ends.filter { $0 <= cut }.count
            #expect(try state.ledger().entries == (0..<kept).map(Self.entry))
            guard cut % 17 == 0 else { continue }
            try RackLock(state, since: "now").ledger.append(Self.entry(9))
            let ledger = try state.ledger()
            #expect(ledger.entries == (0..<kept).map(Self.entry) + [Self.entry(9)])
            #expect(ledger.damaged == 0)
        }
    }

    @Test func `a line with a damaged byte is never read as an entry`() throws {
        do {
            let lock = try RackLock(state, since: "now")
            for index in 0..<3 { try lock.ledger.append(Self.entry(index)) }
        }
        let whole = scratch.read(".piflash/ledger")
        let entries = (0..<3).map(Self.entry)
        var random = SplitMix64(seed: 7)
        for _ in 0..<400 {
            var bytes = whole
            bytes[Int(random.next() % UInt64(bytes.count))] ^= UInt8(1 << (random.next() % 8))
            scratch.write(bytes, to: ".piflash/ledger")
            let found = try state.ledger().entries
            // A damaged line end joins two lines or ends one early; no entry is found that was not written.
            #expect(found.allSatisfy(entries.contains))
            #expect(found.count >= 1)
        }
    }

    @Test func `a second batch is refused, and the failure names the first`() throws {
        let first = try RackLock(state, since: "this morning")
        let failure = #expect(throws: Failure.self) { try RackLock(state, since: "now") }
        #expect(failure?.code == .ledgerHeld)
        #expect(failure?.message.contains("process \(getpid()), since this morning") == true)
        try first.ledger.append(Self.entry(1))
    }

    @Test func `any interleaving of workers loses no line`() async throws {
        let lock = try RackLock(state, since: "now")
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    for step in 0..<25 {
                        let entry = LedgerEntry(node: "red0\(worker)", result: .begun, time: Int64(step))
                        #expect(throws: Never.self) { try lock.ledger.append(entry) }
                    }
                }
            }
        }
        let ledger = try state.ledger()
        #expect(ledger.entries.count == 200)
        for worker in 0..<8 {
            #expect(ledger.entries.filter { $0.node == "red0\(worker)" }.map(\.time) == (0..<25).map(Int64.init))
        }
    }

    /// Two programs have the ledger open, as a batch and a single card do: no line is lost or incomplete.
    @Test func `appending processes take turns`() async throws {
        let state = state
        try RackLock(state, since: "now").ledger.append(Self.entry(0))
        let line = scratch.read(".piflash/ledger")
        // Another program takes the lock, writes an incomplete line and ends: the next writer waits, and cuts the line off.
        let python = scratch["torn"].string
        async let outside = Task.detached {
            try OutsideTool("/usr/bin/python3").run([
                "-c",
                """
                import fcntl, sys, time
                ledger = open(sys.argv[1], 'ab')
                fcntl.flock(ledger, fcntl.LOCK_EX)
                open(sys.argv[2], 'w').close()
                time.sleep(0.5)
                ledger.write(b'{"sum":"0123'); ledger.flush()
                """, file.string, python,
            ])
        }.value
        while (try? scratch["torn"].stat()) == nil { try await Task.sleep(for: .milliseconds(5)) }
        try await Task.detached { try RackLock(state, since: "now").ledger.append(Self.entry(1)) }.value
        #expect(try await outside.succeeded)
        let ledger = try state.ledger()
        #expect(ledger.entries == [Self.entry(0), Self.entry(1)])
        #expect(ledger.damaged == 0)
        #expect(scratch.read(".piflash/ledger").starts(with: line))
    }

    @Test func `a card is done only while image and configuration are the ones it was made from`() {
        func state(_ result: LedgerEntry.Result?, image: String = "i", configuration: String = "c") -> CardState {
            let entry = result.map { LedgerEntry(node: "n", result: $0, time: 0, image: "i", configuration: "c") }
            return CardState(after: entry, image: image, configuration: configuration)
        }
        #expect(state(nil) == .pending)
        for result in [LedgerEntry.Result.begun, .written, .interrupted, .redo] { #expect(state(result) == .pending) }
        #expect(state(.failed) == .failed)
        for result in [LedgerEntry.Result.verified, .configured] {
            #expect(state(result) == .done)
            #expect(state(result, image: "other") == .stale)
            #expect(state(result, configuration: "other") == .stale)
        }
    }
}
