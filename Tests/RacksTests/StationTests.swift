import Diagnostics
import Foundation
import Host
import Images
import Recipes
import Storage
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Cards
@testable import Planning
@testable import Racks

/// The readers of a station, with cards in memory that a test inserts and takes out.
private final class Desk: Sendable {
    struct Card {
        let disk: FakeDisk
        var found: FoundCard?
        var occupancy = CardOccupancy.free
        var refusal: Failure?
        /// What opening it exclusively throws the first time.
        var openRefusal: Failure?
    }

    private let cards = Mutex<[String: (sequence: Int, card: Card)]>([:])
    private let count = Mutex(0)
    let log = Mutex<[String]>([])
    let isStopped = Atomic(false)
    /// How often the station has looked at the readers.
    private let looks = Atomic(0)

    /// Waits until the station has looked at the readers `count` times more. It examines a refused card at every fourth
    /// look.
    func wait(looks count: Int) async throws {
        let end = looks.load(ordering: .relaxed) + count
        while looks.load(ordering: .relaxed) < end { try await Task.sleep(for: .milliseconds(1)) }
    }

    /// Returns the kernel's name of the reader.
    func put(_ card: Card, into reader: String) {
        let sequence = count.withLock { count in
            count += 1
            return count
        }
        cards.withLock { $0[reader] = (sequence, card) }
    }

    func take(from reader: String) { cards.withLock { $0[reader] = nil } }

    func change(_ reader: String, _ body: (inout Card) -> Void) {
        cards.withLock { if var entry = $0[reader] { body(&entry.card); $0[reader] = entry } }
    }

    func card(_ facts: DeviceFacts) -> Card? { cards.withLock { $0[facts.kernelName]?.card } }

    func disks() -> [DeviceFacts] {
        looks.add(1, ordering: .relaxed)
        let present = cards.withLock { $0 }
        return ["sdb", "sdc", "vdz"].map { name in
            DeviceFacts(
                kernelName: name, number: "8:\(name.hashValue & 0xFF)", size: present[name]?.card.disk.size ?? 0,
                sectorSize: 512, bus: name == "vdz" ? .loop : .usb, isBuiltIn: false, isRemovable: true,
                isReadOnly: false, partitions: [], holders: [], sequence: present[name].map { "\($0.sequence)" },
                port: "port of \(name)")
        }
    }

    var surroundings: Station.Surroundings {
        Station.Surroundings(
            disks: disks, wait: { usleep(3000) },
            choose: { facts throws(Failure) in
                if let refusal = self.card(facts)?.refusal { throw refusal }
                return .device(facts)
            },
            occupancy: { self.card($0)?.occupancy ?? .free },
            found: { target in
                guard case .device(let facts) = target else { return nil }
                return self.card(facts)?.found
            })
    }

    func note(_ event: StationEvent) {
        let text: String? =
            switch event {
            case .batch(.finished(let outcome), let reader):
                "\(outcome.node) \(outcome.failure == nil ? "done" : "failed") in \(reader.name ?? reader.device)"
            case .batch(.started(let node, _, _), let reader): "\(node) begun in \(reader.name ?? reader.device)"
            case .batch: nil
            case .waiting: nil
            case .finishedCard(let node, let reader): "\(node)'s card in \(reader.name ?? reader.device)"
            case .noNodeLeft(let reader): "spare in \(reader.name ?? reader.device)"
            case .refused(let failure, let reader): "\(reader.device) refused: \(failure.message)"
            case .question(let text, let reader): "\(reader.device)? \(text)"
            case .leftAlone(let reader): "\(reader.device) left alone"
            case .removed(let reader): "\(reader.device) empty"
            case .answer(let text): text
            }
        if let text { log.withLock { $0.append(text) } }
    }

    /// Waits for a line of the log; the time limit ends a test in which it does not come.
    func wait(for line: String) async throws {
        while !log.withLock({ $0.contains(line) }) { try await Task.sleep(for: .milliseconds(3)) }
        log.withLock { $0.removeAll { $0 == line } }
    }
}

