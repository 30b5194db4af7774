import Cards
import Diagnostics
import Storage

/// What a station knows at a moment, and what follows from what happens. It does nothing slow and reads no device, so that
/// one thing after another can happen to it.
struct StationFloor {
    /// What is with the card in a reader.
    private enum State {
        case new
        /// Looked at again until it can be written.
        case refused(String)
        case asking(ChosenTarget, FoundCard?)
        case working(node: String)
        /// No node waits for it; it takes the node of a card that fails.
        case spare(ChosenTarget, FoundCard?)
        /// It is the right card of this node.
        case finished(node: String)
        /// Nothing more happens to it: it failed, or is not wanted.
        case over
    }

    private struct Seat {
        let medium: ReaderTracker.Medium
        let reader: StationReader
        var state: State
    }

    private(set) var queue: StationQueue
    private(set) var outcomes: [BatchOutcome] = []
    private var readers: StationReaders
    /// By the medium's number.
    private var seats: [Int: Seat] = [:]
    /// Cards that went away while they were written; their work ends by itself.
    private var absent: Set<Int> = []
    private var examined: Set<Int> = []
    private var retried: Set<Int> = []
    private var looks = 0
    private var isEnding = false
    private var told: StationState?
    private let station: Station
    private let events: @Sendable (StationEvent) -> Void

    init(
        queue: StationQueue, readers: StationReaders, station: Station,
        events: @escaping @Sendable (StationEvent) -> Void
    ) {
        self.queue = queue
        self.readers = readers
        self.station = station
        self.events = events
    }

    var left: [String] { queue.waiting.map(\.name) }

    /// Nothing runs, and nothing more is to come.
    var isOver: Bool { !isWorking && (isEnding || queue.isEmpty) }

    private var isWorking: Bool {
        seats.values.contains { if case .working = $0.state { true } else { false } }
    }

    mutating func take(_ input: StationInput, isStopped: Bool) -> [StationStep] {
        if isStopped { isEnding = true }
        var steps: [StationStep] = []
        switch input {
        case .look(let disks): steps = look(disks)
        case .command(let command): steps = obey(command)
        case .examined(let id, let result): steps = judge(id, result)
        case .unfit(let id, let node, let failure):
            queue.finish(node, isRight: false)
            refuse(id, failure)
            leave(id)
            if !Self.canPass(failure) { seats[id]?.state = .over }
        case .finished(let id, let outcome):
            outcomes.append(outcome)
            queue.finish(outcome.node, isRight: outcome.failure == nil)
            switch outcome.failure {
            case nil: seats[id]?.state = .finished(node: outcome.node)
            // A desktop was faster with its mount than the claim; nothing was written. Once: who holds it without a mount
            // may hold it for good.
            case let failure? where Self.canPass(failure) && retried.insert(id).inserted:
                seats[id]?.state = .refused(failure.message)
            case _?: seats[id]?.state = .over
            }
            leave(id)
        }
        steps += useSpares()
        tell()
        return steps
    }

    /// Whether it can change while the card is in its reader: then the card is looked at again.
    private static func canPass(_ failure: Failure) -> Bool {
        [.mounted, .swapDevice, .heldDevice, .deviceBusy].contains(failure.code)
    }

    /// Forgets a card that went away while it was worked on.
    private mutating func leave(_ id: Int) {
        if absent.remove(id) != nil { seats[id] = nil }
    }

    private mutating func useSpares() -> [StationStep] {
        var steps: [StationStep] = []
        for (id, seat) in seats.sorted(by: { $0.key < $1.key }) where !isEnding && !queue.waiting.isEmpty {
            guard case .spare(let target, let found) = seat.state else { continue }
            steps += start(id, target, found)
        }
        return steps
    }

    /// Says what is next, when that is not what was said last.
    mutating func tell() {
        let question = seats.values.filter { if case .asking = $0.state { true } else { false } }
            .min { $0.medium.id < $1.medium.id }
        let running: [String] = seats.values.compactMap { seat in
            guard case .working(let node) = seat.state else { return nil }
            return node
        }
        let state = StationState(
            left: left, done: queue.doneCount, total: queue.total, running: running.sorted(),
            question: question?.reader, isEnding: isEnding)
        guard state != told else { return }
        told = state
        events(.waiting(state))
    }

