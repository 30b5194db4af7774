import Cards
import Diagnostics
import Foundation
import Host
import Images
import Planning
import Recipes
import Storage
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Racks

/// Keeps the stages that it sees, and refuses one of them.
private final class Witness: CardRunObserver {
    let seen = Mutex<[String]>([])
    private let refused: String?

    init(refusing refused: String? = nil) { self.refused = refused }

    func observe(_ stage: CardStage, of card: RunningCard) throws(Failure) {
        let name =
            switch stage {
            case .begun: "begun"
            case .progress(let event): "progress \(event.phase)"
            case .written: "written"
            case .verified: "verified"
            case .configured(let files): "configured \(files.count)"
            case .failed(let failure): "failed: \(failure.message)"
            }
        seen.withLock { if $0.last != name { $0.append(name) } }
        if name == refused { throw Failure(.system, "no \(name)") }
    }

    /// All but the progress.
    var stages: [String] { seen.withLock { $0.filter { !$0.hasPrefix("progress") } } }
}

@Suite struct CardRunTests {
    let scratch = ScratchDirectory()
    private var user: InvokingUser { InvokingUser(userID: getuid(), groupID: getgid(), home: scratch.path) }

    private func planned() async throws -> (plan: CardPlan, planner: CardPlanner) {
        try SampleImage.hypriot.make(at: scratch["sample.img"])
        scratch.write("image: { source: sample.img }\nhostname: red01\n", to: "red01.yaml")
        let planner = CardPlanner(
            cache: ImageCache(
                directories: UserDirectories(user: user, environment: ["XDG_CACHE_HOME": scratch["c"].string])),
            secrets: UnreadSecrets(), version: "test", now: { 1_770_000_000 })
        let node = try #require(
            try RecipeLoader(user: user, workingDirectory: scratch.path).loadRack(["red01.yaml"]).nodes.first)
        let plan = try await planner.plan(
            for: node, in: .placeholders(for: node), events: { _ in }, isCancelled: { false })
        return (plan, planner)
    }

    private func run(_ plan: CardPlan, _ observers: any CardRunObserver...) -> CardRun {
        CardRun(
            RunningCard(
                node: plan.node, path: scratch["card.img"], image: nil, configuration: "c", secrets: nil,
                identity: CardIdentity()), observers: observers)
    }

    private func disk(_ plan: CardPlan) -> FakeDisk {
        FakeDisk([UInt8](repeating: 9, count: Int(plan.content.size)))
    }

    @Test func `a card is begun, written and verified, and every observer sees it`() async throws {
        let (plan, _) = try await planned()
        let (disk, first, second) = (disk(plan), Witness(), Witness())
        let summary = try await run(plan, first, second).write(isCancelled: { false }) { (plan, disk) }
        #expect(summary.verified > 0)
        #expect(disk.isFinalized)
        #expect(first.stages == ["begun", "written", "verified"])
        #expect(second.seen.withLock { $0 } == first.seen.withLock { $0 })
        let all = first.seen.withLock { $0 }
        #expect(all.firstIndex(of: "written") == all.firstIndex(of: "progress verifying").map { $0 - 1 })
    }

    @Test func `a card that an observer refuses to begin is not touched`() async throws {
        let (plan, _) = try await planned()
        let (disk, first, second) = (disk(plan), Witness(refusing: "begun"), Witness())
        let run = run(plan, first, second)
        let failure = await #expect(throws: Failure.self) {
            try await run.write(isCancelled: { false }) { (plan, disk) }
        }
        #expect(failure?.message == "no begun")
        #expect(disk.log == [])
        #expect(second.stages == ["failed: no begun"])
    }

    @Test(arguments: ["written", "progress verifying"])
    func `a card whose writing an observer refuses is not finalized`(_ stage: String) async throws {
        let (plan, _) = try await planned()
        let (disk, witness) = (disk(plan), Witness(refusing: stage))
        let run = run(plan, witness)
        let failure = await #expect(throws: Failure.self) {
            try await run.write(isCancelled: { false }) { (plan, disk) }
        }
        #expect(failure?.message.hasPrefix("no \(stage)") == true)
        #expect(failure?.code == .system)
        #expect(!disk.isFinalized && !disk.medium[510..<512].elementsEqual([0x55, 0xAA]))
        #expect(witness.stages.last?.hasPrefix("failed: no \(stage)") == true)
    }

    @Test func `a failure before the card is begun is a failure of the card`() async throws {
        let (plan, _) = try await planned()
        let witness = Witness()
        let run = run(plan, witness)
        let failure = await #expect(throws: Failure.self) {
            try await run.write(isCancelled: { false }) { throw Failure(.deviceBusy, "in use") }
        }
        #expect(failure?.code == .deviceBusy)
        #expect(witness.stages == ["failed: in use"])
    }

    @Test func `a failure of the ledger is added to that of the card`() async throws {
        let (plan, _) = try await planned()
        let worn = FakeDisk([UInt8](repeating: 9, count: Int(plan.content.size)), faults: [.fails(at: 12, .ioError)])
        /// Fails when the card has failed.
        struct Brittle: CardRunObserver {
            func observe(_ stage: CardStage, of card: RunningCard) throws(Failure) {
                if case .failed = stage { throw Failure(.system, "the ledger is full") }
            }
        }
        let witness = Witness()
        let run = run(plan, Brittle(), witness)
        let failure = await #expect(throws: Failure.self) {
            try await run.write(isCancelled: { false }) { (plan, worn) }
        }
        #expect(failure?.message.hasSuffix("; the ledger is full") == true)
        #expect(witness.stages.last == failure.map { "failed: \($0.message)" })
    }

    @Test func `a lenient observer never stops the work, and warns once`() async throws {
        let (plan, _) = try await planned()
        struct Broken: CardRunObserver {
            func observe(_ stage: CardStage, of card: RunningCard) throws(Failure) { throw Failure(.system, "broken") }
        }
        let warnings = Mutex<[String]>([])
        let disk = disk(plan)
        let lenient = LenientObserver(Broken()) { failure in warnings.withLock { $0.append(failure.message) } }
        _ = try await run(plan, lenient).write(isCancelled: { false }) { (plan, disk) }
        #expect(disk.isFinalized)
        #expect(warnings.withLock { $0 } == ["broken"])
    }

    @Test func `the ledger has the stages of a card, with its image and file systems once they are on it`() async throws
    {
        let (plan, planner) = try await planned()
        let state = RackState(of: plan.node)
        let ledger = LedgerObserver(ledger: try LedgerWriter(state), now: planner.now)
        _ = try await run(plan, ledger).write(isCancelled: { false }) { (plan, disk(plan)) }
        let entries = try state.ledger().entries
        #expect(entries.map(\.result) == [.begun, .written, .verified])
        #expect(entries.map(\.image) == [nil, plan.image.finished?.digest, plan.image.finished?.digest])
        #expect(entries.map { $0.card?.uuids.isEmpty } == [true, true, false])
        #expect(entries.allSatisfy { $0.recipe == plan.node.recipeDigest && $0.configuration == "c" })
        let stopped = run(plan, ledger)
        await #expect(throws: Failure.self) { try await stopped.write(isCancelled: { true }) { (plan, disk(plan)) } }
        #expect(try state.ledger().entries.suffix(2).map(\.result) == [.begun, .interrupted])
    }

    @Test func `a card that has its settings is not begun, and one that lacks them is`() async throws {
        let (plan, planner) = try await planned()
        let path = scratch["card.img"]
        let card = try ImageFile(creating: path, size: plan.content.size)
        try card.write(plan.content.bytes(at: 0, count: Int(plan.content.size)), at: 0)
        func change(_ recipe: String) async throws -> Reconfiguration {
            scratch.write(recipe, to: "red01.yaml")
            let node = try #require(
                try RecipeLoader(user: user, workingDirectory: scratch.path).loadRack(["red01.yaml"]).nodes.first)
            return try await Reconfiguration(
                of: node, on: InspectedCard(at: path), in: .placeholders(for: node), secrets: UnreadSecrets(),
                version: "test", now: planner.now(), isCancelled: { false })
        }
        let witness = Witness()
        let same = try await change("image: { source: sample.img }\nhostname: red01\n")
        #expect(try await run(plan, witness).configure(at: .file(path), time: planner.now()) { same } == [])
        let other = try await change("image: { source: sample.img }\nhostname: red02\n")
        let changed = try await run(plan, witness).configure(at: .file(path), time: planner.now()) { other }
        #expect(changed.contains("user-data"))
        #expect(witness.stages == ["configured 0", "begun", "configured \(changed.count)"])
        #expect(try Mtools(image: path).text(of: "user-data").contains("red02"))
    }
}
