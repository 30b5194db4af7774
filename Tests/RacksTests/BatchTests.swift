import Cards
import Diagnostics
import Planning
import Racks
import Foundation
import Host
import Images
import Recipes
import Storage
import SystemPackage
import Synchronization
import TestSupport
import Testing

@Suite struct BatchTests {
    let scratch = ScratchDirectory()
    var user: InvokingUser { InvokingUser(userID: getuid(), groupID: getgid(), home: scratch.path) }
    var planner: CardPlanner {
        CardPlanner(
            cache: ImageCache(
                directories: UserDirectories(user: user, environment: ["XDG_CACHE_HOME": scratch["c"].string])),
            secrets: UnreadSecrets(), version: "test", now: { 1_770_000_000 })
    }

    private func rack() async throws -> RackPlan {
        let nodes = try RecipeLoader(user: user, workingDirectory: scratch.path).loadRack(["red.yaml"]).nodes
        return try await planner.rack(nodes, events: { _ in }, isCancelled: { false })
    }

    private func prepare(_ nodes: String) throws {
        try SampleImage.hypriot.make(at: scratch["sample.img"])
        scratch.write("image: { source: sample.img }\nnodes: \(nodes)\naddresses: 192.168.50.11/24\n", to: "red.yaml")
    }

    private func targets(_ count: Int) -> [ChosenTarget] {
        (1...count).map { .file(scratch["\($0).img"], exists: false) }
    }

    @Test func `bad cards do not stop the others, and the ledger has the result of each`() async throws {
        try prepare("\"red[01-06]\"")
        let rack = try await rack()
        let size = Int(rack.cards[0].image.size)
        // In the boot partition's first sector: in use, and behind the first block, which goes last.
        let flipped: Int64 = 4 << 20 | 20
        let disks: [String: FakeDisk] = [
            "1.img": FakeDisk([UInt8](repeating: 1, count: size)),
            "2.img": FakeDisk([UInt8](repeating: 2, count: size), faults: [.fails(at: 12, .ioError)]),
            "3.img": FakeDisk([UInt8](repeating: 3, count: size), faults: [.vanishes(at: 15)]),
            "4.img": FakeDisk([UInt8](repeating: 4, count: size), faults: [.flips(byte: flipped)]),
            "5.img": FakeDisk([UInt8](repeating: 5, count: size / 2)),
            "6.img": FakeDisk([UInt8](repeating: 6, count: size + 4096)),
        ]
        let batch = try Batch(rack.cards.map(\.node), planner: planner, since: "now") { target, _ in
            disks[target.path.lastComponent!.string]!
        }
        let outcomes = await batch.run(
            BatchPlan(rack, on: targets(6), rewrites: false), events: { _ in }, isCancelled: { false })
        let byNode = Dictionary(uniqueKeysWithValues: outcomes.map { ($0.node, $0.failure) })
        #expect(outcomes.contains { $0.node == "red01" && $0.failure == nil })
        #expect(outcomes.contains { $0.node == "red06" && $0.failure == nil })
        #expect(byNode["red02"]??.cause as? Errno == .ioError)
        #expect(byNode["red03"]??.code == .cardRemoved)
        #expect(byNode["red04"]??.code == .verifyMismatch)
        #expect(byNode["red05"]??.code == .tooSmall)
        for (name, node) in [("1.img", "red01"), ("6.img", "red06")] {
            let disk = try #require(disks[name])
            #expect(disk.violations == [])
            #expect(disk.isFinalized)
            scratch.write(Array(disk.medium[..<size]), to: name)
            #expect(try Mtools(image: scratch[name]).text(of: "user-data").contains(node))
        }
        for name in ["2.img", "4.img"] { #expect(disks[name]?.medium[510..<512].elementsEqual([0x55, 0xAA]) == false) }
        let ledger = try RackState(besideRecipe: scratch["red.yaml"]).ledger()
        #expect(
            rack.cards.map { ledger.last(of: $0.name)?.result } == [
                .verified, .failed, .failed, .failed, .failed, .verified,
            ])
        #expect(ledger.last(of: "red04")?.reason?.contains("what was read back is not what was written") == true)
        // The next run has only the cards that are left.
        let again = try await self.rack()
        #expect(again.left.map(\.name) == ["red02", "red03", "red04", "red05"])
        #expect(again.cards.map(\.state) == [.done, .failed, .failed, .failed, .failed, .done])
    }

