import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct BatchCommandTests {
    let harness = CommandHarness()

    static func recipe(_ nodes: Int) -> String {
        CommandHarness.recipe.replacing(
            "hostname: red01",
            with: "nodes: \"red[01-0\(nodes)]\"\naddresses: 192.168.50.11/24\nnetwork: { interface: wifi }")
    }

    private func prepare(_ nodes: Int) throws {
        try harness.prepare(recipe: Self.recipe(nodes))
        try FileManager.default.moveItem(
            atPath: harness.scratch["red01.yaml"].string, toPath: harness.scratch["red.yaml"].string)
    }

    private func batch(_ targets: [String], _ more: String...) async -> CommandHarness.Outcome {
        await harness.run(list: ["batch", "red.yaml", "--yes"] + targets.flatMap { ["--device", $0] } + more)
    }

    /// The state of each node, as `plan --json` shows it.
    private func states() async throws -> [String: String] {
        let plan = await harness.run("plan", "--json", "red.yaml")
        #expect(plan.status == 0, "\(plan.errors)")
        let rows = try JSONSerialization.jsonObject(with: Data(plan.output.utf8)) as? [[String: Any]] ?? []
        return Dictionary(uniqueKeysWithValues: rows.map { ($0["node"] as! String, $0["state"] as! String) })
    }

    private func expectCard(_ file: String, is node: String) throws {
        let path = harness.scratch[file]
        #expect(try Mtools(image: path).text(of: "user-data").contains(node))
        #expect(try Mtools(image: path).text(of: "piflash/card.json").contains("\"node\": \"\(node)\""))
        let check = try OutsideTool("sh").run([
            "-c",
            """
            set -e
            sfdisk --dump "$0" | sed -n 's/.*start= *\\([0-9]*\\), size= *\\([0-9]*\\).*/\\1 \\2/p' > "$0.parts"
            set -- $(sed -n 2p "$0.parts")
            dd if="$0" of="$0.root" bs=512 skip="$1" count="$2" status=none
            e2fsck -fn "$0.root"
            rm "$0.root"
            cmp -n 4194304 "$0" "$(dirname "$0")/sample.img"
            """, path.string,
        ])
        #expect(check.succeeded, "\(check.text)\(check.errors)")
    }

    @Test func `eight loop devices become eight nodes at once`() async throws {
        try prepare(8)
        let devices = try (1...8).map { index in
            let file = harness.scratch["disk\(index).bin"]
            let made = try OutsideTool("truncate").run(["-s", "120M", file.string])
            #expect(made.succeeded)
            return try LoopDevice(over: file)
        }
        let outcome = await batch(devices.map(\.path.string))
        #expect(outcome.status == 0, "\(outcome.errors)")
        for index in 1...8 { try expectCard("disk\(index).bin", is: "red0\(index)") }
        #expect(try await states().values.allSatisfy { $0 == "done" })
        let ledger = String(decoding: harness.scratch.read(".piflash/ledger"), as: UTF8.self)
        #expect(!ledger.contains("black pearl"))
        #expect(ledger.contains("\"uuids\":[\"1234-ABCD\""))
        // Put back, they are recognised and left alone, byte for byte.
        let before = harness.scratch.read("disk3.bin")
        let again = await batch([devices[2].path.string])
        #expect(again.status == 0)
        #expect(again.errors.contains("is red03's card, which is done"))
        #expect(harness.scratch.read("disk3.bin") == before)
        withExtendedLifetime(devices) {}
    }

    @Test func `each card gets one node, the others wait for the next run`() async throws {
        try prepare(4)
        let first = await batch(["a.img", "b.img"])
        #expect(first.status == 0)
        #expect(first.errors.contains("left: red03 red04"))
        #expect(try await states() == ["red01": "done", "red02": "done", "red03": "pending", "red04": "pending"])
        let second = await batch(["a.img", "b.img", "c.img", "d.img"])
        #expect(second.status == 0)
        for (file, node) in [("a.img", "red01"), ("b.img", "red02"), ("c.img", "red03"), ("d.img", "red04")] {
            try expectCard(file, is: node)
        }
        let third = await batch(["e.img"])
        #expect(third.errors.contains("all 4 cards of the rack are done"))
        #expect((try? harness.scratch["e.img"].stat()) == nil)
    }

    @Test func `a changed recipe changes only settings, and redo writes the whole card`() async throws {
        try prepare(2)
        #expect(await batch(["a.img", "b.img"]).status == 0)
        // A mark where no file of the card is: writing the image would remove it.
        try mark("a.img")
        try mark("b.img")
        let recipe = String(decoding: harness.scratch.read("red.yaml"), as: UTF8.self)
        harness.scratch.write(recipe.replacing("Café 2", with: "Café 3"), to: "red.yaml")
        #expect(try await states() == ["red01": "stale", "red02": "stale"])
        let redo = await harness.run("redo", "red02", "red.yaml")
        #expect(redo.status == 0, "\(redo.errors)")
        let refreshed = await batch(["b.img", "a.img"])
        #expect(refreshed.status == 0, "\(refreshed.errors)")
        #expect(refreshed.errors.contains("red01: \(harness.scratch["a.img"]) holds its image; new settings"))
        #expect(isMarked("a.img"))
        #expect(!isMarked("b.img"))
        #expect(try await states() == ["red01": "done", "red02": "done"])
        #expect(await batch(["a.img"], "--rewrite").status == 0)
        #expect(!isMarked("a.img"))
        try expectCard("a.img", is: "red01")
    }

    /// Between the partition table and the first partition.
    private static let markOffset: UInt64 = 3 << 20

    private func mark(_ file: String) throws {
        let handle = try #require(FileHandle(forUpdatingAtPath: harness.scratch[file].string))
        try handle.seek(toOffset: Self.markOffset)
        try handle.write(contentsOf: Data("mark".utf8))
        try handle.close()
    }

    private func isMarked(_ file: String) -> Bool {
        Array(harness.scratch.read(file)[Int(Self.markOffset)...].prefix(4)) == Array("mark".utf8)
    }

    @Test func `everything is checked before the first byte`() async throws {
        try prepare(3)
        for (devices, status, text) in [
            (["a.img", "./a.img"], 2, "same card"), (["a.img", "/dev/piflash-test-none"], 3, "there is no device"),
            (["a.img", "sample.img.zip"], 3, "neither a card nor an image file"),
        ] {
            let outcome = await batch(devices)
            #expect(outcome.status == Int32(status), "\(devices): \(outcome.errors)")
            #expect(outcome.errors.contains(text), "\(outcome.errors)")
            #expect((try? harness.scratch["a.img"].stat()) == nil)
        }
        let small = harness.scratch["small.bin"]
        #expect(try OutsideTool("truncate").run(["-s", "32M", small.string]).succeeded)
        let device = try LoopDevice(over: small)
        let tooSmall = await batch([device.path.string])
        #expect(tooSmall.status == 3)
        #expect(tooSmall.errors.contains("too small"))
        let both = await batch(["a.img"], "--reader", "left=/dev/sdb")
        #expect(both.status == 2)
        #expect(both.errors.contains("every card is named already"))
        let nowhere = await harness.run(list: ["batch", "red.yaml", "--yes", "--reader", "left=/dev/piflash-test-none"])
        #expect(nowhere.status == 3)
        #expect(nowhere.errors.contains("there is no block device"))
        let noSecret = await harness.run(
            list: ["batch", "red.yaml", "--yes", "-d", "a.img"], environment: ["HOME": "/"])
        #expect(noSecret.status == 0, "\(noSecret.errors)")
        let recipe = String(decoding: harness.scratch.read("red.yaml"), as: UTF8.self)
        harness.scratch.write(recipe.replacing("!env WIFI", with: "!env NO_SUCH_VARIABLE"), to: "red.yaml")
        let before = harness.scratch.read(".piflash/ledger")
        let missing = await batch(["b.img"])
        #expect(missing.status == 2)
        #expect(missing.errors.contains("NO_SUCH_VARIABLE"))
        #expect((try? harness.scratch["b.img"].stat()) == nil)
        #expect(harness.scratch.read(".piflash/ledger") == before)
        // No secret is read to plan.
        #expect(await harness.run("plan", "red.yaml").status == 0)
        withExtendedLifetime(device) {}
    }

    @Test func `a card that is too small fails alone among others`() async throws {
        try prepare(2)
        let small = harness.scratch["small.bin"]
        #expect(try OutsideTool("truncate").run(["-s", "32M", small.string]).succeeded)
        let device = try LoopDevice(over: small)
        let outcome = await batch([device.path.string, "b.img"])
        #expect(outcome.status == 4, "\(outcome.errors)")
        #expect(outcome.errors.contains("too small"))
        try expectCard("b.img", is: "red02")
        #expect(harness.scratch.read("small.bin").holdsOnly(0))
        #expect(try await states() == ["red01": "failed", "red02": "done"])
        withExtendedLifetime(device) {}
    }

    @Test func `one question lists every card, and no means nothing`() async throws {
        try prepare(2)
        let outcome = await harness.run(list: ["batch", "red.yaml", "-d", "a.img", "-d", "b.img"], answers: ["no"])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("write these 2 cards? [yes/no]"))
        for text in ["a.img", "b.img", "red01", "red02"] { #expect(outcome.errors.contains(text)) }
        #expect((try? harness.scratch["a.img"].stat()) == nil)
        #expect(try await states() == ["red01": "pending", "red02": "pending"])
    }

    @Test func `after kill -9 the next run does only what is left`() async throws {
        try prepare(8)
        let piflash = try BuiltProgram.path()
        let files = (1...8).map { "card\($0).img" }
        let result = try OutsideTool("sh").run(
            [
                "-c",
                """
                cd "$1" && shift
                "$0" batch red.yaml --yes --json "$@" > events 2> errors & pid=$!
                while ! grep -q '"phase":"writing"' events; do kill -0 $pid || exit 9; done
                kill -9 $pid
                wait $pid
                """, piflash.string, harness.scratch.path.string,
            ] + files.flatMap { ["--device", $0] },
            environment: [
                "HOME": harness.scratch.path.string, "XDG_CACHE_HOME": harness.scratch["cache"].string,
                "PI_PASSWORD": "black pearl", "WIFI": "correct horse battery",
            ])
        #expect(
            result.status == 137, "\(String(decoding: harness.scratch.read("errors"), as: UTF8.self)) \(result.errors)")
        let after = try await states()
        let left = after.filter { $0.value == "pending" }.map(\.key).sorted()
        #expect(!left.isEmpty)
        let finished = files.filter { (try? harness.scratch[$0].stat()) != nil }
        let times = try Dictionary(
            uniqueKeysWithValues: finished.map { ($0, try harness.scratch[$0].stat().inode) })
        let outcome = await batch(files)
        #expect(outcome.status == 0, "\(outcome.errors)")
        for (index, file) in files.enumerated() { try expectCard(file, is: "red0\(index + 1)") }
        #expect(try await states().values.allSatisfy { $0 == "done" })
        // A finished card is still the same file.
        for (file, inode) in times { #expect(try harness.scratch[file].stat().inode == inode) }
    }

    @Test func `one bad card is exit code 4, its node stays, and the events report it`() async throws {
        try prepare(2)
        let place = harness.scratch["gone"].string
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        // As a disk that is removed: it was there when it was checked.
        let outcome = await harness.run(
            list: ["batch", "red.yaml", "--yes", "--json", "-d", "a.img", "-d", "gone/b.img"],
            isCancelled: {
                try? FileManager.default.removeItem(atPath: place)
                return false
            })
        #expect(outcome.status == 4, "\(outcome.errors)")
        #expect(outcome.errors.contains("1 of 2 cards failed: red02"))
        #expect(try await states() == ["red01": "done", "red02": "failed"])
        try expectCard("a.img", is: "red01")
        let events = try outcome.output.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        let cards = events.filter { ($0["event"] as? String)?.hasPrefix("card-") == true }
        for event in cards { #expect(event["device"] is String && event["node"] is String) }
        func names(_ event: String) -> [String] {
            events.filter { $0["event"] as? String == event }.compactMap { $0["node"] as? String }
        }
        #expect(names("card-done") == ["red01"])
        #expect(names("card-failed") == ["red02"])
        #expect(Set(names("progress")).contains("red01"))
        #expect(events.dropLast().last?["event"] as? String == "batch-done")
        #expect(events.dropLast().last?["left_nodes"] as? String == "red02")
        #expect(events.last?["exit"] as? Int == 4)
        // The queue gives it to the next card.
        #expect(await batch(["a.img", "c.img"]).status == 0)
        try expectCard("c.img", is: "red02")
    }

    @Test func `a stopped batch says what each card is and how to continue`() async throws {
        try prepare(2)
        let isStopped = Atomic(false)
        let parts = ["a", "b"].map { harness.scratch[".\($0).img.piflash-part"] }
        let outcome = await harness.run(
            list: ["batch", "red.yaml", "--yes", "-d", "a.img", "-d", "b.img"],
            // As soon as a card is begun.
            isCancelled: {
                if parts.contains(where: { (try? $0.stat()) != nil }) { isStopped.store(true, ordering: .relaxed) }
                return isStopped.load(ordering: .relaxed)
            })
        #expect(outcome.status == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("it goes on with red01 red02"), "\(outcome.errors)")
        for node in ["red01", "red02"] { #expect(outcome.errors.contains("\(node): stopped; "), "\(outcome.errors)") }
        #expect((try? harness.scratch["a.img"].stat()) == nil)
        #expect(try await states() == ["red01": "pending", "red02": "pending"])
        #expect(await batch(["a.img", "b.img"]).status == 0)
    }

    @Test func `the plan of a rack is a table`() async throws {
        try prepare(2)
        #expect(await batch(["a.img"]).status == 0)
        let plan = await harness.run("plan", "red.yaml")
        #expect(
            plan.output == """
                NODE   ROLE    ADDRESS           IMAGE           FLAVOUR             DONE                 LEFT
                red01  worker  192.168.50.11/24  sample.img.zip  hypriot-cloud-init  verified 2026-02-02  nothing
                red02  worker  192.168.50.12/24  sample.img.zip  hypriot-cloud-init  -                    write

                """)
        #expect(plan.errors.hasSuffix("2 cards: 1 pending, 1 done\n"))
    }

    @Test func `redo of a node that is not there proposes one`() async throws {
        try prepare(2)
        let outcome = await harness.run("redo", "red1", "red.yaml")
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("did you mean \"red0"))
    }
}
