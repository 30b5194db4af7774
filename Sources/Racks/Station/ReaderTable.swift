import Cards
import Diagnostics
import Storage

/// The readers of a station, what is in each, and what follows from each input. It does nothing slow and reads no device,
/// so that it can take one input after another.
struct ReaderTable {
    /// What happens to the card in a reader.
    private enum State {
        case new
        /// Examined again until it can be written.
        case refused(String)
        case asking(ChosenTarget, FoundCard?)
        case working(node: String)
        /// No node waits for it; it gets the node of a card that fails.
        case spare(ChosenTarget, FoundCard?)
        /// It is the right card of this node.
        case finished(node: String)
        /// Nothing more happens to it: it failed, or the user does not want it written.
        case over
    }

    private struct Entry {
        let medium: ReaderTracker.Medium
        let reader: StationReader
        var state: State
    }

    private(set) var queue: StationQueue
    private(set) var outcomes: [BatchOutcome] = []
    private var readers: StationReaders
    /// By the medium's number.
    private var entries: [Int: Entry] = [:]
    /// Cards that were taken out while they were written; their work ends by itself.
    private var absent: Set<Int> = []
    private var examined: Set<Int> = []
    private var retried: Set<Int> = []
    private var looks = 0
    private var isEnding = false
    private var reported: StationState?
    private let events: @Sendable (StationEvent) -> Void

    init(
        queue: StationQueue, readers: StationReaders, events: @escaping @Sendable (StationEvent) -> Void
    ) {
        self.queue = queue
        self.readers = readers
        self.events = events
    }

    var left: [String] { queue.waiting.map(\.name) }

    /// Nothing runs, and no card is expected.
    var isOver: Bool { !isWorking && (isEnding || queue.isEmpty) }

    private var isWorking: Bool {
        entries.values.contains { if case .working = $0.state { true } else { false } }
    }

    mutating func take(_ input: StationInput, isStopped: Bool) -> [StationStep] {
        if isStopped { isEnding = true }
        var steps: [StationStep] = []
        switch input {
        case .look(let disks): steps = look(disks)
        case .command(let command): steps = obey(command)
        case .examined(let id, let result): steps = decide(id, result)
        case .unfit(let id, let node, let failure):
            queue.finish(node, isRight: false)
            refuse(id, failure)
            leave(id)
            if !Self.canPass(failure) { entries[id]?.state = .over }
        case .finished(let id, let outcome):
            outcomes.append(outcome)
            queue.finish(outcome.node, isRight: outcome.failure == nil)
            switch outcome.failure {
            case nil: entries[id]?.state = .finished(node: outcome.node)
            // A desktop mounted it before it was opened exclusively; nothing was written. Try once more only: a program
            // that holds the card without a mount may hold it forever.
            case let failure? where Self.canPass(failure) && retried.insert(id).inserted:
                entries[id]?.state = .refused(failure.message)
            case _?: entries[id]?.state = .over
            }
            leave(id)
        }
        steps += useSpares()
        report()
        return steps
    }

    /// Whether the reason can go away while the card is in its reader: then the card is examined again.
    private static func canPass(_ failure: Failure) -> Bool {
        [.mounted, .swapDevice, .heldDevice, .deviceBusy].contains(failure.code)
    }

    /// Forgets a card that was taken out while it was worked on.
    private mutating func leave(_ id: Int) {
        if absent.remove(id) != nil { entries[id] = nil }
    }

    private mutating func useSpares() -> [StationStep] {
        var steps: [StationStep] = []
        for (id, entry) in entries.sorted(by: { $0.key < $1.key }) where !isEnding && !queue.waiting.isEmpty {
            guard case .spare(let target, let found) = entry.state else { continue }
            steps += start(id, target, found)
        }
        return steps
    }