    // MARK: Cards that come and go

    private mutating func look(_ disks: [DeviceFacts]) -> [StationStep] {
        let media = readers.update(disks)
        let present = Set(media.map(\.id))
        for (id, seat) in seats where !present.contains(id) {
            if case .working = seat.state {
                // Its writing fails by itself, and says what the card is.
                absent.insert(id)
            } else {
                seats[id] = nil
                events(.removed(reader: seat.reader))
            }
        }
        guard !isEnding else { return [] }
        looks += 1
        return media.compactMap { medium in
            if let seat = seats[medium.id] {
                // It may have been unmounted meanwhile: about once a second is soon enough to see it.
                guard case .refused = seat.state, looks.isMultiple(of: 4) else { return nil }
            } else {
                seats[medium.id] = Seat(medium: medium, reader: readers.reader(medium.facts), state: .new)
            }
            return examine(medium)
        }
    }

    private mutating func examine(_ medium: ReaderTracker.Medium) -> StationStep? {
        examined.insert(medium.id).inserted ? .examine(medium) : nil
    }

    private mutating func judge(_ id: Int, _ result: StationExamination) -> [StationStep] {
        examined.remove(id)
        guard let seat = seats[id], !isEnding else { return [] }
        switch seat.state {
        case .new, .refused: break
        case .asking, .working, .spare, .finished, .over: return []
        }
        switch result {
        case .refused(let failure):
            refuse(id, failure)
            return []
        case .fit(let target, let found, .somebodys(let what)):
            seats[id]?.state = .asking(target, found)
            events(.question(what, reader: seat.reader))
            return []
        case .fit(let target, let found, .free): return start(id, target, found)
        }
    }

    private mutating func start(_ id: Int, _ target: ChosenTarget, _ found: FoundCard?) -> [StationStep] {
        guard let seat = seats[id] else { return [] }
        switch queue.take(found) {
        case .finished(let node):
            seats[id]?.state = .finished(node: node)
            events(.finishedCard(node: node, reader: seat.reader))
        case .nothingLeft:
            seats[id]?.state = .spare(target, found)
            events(.noNodeLeft(reader: seat.reader))
        case .work(let card, let work):
            seats[id]?.state = .working(node: card.name)
            let job = BatchPlan.Job(card: card, target: target, work: work, previous: found?.node)
            return [.write(id, seat.reader, job)]
        }
        return []
    }

    /// Said once, not at every look.
    private mutating func refuse(_ id: Int, _ failure: Failure) {
        guard let seat = seats[id] else { return }
        if case .refused(failure.message) = seat.state { return }
        seats[id]?.state = .refused(failure.message)
        events(.refused(failure, reader: seat.reader))
    }

    // MARK: Keys

    private mutating func obey(_ command: StationCommand) -> [StationStep] {
        do throws(StationRefusal) {
            switch command {
            case .skip: try queue.skip()
            case .pick(let node): try queue.pick(node)
            case .redo(let node):
                try queue.redo(node)
                guard let card = queue.card(node) else { return [] }
                do throws(Failure) { try station.batch.markRedo(card) } catch {
                    events(.answer("\(error.message); after this run, \(node) counts as done"))
                }
                // Its card may still be in a reader.
                return again(node)
            case .quit: isEnding = true
            case .accept, .decline: return answer(command == .accept)
            }
        } catch {
            events(.answer(error.text))
        }
        return []
    }

    private mutating func again(_ node: String) -> [StationStep] {
        var steps: [StationStep] = []
        for (id, seat) in seats {
            guard case .finished(node) = seat.state else { continue }
            seats[id]?.state = .new
            steps += examine(seat.medium).map { [$0] } ?? []
        }
        return steps
    }

    private mutating func answer(_ isYes: Bool) -> [StationStep] {
        // The first that was asked about: the same one that `tell` names.
        for (id, seat) in seats.sorted(by: { $0.key < $1.key }) {
            guard case .asking(let target, let found) = seat.state else { continue }
            if isYes { return start(id, target, found) }
            seats[id]?.state = .over
            events(.leftAlone(reader: seat.reader))
            return []
        }
        events(.answer("no card waits for an answer"))
        return []
    }
}
