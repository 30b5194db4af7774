package import Cards
package import Diagnostics
import Host
import Images
import Storage
import SystemPackage

/// Writes the cards of a rack as they are inserted: each gets the next node, and is written and read back, until every node
/// has its card.
package struct Station: Sendable {
    /// What the station needs from the system; tests replace it.
    package struct Surroundings: Sendable {
        /// Every disk that could be a card, and readers without a card.
        var disks: @Sendable () -> [DeviceFacts]
        /// Returns when something may have changed, after some tenths of a second at the latest.
        var wait: @Sendable () -> Void
        private var choosing: @Sendable (DeviceFacts) throws(Failure) -> ChosenTarget
        var occupancy: @Sendable (DeviceFacts) -> CardOccupancy
        var found: @Sendable (ChosenTarget) -> FoundCard?

        package init(
            disks: @escaping @Sendable () -> [DeviceFacts], wait: @escaping @Sendable () -> Void,
            choose: @escaping @Sendable (DeviceFacts) throws(Failure) -> ChosenTarget,
            occupancy: @escaping @Sendable (DeviceFacts) -> CardOccupancy = { CardOccupancy(of: $0) },
            found: @escaping @Sendable (ChosenTarget) -> FoundCard? = { FoundCard(on: $0) }
        ) {
            self.disks = disks
            self.wait = wait
            choosing = choose
            self.occupancy = occupancy
            self.found = found
        }

        package func choose(_ disk: DeviceFacts) throws(Failure) -> ChosenTarget { try choosing(disk) }
    }

    let batch: Batch
    let readers: StationReaders
    let surroundings: Surroundings
    /// Validates a target again, with the size of the image (in bytes).
    let validate: @Sendable (ChosenTarget, Int64) throws(Failure) -> Void

    package init(
        batch: Batch, readers: StationReaders, surroundings: Surroundings,
        validate: @escaping @Sendable (ChosenTarget, Int64) throws(Failure) -> Void
    ) {
        self.batch = batch
        self.readers = readers
        self.surroundings = surroundings
        self.validate = validate
    }

    /// Runs until every node of `rack` has its card, or the user quits or stops it. Returns the outcome of each card, and the
    /// nodes that are left.
    package func run(
        _ rack: RackPlan, rewrites: Bool, commands: AsyncStream<StationCommand>,
        events: @escaping @Sendable (StationEvent) -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) async -> (outcomes: [BatchOutcome], left: [String]) {
        let (inputs, feed) = AsyncStream.makeStream(of: StationInput.self)
        let watch = Task { [surroundings] in
            // Waiting blocks: do it on a separate thread.
            while !Task.isCancelled {
                try? await onThread { surroundings.wait() }
                feed.yield(.look(surroundings.disks()))
            }
        }
        let typed = Task { for await command in commands { feed.yield(.command(command)) } }
        defer {
            watch.cancel()
            typed.cancel()
        }
        var table = ReaderTable(
            queue: StationQueue(rack, rewrites: rewrites), readers: readers, events: events)
        table.report()
        feed.yield(.look(surroundings.disks()))
        return await withTaskGroup(of: Void.self) { group in
            for await input in inputs {
                for step in table.take(input, isStopped: isCancelled()) {
                    switch step {
                    case .markRedo(let card): markRedo(card, events)
                    case .start(let work):
                        group.addTask {
                            feed.yield(await perform(work, events: events, isCancelled: isCancelled))
                        }
                    }
                }
                if table.isOver { break }
            }
            return (table.outcomes, table.left)
        }
    }

    private func markRedo(_ card: RackPlan.Card, _ events: (StationEvent) -> Void) {
        do throws(Failure) { try batch.markRedo(card) } catch {
            events(.answer("\(error.message); after this run, \(card.name) counts as done"))
        }
    }

    /// Slow work. It runs on its own thread, so that the station's loop never waits for it.
    private func perform(
        _ work: StationWork, events: @escaping @Sendable (StationEvent) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) async -> StationInput {
        switch work {
        case .examine(let medium):
            // Reading a bad card can take a long time.
            let result = try? await onThread { StationExamination(of: medium.facts, in: surroundings) }
            return .examined(
                medium.id, result ?? .refused(Failure(.system, "\(medium.facts.path) cannot be examined")))
        case .write(let medium, let reader, let job):
            if job.work == .write {
                do throws(Failure) { try validate(job.target, job.card.image.size) } catch {
                    return .unfit(medium, node: job.card.name, error)
                }
            }
            let outcome = await batch.work(
                job, events: { events(.batch($0, reader: reader)) }, isCancelled: isCancelled)
            return .finished(medium, outcome)
        }
    }
}

extension StationExamination {
    init(of facts: DeviceFacts, in surroundings: Station.Surroundings) {
        do throws(Failure) {
            let target = try surroundings.choose(facts)
            let found = surroundings.found(target)
            // A card written by piflash holds no one else's files.
            self = .fit(target, found, found == nil ? surroundings.occupancy(facts) : .free)
        } catch {
            self = .refused(error)
        }
    }
}