    /// Reports what is next if that has changed.
    mutating func report() {
        let question = entries.values.filter { if case .asking = $0.state { true } else { false } }
            .min { $0.medium.id < $1.medium.id }
        let running: [String] = entries.values.compactMap { entry in
            guard case .working(let node) = entry.state else { return nil }
            return node
        }
        let state = StationState(
            left: left, done: queue.doneCount, total: queue.total, running: running.sorted(),
            question: question?.reader, isEnding: isEnding)
        guard state != reported else { return }
        reported = state
        events(.waiting(state))
    }

    // MARK: Cards that come and go

    private mutating func look(_ disks: [DeviceFacts]) -> [StationStep] {
        let media = readers.update(disks)
        let present = Set(media.map(\.id))
        for (id, entry) in entries where !present.contains(id) {
            if case .working = entry.state {
                // Writing it fails by itself, and reports what the card has now.
                absent.insert(id)
            } else {
                entries[id] = nil
                events(.removed(reader: entry.reader))
            }
        }
        guard !isEnding else { return [] }
        looks += 1
        return media.compactMap { medium in
            if let entry = entries[medium.id] {
                // It may have been unmounted since: examine it about once a second.
                guard case .refused = entry.state, looks.isMultiple(of: 4) else { return nil }
            } else {
                entries[medium.id] = Entry(medium: medium, reader: readers.reader(medium.facts), state: .new)
            }
            return examine(medium)
        }
    }

    private mutating func examine(_ medium: ReaderTracker.Medium) -> StationStep? {
        examined.insert(medium.id).inserted ? .start(.examine(medium)) : nil
    }

    private mutating func decide(_ id: Int, _ result: StationExamination) -> [StationStep] {
        examined.remove(id)
        guard let entry = entries[id], !isEnding else { return [] }
        switch entry.state {
        case .new, .refused: break
        case .asking, .working, .spare, .finished, .over: return []
        }
        switch result {
        case .refused(let failure):
            refuse(id, failure)
            return []
        case .fit(let target, let found, .somebodys(let what)):
            entries[id]?.state = .asking(target, found)
            events(.question(what, reader: entry.reader))
            return []
        case .fit(let target, let found, .free): return start(id, target, found)
        }
    }

    private mutating func start(_ id: Int, _ target: ChosenTarget, _ found: FoundCard?) -> [StationStep] {
        guard let entry = entries[id] else { return [] }
        switch queue.take(found) {
        case .finished(let node):
            entries[id]?.state = .finished(node: node)
            events(.finishedCard(node: node, reader: entry.reader))
        case .nothingLeft:
            entries[id]?.state = .spare(target, found)
            events(.noNodeLeft(reader: entry.reader))
        case .work(let card, let work):
            entries[id]?.state = .working(node: card.name)
            let job = BatchPlan.Job(card: card, target: target, work: work, previous: found?.node)
            return [.start(.write(id, entry.reader, job))]
        }
        return []
    }

    /// Reports it once, not at every look.
    private mutating func refuse(_ id: Int, _ failure: Failure) {
        guard let entry = entries[id] else { return }
        if case .refused(failure.message) = entry.state { return }
        entries[id]?.state = .refused(failure.message)
        events(.refused(failure, reader: entry.reader))
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
                // Its card may still be in a reader.
                return [.markRedo(card)] + again(node)
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
        for (id, entry) in entries {
            guard case .finished(node) = entry.state else { continue }
            entries[id]?.state = .new
            steps += examine(entry.medium).map { [$0] } ?? []
        }
        return steps
    }

    private mutating func answer(_ isYes: Bool) -> [StationStep] {
        // The first question: the same one that `report` shows.
        for (id, entry) in entries.sorted(by: { $0.key < $1.key }) {
            guard case .asking(let target, let found) = entry.state else { continue }
            if isYes { return start(id, target, found) }
            entries[id]?.state = .over
            events(.leftAlone(reader: entry.reader))
            return []
        }
        events(.answer("no card waits for an answer"))
        return []
    }
}