    /// A later run would make a second card of its node.
    @Test func `a card that cannot be recorded in the ledger is not finalized`() async throws {
        try prepare("[red01]")
        let rack = try await rack()
        let disk = FakeDisk([UInt8](repeating: 1, count: Int(rack.cards[0].image.size)))
        let batch = try Batch(rack.cards.map(\.node), planner: planner, since: "now") { _, _ in disk }
        let ledger = scratch[".piflash/ledger"].string
        let outcomes = await batch.run(
            BatchPlan(rack, on: targets(1), rewrites: false),
            events: { event in
                guard case .progress(_, _, let progress) = event, progress.phase == .writing,
                    let file = FileHandle(forWritingAtPath: ledger)
                else { return }
                // An incomplete line, and the complete ones cannot be found: nothing can be appended.
                _ = try? file.seekToEnd()
                try? file.write(contentsOf: Data("torn".utf8))
                try? FileManager.default.moveItem(atPath: ledger, toPath: ledger + ".old")
                try? FileManager.default.createDirectory(atPath: ledger, withIntermediateDirectories: false)
            }, isCancelled: { false })
        let failure = try #require(outcomes.first?.failure)
        #expect(failure.message.contains("ledger") && failure.message.contains("has no partition table now"))
        #expect(failure.code != .cancelled)
        #expect(!disk.isFinalized && !disk.medium[510..<512].elementsEqual([0x55, 0xAA]))
    }

    @Test func `a spare card takes the node of one that fails`() async throws {
        try prepare("[red01]")
        let rack = try await rack()
        let size = Int(rack.cards[0].image.size)
        let good = FakeDisk([UInt8](repeating: 0, count: size))
        // The old contents must not read back as cleared.
        let worn = FakeDisk([UInt8](repeating: 9, count: size), faults: [.dropsWrites(from: 0)])
        let batch = try Batch(rack.cards.map(\.node), planner: planner, since: "now") { target, _ in
            target.path.lastComponent == "1.img" ? worn : good
        }
        let plan = BatchPlan(rack, on: targets(2), rewrites: false)
        #expect(plan.spare.map(\.path) == [scratch["2.img"]])
        let outcomes = await batch.run(plan, events: { _ in }, isCancelled: { false })
        #expect(outcomes.map { $0.failure == nil } == [false, true])
        #expect(good.isFinalized)
        #expect(try await self.rack().left.isEmpty)
    }

    @Test func `a batch that is stopped reports every card as stopped, and can be continued`() async throws {
        try prepare("\"red[01-03]\"")
        let rack = try await rack()
        let isStopped = Atomic(false)
        let disks = (0..<3).map { _ in FakeDisk([UInt8](repeating: 7, count: Int(rack.cards[0].image.size))) }
        do {
            let batch = try Batch(rack.cards.map(\.node), planner: planner, since: "now") { target, _ in
                disks[Int(target.path.stem!)! - 1]
            }
            let outcomes = await batch.run(
                BatchPlan(rack, on: targets(3), rewrites: false),
                events: { event in
                    if case .progress(_, _, let progress) = event, progress.phase == .writing {
                        isStopped.store(true, ordering: .relaxed)
                    }
                }, isCancelled: { isStopped.load(ordering: .relaxed) })
            #expect(outcomes.count == 3)
            #expect(outcomes.allSatisfy { $0.isInterrupted })
        }
        for disk in disks { #expect(!disk.isFinalized) }
        #expect(try await self.rack().left.map(\.name) == ["red01", "red02", "red03"])
    }

    @Test func `a card of a node of the rack gets that node, and after its first boot never another's settings`()
        async throws
    {
        try prepare("\"red[01-04]\"")
        let rack = try await rack()
        let image = rack.cards[0].image.digest
        let found: [String: FoundCard] = [
            "1.img": FoundCard(node: "red03", recipe: "old", image: image, hasBooted: true),
            "2.img": FoundCard(node: "blue01", recipe: "old", image: image, hasBooted: true),
            "3.img": FoundCard(node: "blue02", recipe: "old", image: image, hasBooted: false),
            "4.img": FoundCard(node: "red04", recipe: "old", image: "another", hasBooted: false),
        ]
        let plan = BatchPlan(rack, on: targets(4), rewrites: false) { found[$0.path.lastComponent!.string] }
        #expect(plan.jobs.map(\.card.name) == ["red03", "red01", "red02", "red04"])
        #expect(plan.jobs.map(\.work) == [.configure, .write, .configure, .write])
        let whole = BatchPlan(rack, on: targets(4), rewrites: true) { found[$0.path.lastComponent!.string] }
        #expect(whole.jobs.allSatisfy { $0.work == .write })
    }
}
