import Diagnostics
import Planning
import Racks
import Foundation
import Host
import Images
import Recipes
import Storage
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Cards that are written while their image is unpacked.
@Suite struct FirstRunTests {
    let harness = CommandHarness()

    private func prepare(_ packed: String, sha256: String? = nil) throws {
        let checksum = sha256.map { ", sha256: \"\($0)\"" } ?? ""
        try harness.prepare(
            recipe: CommandHarness.recipe.replacing("sample.img.zip }", with: "\(packed)\(checksum) }"))
        guard packed.hasSuffix(".xz") else { return }
        let xz = try OutsideTool("xz").run([
            "-k", "-0", "--block-size=\(packed.contains("blocks") ? 8 << 20 : 1 << 30)",
            harness.scratch["sample.img"].string,
        ])
        #expect(xz.succeeded, "\(xz.errors)")
        guard packed != "sample.img.xz" else { return }
        try FileManager.default.moveItem(
            atPath: harness.scratch["sample.img.xz"].string, toPath: harness.scratch[packed].string)
    }

    private func write(_ target: String, isCancelled: @escaping @Sendable () -> Bool = { false }) async
        -> CommandHarness.Outcome
    {
        await harness.run(
            list: ["write", "--json", "--recipe", "red01.yaml", "--yes", target], isCancelled: isCancelled)
    }

    private var cached: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: harness.scratch["cache/piflash/images"].string)) ?? []
    }

    @Test(arguments: ["sample.img.zip", "blocks.img.xz", "sample.img.xz", "sample.img"])
    func `a first run makes the card that the cache makes`(_ packed: String) async throws {
        try prepare(packed)
        let first = await write("first.img")
        #expect(first.status == 0, "\(first.errors)")
        let second = await write("second.img")
        #expect(!second.output.contains("unpacking"))
        #expect(harness.scratch.read("first.img") == harness.scratch.read("second.img"))
        // The digest that was not known when writing began.
        let digest = try OutsideTool("sha256sum").run([harness.scratch["sample.img"].string]).text.prefix(64)
        #expect(try Mtools(image: harness.scratch["first.img"]).text(of: "piflash/card.json").contains(digest))
        #expect(first.output.contains("\"image_sha256\":\"\(digest)\""))
        let entries = try RackState(besideRecipe: harness.scratch["red01.yaml"]).ledger().entries
        for entry in entries where entry.result != .begun { #expect(entry.image ?? "" == digest) }
        #expect(entries.map(\.result).contains(.verified))
        let lines = first.output.split(separator: "\n")
        let writing = try #require(lines.firstIndex { $0.contains("\"writing\"") })
        #expect(!lines[writing...].contains { $0.contains("unpacking") })
    }

    /// The plan is complete before the image is: it reads only early parts of the image.
    @Test func `a plan waits for what it reads, and the finished image changes only the card's record`() async throws {
        try prepare("sample.img.zip")
        let user = InvokingUser(userID: getuid(), groupID: getgid(), home: harness.scratch.path)
        let cache = ImageCache(
            directories: UserDirectories(user: user, environment: ["XDG_CACHE_HOME": harness.scratch["c"].string]))
        harness.scratch.write("image: { source: sample.img.zip }\nhostname: red01\n", to: "red01.yaml")
        let node = try #require(
            try RecipeLoader(user: user, workingDirectory: harness.scratch.path).loadRack(["red01.yaml"]).nodes.first)
        let planner = CardPlanner(
            cache: cache, secrets: UnreadSecrets(), version: "test", now: { 1_770_000_000 })
        let plan = try await planner.planUnpacking(
            for: node, in: .placeholders(for: node), events: { _ in }, isCancelled: { false })
        defer { plan.image.cancel() }
        _ = try plan.image.finish()
        let later = try await planner.plan(
            for: node, in: .placeholders(for: node), events: { _ in }, isCancelled: { false })
        #expect(later.used == plan.used)
        #expect(later.content.differences(from: plan.content).count <= 4096)
        #expect(later.changedFiles == plan.changedFiles && later.changedRootFiles == plan.changedRootFiles)
    }

    @Test func `damage that shows at the archive's end leaves a card without a partition table`() async throws {
        try prepare("sample.img.zip")
        var archive = harness.scratch.read("sample.img.zip")
        let directory = try #require(archive.indices.last { archive[$0...].starts(with: [0x50, 0x4B, 0x01, 0x02]) })
        archive[directory + 16] ^= 1
        harness.scratch.write(archive, to: "sample.img.zip")
        let loop = try harness.loopDevice(bytes: 128 << 20)
        for target in ["card.img", loop.path.string] {
            let outcome = await write(target)
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("CRC") && outcome.errors.contains("download it again"))
        }
        #expect((try? harness.scratch["card.img"].stat()) == nil)
        #expect(cached == [])
        #expect(!(try OutsideTool("sfdisk").run(["--dump", loop.path.string]).succeeded))
    }

    @Test func `a wrong checksum touches no card`() async throws {
        try prepare("sample.img.zip", sha256: String(repeating: "0", count: 64))
        harness.scratch.write("precious", to: "card.img")
        let loop = try harness.loopDevice(bytes: 128 << 20)
        let before = try OutsideTool("sha256sum").run([loop.path.string]).text
        for target in ["card.img", loop.path.string] {
            let outcome = await write(target)
            #expect(outcome.status != 0)
            #expect(outcome.errors.contains("SHA-256"))
        }
        #expect(harness.scratch.read("card.img") == Array("precious".utf8))
        #expect(try OutsideTool("sha256sum").run([loop.path.string]).text == before)
        #expect(cached == [])
    }

    @Test(arguments: ["sample.img.zip", "blocks.img.xz"])
    func `stopped at any moment, neither half a card nor half an image is left`(_ packed: String) async throws {
        try prepare(packed)
        var random = SplitMix64(seed: 12)
        for round in 0..<10 {
            let asked = Atomic(0)
            let limit = round == 0 ? 1 : Int.random(in: 1...400, using: &random)
            let outcome = await harness.run(
                list: ["write", "--recipe", "red01.yaml", "--yes", "card.img"],
                isCancelled: { asked.add(1, ordering: .relaxed).newValue > limit })
            #expect(cached.allSatisfy { !$0.hasSuffix(".part") }, "round \(round)")
            let isThere = (try? harness.scratch["card.img"].stat()) != nil
            #expect(isThere == (outcome.status == 0), "round \(round): \(outcome.errors)")
            try? FileManager.default.removeItem(atPath: harness.scratch["card.img"].string)
            try? FileManager.default.removeItem(atPath: harness.scratch["cache"].string)
        }
    }

    @Test func `if the user says no, there is no card and no partial image`() async throws {
        try prepare("sample.img.zip")
        harness.scratch.write("precious", to: "card.img")
        let outcome = await harness.run("write", "--recipe", "red01.yaml", "card.img", answers: ["no"])
        #expect(outcome.status == 1)
        #expect(harness.scratch.read("card.img") == Array("precious".utf8))
        #expect(cached.allSatisfy { !$0.hasSuffix(".part") })
    }
}