@Suite(.timeLimit(.minutes(15))) struct StationTests {
    let scratch = ScratchDirectory()
    private let desk = Desk()
    private let keys = AsyncStream.makeStream(of: StationCommand.self)

    private var user: InvokingUser { InvokingUser(userID: getuid(), groupID: getgid(), home: scratch.path) }

    private func rack(_ nodes: String) async throws -> (RackPlan, CardPlanner) {
        let planner = CardPlanner(
            cache: ImageCache(
                directories: UserDirectories(user: user, environment: ["XDG_CACHE_HOME": scratch["c"].string])),
            secrets: UnreadSecrets(), version: "test", now: { 1_770_000_000 })
        if (try? scratch["sample.img"].stat()) == nil {
            try SampleImage.hypriot.make(at: scratch["sample.img"])
            scratch.write(
                "image: { source: sample.img }\nnodes: \(nodes)\naddresses: 192.168.50.11/24\n", to: "red.yaml")
        }
        let loaded = try RecipeLoader(user: user, workingDirectory: scratch.path).loadRack(["red.yaml"]).nodes
        return (try await planner.rack(loaded, events: { _ in }, isCancelled: { false }), planner)
    }

    private func blank(_ rack: RackPlan, faults: [FakeDisk.Fault] = [], bytes: Int64? = nil) -> Desk.Card {
        let size = Int(bytes ?? rack.cards[0].image.size)
        return Desk.Card(disk: FakeDisk([UInt8](repeating: 9, count: size), faults: faults))
    }

    /// Runs a station; `script` is what people do meanwhile.
    private func run(
        _ rack: RackPlan, _ planner: CardPlanner, named: [String: String] = [:],
        _ script: () async throws -> Void
    ) async throws -> (outcomes: [BatchOutcome], left: [String]) {
        let desk = desk
        let batch = try Batch(rack.cards.map(\.node), planner: planner, since: "now") {
            target, size throws(Failure) in
            guard case .device(let facts) = target, let card = desk.card(facts) else {
                throw Failure(.noSuchDevice, "gone")
            }
            if let refusal = card.openRefusal {
                desk.change(facts.kernelName) { $0.openRefusal = nil }
                throw refusal
            }
            return card.disk
        }
        let present = desk.disks()
        let readers = StationReaders(
            named: present.compactMap { facts in
                named[facts.kernelName].map { StationReaders.Named(name: $0, facts) }
            }, present: present)
        let station = Station(
            batch: batch, readers: readers, surroundings: desk.surroundings,
            validate: { target, size throws(Failure) in
                guard case .device(let facts) = target, facts.size < size else { return }
                throw Failure(.tooSmall, "too small")
            })
        async let result = station.run(
            rack, rewrites: false, commands: keys.stream, events: desk.note,
            isCancelled: { desk.isStopped.load(ordering: .relaxed) })
        try await script()
        return await result
    }

    private func results(_ rack: RackPlan, _ planner: CardPlanner) throws -> [LedgerEntry.Result?] {
        let ledger = try RackState(besideRecipe: scratch["red.yaml"]).ledger()
        return rack.cards.map { ledger.last(of: $0.name)?.result }
    }

    private func name(on card: Desk.Card) throws -> String? {
        let bytes = card.disk.medium
        scratch.write(bytes, to: "look.img")
        let text = try Mtools(image: scratch["look.img"]).text(of: "user-data")
        return text.split(separator: "\n").first { $0.hasPrefix("hostname") }.map(String.init)
    }

    @Test func `cards become the nodes in their order, one after another, until all are done`() async throws {
        let (rack, planner) = try await rack("\"red[01-03]\"")
        let cards = (0..<3).map { _ in blank(rack) }
        let (outcomes, left) = try await run(rack, planner, named: ["sdb": "left"]) {
            desk.put(cards[0], into: "sdb")
            try await desk.wait(for: "red01 done in left")
            // While it stays in its reader, it is not written again.
            desk.put(cards[1], into: "sdc")
            try await desk.wait(for: "red02 done in /dev/sdc")
            desk.take(from: "sdb")
            try await desk.wait(for: "/dev/sdb empty")
            desk.put(cards[2], into: "sdb")
        }
        #expect(left == [])
        #expect(outcomes.map(\.node) == ["red01", "red02", "red03"])
        #expect(outcomes.allSatisfy { $0.failure == nil })
        for (card, node) in zip(cards, ["red01", "red02", "red03"]) {
            #expect(card.disk.isFinalized)
            #expect(card.disk.violations == [])
            #expect(try name(on: card)?.contains(node) == true)
        }
        #expect(try results(rack, planner) == [.verified, .verified, .verified])
    }

    @Test func `cards that are inserted before the start are written only in named readers`() async throws {
        let (rack, planner) = try await rack("\"red[01-02]\"")
        let (stranger, named, file) = (blank(rack), blank(rack), blank(rack))
        desk.put(stranger, into: "sdb")
        desk.put(named, into: "sdc")
        let later = blank(rack)
        _ = try await run(rack, planner, named: ["sdc": "right"]) {
            try await desk.wait(for: "red01 done in right")
            // A loop device that some program makes is not a reader.
            desk.put(file, into: "vdz")
            try await desk.wait(looks: 12)
            #expect(stranger.disk.log == [])
            #expect(file.disk.log == [])
            // A card that is inserted now is like any other.
            desk.put(later, into: "sdb")
        }
        #expect(later.disk.isFinalized)
        #expect(stranger.disk.log == [])
        #expect(file.disk.log == [])
    }

    @Test func `a bad card does not stop the station, and the next one gets its node`() async throws {
        let (rack, planner) = try await rack("\"red[01-02]\"")
        let worn = blank(rack, faults: [.dropsWrites(from: 0)])
        let small = blank(rack, bytes: 1 << 20)
        let (good, spare) = (blank(rack), blank(rack))
        let (outcomes, left) = try await run(rack, planner) {
            desk.put(small, into: "sdb")
            try await desk.wait(for: "/dev/sdb refused: too small")
            desk.put(worn, into: "sdb")
            try await desk.wait(for: "red01 failed in /dev/sdb")
            desk.put(good, into: "sdc")
            try await desk.wait(for: "red01 done in /dev/sdc")
            desk.put(spare, into: "sdb")
        }
        #expect(left == [])
        #expect(outcomes.map { $0.failure == nil } == [false, true, true])
        #expect(small.disk.log == [])
        #expect(!worn.disk.isFinalized)
        #expect(try name(on: good)?.contains("red01") == true)
        #expect(try name(on: spare)?.contains("red02") == true)
        #expect(try results(rack, planner) == [.verified, .verified])
    }

    @Test func `a card that waits for a node takes the one of a card that fails`() async throws {
        let (rack, planner) = try await rack("[red01]")
        // It vanishes late, so that the spare card is there before.
        let dying = blank(rack, faults: [.vanishes(at: 12)])
        let spare = blank(rack)
        let (outcomes, _) = try await run(rack, planner) {
            desk.put(dying, into: "sdb")
            // Of two cards that are inserted at the same time, either may be the first.
            try await desk.wait(for: "red01 begun in /dev/sdb")
            desk.put(spare, into: "sdc")
        }
        #expect(outcomes.map { $0.failure == nil } == [false, true])
        #expect(spare.disk.isFinalized != dying.disk.isFinalized)
    }

    @Test func `a card of the rack is recognised`() async throws {
        let (rack, planner) = try await rack("\"red[01-03]\"")
        let node = rack.cards[0]
        var known = blank(rack)
        let (second, third) = (blank(rack), blank(rack))
        _ = try await run(rack, planner) {
            desk.put(known, into: "sdb")
            try await desk.wait(for: "red01 done in /dev/sdb")
            let writes = known.disk.log.count
            known.found = FoundCard(
                node: "red01", recipe: node.node.recipeDigest, image: node.image.digest, hasBooted: false)
            // Taken out and inserted again by mistake.
            desk.put(known, into: "sdc")
            try await desk.wait(for: "red01's card in /dev/sdc")
            #expect(known.disk.log.count == writes)
            // red03's card gets red03, although red02 is next.
            var own = second
            own.found = FoundCard(node: "red03", recipe: "old", image: "old", hasBooted: true)
            desk.put(own, into: "sdb")
            try await desk.wait(for: "red03 done in /dev/sdb")
            desk.put(third, into: "sdb")
        }
        #expect(try name(on: third)?.contains("red02") == true)
    }

    @Test func `keys skip, pick, redo and quit`() async throws {
        let (rack, planner) = try await rack("\"red[01-04]\"")
        let cards = (0..<4).map { _ in blank(rack) }
        let (outcomes, left) = try await run(rack, planner) {
            keys.continuation.yield(.skip)
            keys.continuation.yield(.pick("red04"))
            keys.continuation.yield(.pick("blue01"))
            try await desk.wait(for: "there is no node \"blue01\" in the rack")
            desk.put(cards[0], into: "sdb")
            try await desk.wait(for: "red04 done in /dev/sdb")
            keys.continuation.yield(.pick("red04"))
            try await desk.wait(for: "red04 is done; r writes it again")
            // Its card is still in the reader: it is written again there.
            keys.continuation.yield(.redo("red04"))
            try await desk.wait(for: "red04 done in /dev/sdb")
            desk.put(cards[1], into: "sdc")
            try await desk.wait(for: "red02 done in /dev/sdc")
            keys.continuation.yield(.quit)
        }
        #expect(outcomes.map(\.node) == ["red04", "red04", "red02"])
        #expect(left == ["red03", "red01"])
        #expect(cards[0].disk.log.filter { $0 == .finalize }.count == 2)
        #expect(try results(rack, planner) == [nil, .verified, nil, .verified])
    }

    @Test func `a card with somebody's files waits for an answer`() async throws {
        let (rack, planner) = try await rack("\"red[01-02]\"")
        var camera = blank(rack)
        camera.occupancy = .somebodys("there are files on it: DCIM")
        let again = camera
        _ = try await run(rack, planner) {
            desk.put(camera, into: "sdb")
            try await desk.wait(for: "/dev/sdb? there are files on it: DCIM")
            keys.continuation.yield(.decline)
            try await desk.wait(for: "/dev/sdb left alone")
            #expect(camera.disk.log == [])
            desk.put(again, into: "sdb")
            try await desk.wait(for: "/dev/sdb? there are files on it: DCIM")
            keys.continuation.yield(.accept)
            try await desk.wait(for: "red01 done in /dev/sdb")
            keys.continuation.yield(.accept)
            try await desk.wait(for: "no card waits for an answer")
            desk.put(blank(rack), into: "sdc")
        }
        #expect(again.disk.isFinalized)
    }

    @Test func `a mounted card is written after it was unmounted`() async throws {
        let (rack, planner) = try await rack("[red01]")
        var card = blank(rack)
        card.refusal = Failure(.mounted, severity: .refused, "mounted on /media/x")
        _ = try await run(rack, planner) {
            desk.put(card, into: "sdb")
            try await desk.wait(for: "/dev/sdb refused: mounted on /media/x")
            try await desk.wait(looks: 12)
            // Reported once.
            #expect(desk.log.withLock { $0 } == [])
            desk.change("sdb") { $0.refusal = nil }
        }
        #expect(card.disk.isFinalized)
    }

    @Test func `a card that a desktop mounted before it was opened exclusively is tried again`() async throws {
        let (rack, planner) = try await rack("[red01]")
        var card = blank(rack)
        card.openRefusal = Failure(.deviceBusy, severity: .refused, "in use")
        let (outcomes, left) = try await run(rack, planner) { desk.put(card, into: "sdb") }
        #expect(outcomes.map { $0.failure?.code } == [.deviceBusy, nil])
        #expect(left == [])
        #expect(card.disk.isFinalized)
    }

    @Test func `Ctrl-C stops the running card and the station`() async throws {
        let (rack, planner) = try await rack("\"red[01-02]\"")
        let card = blank(rack)
        let (outcomes, left) = try await run(rack, planner) {
            desk.put(card, into: "sdb")
            while card.disk.log.count < 6 { try await Task.sleep(for: .milliseconds(1)) }
            desk.isStopped.store(true, ordering: .relaxed)
        }
        // It may have finished before it was stopped.
        #expect(outcomes.map(\.isInterrupted) == [!card.disk.isFinalized])
        #expect(left.contains("red02"))
    }

    @Test func `a card taken out while it is written fails, and its node waits`() async throws {
        let (rack, planner) = try await rack("\"red[01-02]\"")
        let pulled = blank(rack, faults: [.vanishes(at: 10)])
        let (good, last) = (blank(rack), blank(rack))
        let (outcomes, _) = try await run(rack, planner) {
            desk.put(pulled, into: "sdb")
            while pulled.disk.log.count < 10 { try await Task.sleep(for: .milliseconds(1)) }
            desk.take(from: "sdb")
            try await desk.wait(for: "red01 failed in /dev/sdb")
            desk.put(good, into: "sdb")
            try await desk.wait(for: "red01 done in /dev/sdb")
            desk.put(last, into: "sdb")
        }
        #expect(outcomes.map(\.node) == ["red01", "red01", "red02"])
        #expect(outcomes.first?.failure?.code == .cardRemoved)
    }
}
