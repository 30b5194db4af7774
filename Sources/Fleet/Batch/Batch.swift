package import Cards
package import Diagnostics
import Filesystems
package import Host
import Images
import Provisioning
package import Recipes
import Storage
import Synchronization
import SystemPackage

/// Writes many cards at once: one worker a device, each at its own pace, all from the images in the cache.
package struct Batch: Sendable {
    let planner: CardPlanner
    let ledgers: [FilePath: LedgerWriter]
    let options: CardWriting.Options
    let claim: @Sendable (ChosenTarget, Int64) throws(Failure) -> any CardTarget

    /// Locks the ledgers of `nodes`.
    ///
    /// - Parameter claim: Claims a target for an image of so many bytes.
    package init(
        _ nodes: [Node], planner: CardPlanner, since: String, options: CardWriting.Options = CardWriting.Options(),
        claim: @escaping @Sendable (ChosenTarget, Int64) throws(Failure) -> any CardTarget
    ) throws(Failure) {
        self.planner = planner
        self.options = options
        self.claim = claim
        var ledgers: [FilePath: LedgerWriter] = [:]
        for node in nodes {
            let state = RackState(besideRecipe: FilePath(node.recipePath), user: planner.user)
            if ledgers[state.directory] == nil { ledgers[state.directory] = try LedgerWriter(state, since: since) }
        }
        self.ledgers = ledgers
    }

    /// Judges each job as far as that can be done without writing: its secrets are read, its files are made and thrown
    /// away again, its target is judged by `judge` with the size of what comes onto it. What is worth saying is returned.
    package func judge(
        _ jobs: [BatchPlan.Job], isCancelled: @escaping @Sendable () -> Bool,
        _ judge: (ChosenTarget, Int64) throws(Failure) -> Void
    ) async throws -> [Diagnostic] {
        var report = DiagnosticReport()
        for job in jobs {
            if isCancelled() { throw Failure(.cancelled, "nothing was written") }
            do {
                switch job.work {
                case .write:
                    let plan = try await plan(job.card, isCancelled)
                    report.merge(DiagnosticReport(plan.provision.warnings))
                    try judge(job.target, plan.content.size)
                case .configure:
                    report.merge(DiagnosticReport(try await change(job).provision.warnings))
                }
            } catch let mistakes as DiagnosticReport {
                report.merge(mistakes)
            } catch let failure as Failure where job.work == .configure {
                throw Failure(
                    failure.code, severity: failure.severity,
                    "\(job.target.path) cannot get new settings: \(failure.message)",
                    hint: "--rewrite writes its image again")
            }
        }
        guard !report.hasErrors else { throw report.unrepeated }
        return report.unrepeated.warnings
    }

    /// Judges what the cards of `cards` will get, before there is any to write: as ``judge(_:isCancelled:_:)``.
    package func judge(
        _ cards: [RackPlan.Card], isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> [Diagnostic] {
        var report = DiagnosticReport()
        for card in cards {
            if isCancelled() { throw Failure(.cancelled, "nothing was written") }
            do {
                report.merge(DiagnosticReport(try await plan(card, isCancelled).provision.warnings))
            } catch let mistakes as DiagnosticReport {
                report.merge(mistakes)
            }
        }
        guard !report.hasErrors else { throw report.unrepeated }
        return report.unrepeated.warnings
    }

    /// Works on all cards of `plan`. One that fails fails alone; while there are spare cards, its node gets another one.
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
        let (node, device) = (job.card.name, job.target.path.string)
        var bytes: Int64 = 0
        var changed: [String] = []
        var failure: Failure?
        do {
            if isCancelled() { throw Failure(.cancelled, "stopped; \(device) was not touched") }
            events(.started(node: node, device: device, work: job.work))
            switch job.work {
            case .write:
                bytes = try await write(job, events: events, isCancelled: isCancelled)
            case .configure:
                let change = try await change(job)
                try record(.begun, job)
                changed = change.changedFiles + change.changedRootFiles
                if !change.isEmpty {
                    let time = planner.now()
                    try await onThread { try change.apply(to: job.target.configurable, time: time) }
                }
            }
            try record(job.work == .write ? .verified : .configured, job)
        } catch {
            let reason = error as? Failure ?? Failure(.system, "\(error)")
            failure = reason
            do throws(Failure) {
                try record(reason.code == .cancelled ? .interrupted : .failed, job, reason: reason.message)
            } catch {
                failure = Failure(
                    reason.code, severity: reason.severity, "\(reason.message); \(error.message)", hint: reason.hint)
            }
        }
        let outcome = BatchOutcome(
            node: node, device: device, work: job.work, bytes: bytes, changedFiles: changed,
            imageDigest: job.card.image.digest, failure: failure)
        events(.finished(outcome))
        return outcome
    }

    /// The plan, with all that is carried, is in memory only while its card is written.
    private func write(
        _ job: BatchPlan.Job, events: @escaping @Sendable (BatchEvent) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> Int64 {
        let plan = try await plan(job.card, isCancelled)
        let (node, device) = (job.card.name, job.target.path.string)
        let written = Mutex<Int64>(0)
        let isRecorded = Mutex(false)
        let trouble = Mutex<Failure?>(nil)
        let target = try claim(job.target, plan.content.size)
        try record(.begun, job)
        do {
            try await onThread {
                try plan.write(
                    to: target, options: options,
                    events: { event in
                        switch event {
                        case .progress(let progress):
                            if progress.phase == .verifying, !isRecorded.withLock({ $0 }) {
                                isRecorded.withLock { $0 = true }
                                do throws(Failure) { try record(.written, job) } catch {
                                    trouble.withLock { $0 = error }
                                }
                            }
                            events(.progress(node: node, device: device, progress))
                        case .cardDone(let outcome): written.withLock { $0 = outcome.bytes }
                        case .notice: break
                        }
                    },
                    // A card that the ledger does not know of must not look finished: its node gets another one.
                    isCancelled: { isCancelled() || trouble.withLock { $0 != nil } })
            }
        } catch let failure as Failure {
            guard let trouble = trouble.withLock({ $0 }) else { throw failure }
            throw Failure(
                trouble.code, severity: trouble.severity, "\(trouble.message); \(failure.message)", hint: trouble.hint,
                cause: trouble.cause)
        }
        return written.withLock { $0 }
    }

    private func plan(
        _ card: RackPlan.Card, _ isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> CardPlan {
        try await planner.plan(for: card.node, on: card.image, events: { _ in }, isCancelled: isCancelled)
    }

    private func change(_ job: BatchPlan.Job) async throws -> Reconfiguration {
        try await Reconfiguration(
            of: job.card.node, on: CardReading(at: job.target.path), user: planner.user, secrets: planner.secrets,
            version: planner.version, now: planner.now())
    }

    private func record(
        _ result: LedgerEntry.Result, _ job: BatchPlan.Job, reason: String? = nil
    ) throws(Failure) {
        let node = job.card.node
        let isOnCard = result == .verified || result == .configured
        let state = RackState(besideRecipe: FilePath(node.recipePath), user: planner.user)
        try ledgers[state.directory]?.append(
            LedgerEntry(
                node: node.hostname.value, result: result, time: planner.now(), device: job.target.path.string,
                image: job.card.image.digest, recipe: node.recipeDigest, configuration: job.card.configuration,
                secrets: job.card.secrets,
                card: CardIdentity(
                    of: job.target, table: isOnCard ? try? PartitionTable.read(job.card.image.path) : nil),
                reason: reason))
    }

    /// Marks the card to be written again, also by a later run.
    func markRedo(_ card: RackPlan.Card) throws(Failure) {
        let state = RackState(besideRecipe: FilePath(card.node.recipePath), user: planner.user)
        try ledgers[state.directory]?.append(LedgerEntry(node: card.name, result: .redo, time: planner.now()))
    }

    /// Marks the cards of `nodes` to be written again.
    package static func redo(_ nodes: [Node], user: InvokingUser, now: Int64, since: String) throws(Failure) {
        var ledgers: [FilePath: LedgerWriter] = [:]
        for node in nodes {
            let state = RackState(besideRecipe: FilePath(node.recipePath), user: user)
            let ledger: LedgerWriter
            if let known = ledgers[state.directory] {
                ledger = known
            } else {
                ledger = try LedgerWriter(state, since: since)
            }
            ledgers[state.directory] = ledger
            try ledger.append(LedgerEntry(node: node.hostname.value, result: .redo, time: now))
        }
    }
}

extension ChosenTarget {
    fileprivate var configurable: ConfigurationTarget {
        switch self {
        case .device(let facts): .device(facts)
        case .file(let path, _): .file(path)
        }
    }
}
