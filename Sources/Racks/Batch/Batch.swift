package import Cards
package import Diagnostics
import Images
package import Planning
package import Recipes
import Provisioning
import Storage
import SystemPackage

/// Writes many cards at the same time, one worker for each device, all from the images in the cache.
package struct Batch: Sendable {
    let planner: CardPlanner
    let locks: [FilePath: RackLock]
    let options: CardPlan.WriteOptions
    let open: @Sendable (ChosenTarget, Int64) throws(Failure) -> any CardTarget

    /// Locks the racks of `nodes`.
    ///
    /// - Parameters:
    ///   - since: When this run began, for another run that finds the racks locked.
    ///   - open: Opens a target exclusively, for an image of that many bytes.
    package init(
        _ nodes: [Node], planner: CardPlanner, since: String,
        options: CardPlan.WriteOptions = .init(),
        open: @escaping @Sendable (ChosenTarget, Int64) throws(Failure) -> any CardTarget
    ) throws(Failure) {
        self.planner = planner
        self.options = options
        self.open = open
        locks = try Self.locks(of: nodes, since: since)
    }

    private static func locks(
        of nodes: [Node], since: String
    ) throws(Failure) -> [FilePath: RackLock] {
        var locks: [FilePath: RackLock] = [:]
        for node in nodes {
            let state = RackState(of: node)
            if locks[state.directory] == nil { locks[state.directory] = try RackLock(state, since: since) }
        }
        return locks
    }

    /// Validates each job as far as that is possible without writing: reads its secrets, makes its files and drops them,
    /// and validates its target by `validate` with the size of what is written to it. Returns the warnings.
    package func validate(
        _ jobs: [BatchPlan.Job], isCancelled: @escaping @Sendable () -> Bool,
        _ validate: (ChosenTarget, Int64) throws(Failure) -> Void
    ) async throws -> [Diagnostic] {
        try await warnings(of: jobs, isCancelled: isCancelled) { job in
            switch job.work {
            case .write:
                let plan = try await plan(job.card, isCancelled)
                try validate(job.target, plan.content.size)
                return plan.provision.warnings
            case .configure:
                do {
                    return try await change(job, isCancelled).provision.warnings
                } catch let failure as Failure {
                    throw Failure(
                        failure.code, severity: failure.severity,
                        "\(job.target.path) cannot get new settings: \(failure.message)",
                        hint: "--rewrite writes its image again")
                }
            }
        }
    }

    /// Validates what the cards of `cards` will get, before there is any to write. Returns the warnings.
    package func validate(
        _ cards: [RackPlan.Card], isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> [Diagnostic] {
        try await warnings(of: cards, isCancelled: isCancelled) { try await plan($0, isCancelled).provision.warnings }
    }

    /// The warnings of `validate` for all items, each once; throws one report with the errors of all.
    private func warnings<Item>(
        of items: [Item], isCancelled: () -> Bool, _ validate: (Item) async throws -> [Diagnostic]
    ) async throws -> [Diagnostic] {
        var report = DiagnosticReport()
        for item in items {
            if isCancelled() {
                throw Failure(.cancelled, "nothing was written", hint: "run the same command again")
            }
            do {
                report.merge(DiagnosticReport(try await validate(item)))
            } catch let mistakes as DiagnosticReport {
                report.merge(mistakes)
            }
        }
        guard !report.hasErrors else { throw report.unrepeated }
        return report.unrepeated.warnings
    }

    /// Works on all cards of `plan`. A card that fails does not stop the others; its node gets a spare card, while there is
    /// one.
    package func run(
        _ plan: BatchPlan, events: @escaping @Sendable (BatchEvent) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) async -> [BatchOutcome] {
        var outcomes: [BatchOutcome] = []
        var jobs = plan.jobs
        var spare = plan.spare[...]
        while !jobs.isEmpty {
            let round = await withTaskGroup(of: BatchOutcome.self) { group in
                for job in jobs {
                    group.addTask { await work(job, events: events, isCancelled: isCancelled) }
                }
                var done: [BatchOutcome] = []
                for await outcome in group { done.append(outcome) }
                return done
            }
            outcomes += round
            let failed = Set(round.filter { $0.failure != nil && !$0.isInterrupted }.map(\.node))
            guard !isCancelled() else { break }
            jobs = jobs.filter { failed.contains($0.card.name) }.compactMap { job in
                spare.popFirst().map { BatchPlan.Job(card: job.card, target: $0, work: .write, previous: nil) }
            }
        }
        return outcomes
    }

    // MARK: One card

    func work(
        _ job: BatchPlan.Job, events: @escaping @Sendable (BatchEvent) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) async -> BatchOutcome {
        let target = ConfigurationTarget(job.target)
        func start() throws(Failure) {
            let device = job.target.path.string
            if isCancelled() { throw Failure(.cancelled, "stopped; \(device) was not touched") }
            events(.started(node: job.card.name, device: device, work: job.work))
        }
        let run = CardRun(
            RunningCard(
                node: job.card.node, path: job.target.path, image: job.card.image.digest,
                configuration: job.card.configuration, secrets: job.card.secrets, identity: CardIdentity(of: target)),
            observers: ledger(of: job.card.node) + [BatchEvents(job: job, send: events)])
        do throws(Failure) {
            switch job.work {
            case .write:
                let summary = try await run.write(options: options, isCancelled: isCancelled) {
                    try start()
                    // The plan, with all that is carried, is in memory only while its card is written.
                    let plan = try await plan(job.card, isCancelled)
                    return (plan, try open(job.target, plan.content.size))
                }
                return BatchOutcome(job, .verified(summary))
            case .configure:
                let changed = try await run.configure(at: target, time: planner.now()) {
                    try start()
                    return try await change(job, isCancelled)
                }
                return BatchOutcome(job, .configured(changed))
            }
        } catch {
            return BatchOutcome(job, .failed(error))
        }
    }

    private func ledger(of node: Node) -> [any CardRunObserver] {
        locks[RackState(of: node).directory].map { [LedgerObserver(ledger: $0.ledger, now: planner.now)] }
            ?? []
    }

    private func plan(
        _ card: RackPlan.Card, _ isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> CardPlan {
        let secrets = try RackState(of: card.node).secrets(for: card.node, now: planner.now())
        return try await planner.plan(
            for: card.node, in: secrets, on: card.image, events: { _ in }, isCancelled: isCancelled)
    }

    private func change(
        _ job: BatchPlan.Job, _ isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> Reconfiguration {
        let (node, now) = (job.card.node, planner.now())
        let card = try InspectedCard(at: job.target.path)
        return try await Reconfiguration(
            of: node, on: card, in: RackState(of: node).secrets(for: node, on: card, now: now),
            secrets: planner.secrets, version: planner.version, now: now, isCancelled: isCancelled)
    }

    /// Marks the card to be written again, also by a later run.
    func markRedo(_ card: RackPlan.Card) throws(Failure) {
        let directory = RackState(of: card.node).directory
        try locks[directory]?.ledger.append(LedgerEntry(node: card.name, result: .redo, time: planner.now()))
    }

    /// Marks the cards of `nodes` to be written again.
    package static func redo(_ nodes: [Node], now: Int64, since: String) throws(Failure) {
        let locks = try locks(of: nodes, since: since)
        for node in nodes {
            try locks[RackState(of: node).directory]?.ledger
                .append(LedgerEntry(node: node.hostname.value, result: .redo, time: now))
        }
    }
}
