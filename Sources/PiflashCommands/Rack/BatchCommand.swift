import ArgumentParser
import Cards
import Diagnostics
import Fleet
import Images
import Recipes
import Storage
import SystemPackage

struct BatchCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch",
        abstract: "Write the cards of a rack, many at once.",
        usage: "piflash batch [<options>] <rack> ...",
        discussion: """
            Without --device it is a station: put cards in, in any reader; each gets the
            next node, is written, read back and sealed, and is told by name and bell
            when it is to be taken out and labelled. Cards that are in a reader at the
            start stay as they are, but in readers that --reader names. Keys: s skip,
            p pick a node, r redo one, q quit after the running cards, ? help.

            With --device, each device gets the next node that is left, all at once, and
            the run ends when they are done. A device may be a file that ends in .img.

            Everything is judged before the first byte. A card that fails fails alone, and
            its node waits for another. What is done stands in the ledger beside the
            recipes: a run that was stopped, or killed, goes on where it was when the same
            command is given again. A card of the rack that holds the right image already
            gets only its settings; one that is done is left alone.

            EXAMPLES
              piflash batch recipes/red
              piflash batch recipes/red --reader left=/dev/sdb --reader right=/dev/sdc
              piflash batch recipes/red --device /dev/sdb --device /dev/sdc
              piflash batch recipes/red --yes --device red00.img --device red01.img

            Exit codes: 0 all right, 4 some cards failed, 1 all failed or stopped.
            """)

    @OptionGroup var rack: RackOptions
    @OptionGroup var writing: WriteOptions

    @Option(
        name: [.short, .long], help: ArgumentHelp("A card's device. Once for each.", valueName: "device"),
        completion: .file())
    var device: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A reader of the station, with your name for it; a card in it is written too.",
            valueName: "name=device"))
    var reader: [String] = []

    @Flag(name: .long, help: "Write the whole image, also where the right one is on the card.")
    var rewrite = false

    @Flag(name: [.short, .long], help: "Do not ask before writing. Overrides no safety refusal.")
    var yes = false

    @Flag(name: .long, help: "Print events as JSON lines (docs/events.md).")
    var json = false

    func run(in context: CommandContext) async throws {
        let console = context.console
        let renderer = EventRenderer(console: console, form: EventRenderer.form(json: json, console: console))
        do {
            if device.isEmpty {
                try await runStation(in: context, renderer: renderer)
            } else if let first = reader.first {
                throw Failure(
                    .usage, severity: .usage, "--reader \(first): with --device, every card is named already",
                    hint: "leave --device out to write cards as they are put in")
            } else {
                try await run(in: context, renderer: renderer)
            }
        } catch let failure as Failure {
            renderer.renderFailure(failure)
            throw failure
        }
    }

    private func run(in context: CommandContext, renderer: EventRenderer) async throws {
        let console = context.console
        let form = EventRenderer.form(json: json, console: console)
        // A refused device should not wait for an image to be unpacked.
        let nodes = try context.loader(requireImage: true).loadRack(rack.racks).nodes
        let chooser = context.chooser(for: nodes)
        let targets = try choose(with: chooser, in: context)
        let batch = try Batch(
            nodes, planner: context.planner(reading: context.secrets), since: context.nowText,
            options: writing.options,
            claim: { target, size throws(Failure) in try chooser.claim(target, imageSize: size) })
        let plan = try await batch.comparingSecrets(of: rack.plan(in: context, renderer: renderer))
        let jobs = BatchPlan(plan, on: targets, rewrites: rewrite)
        let isAlone = jobs.jobs.count == 1
        let warnings = try await batch.judge(
            jobs.jobs, isCancelled: context.isCancelled,
            { target, size throws(Failure) in
                do throws(Failure) { try chooser.judge(target, imageSize: size) } catch {
                    // A small card among others fails alone, when its turn comes.
                    guard error.code == .tooSmall, !isAlone else { throw error }
                    renderer.render(.notice("\(error.message): it will fail"))
                }
            })
        console.report(DiagnosticReport(warnings.filter { !plan.warnings.contains($0) }))
        for card in jobs.finished {
            renderer.render(.notice("\(card.target.path): is \(card.node)'s card, which is done; it is left alone"))
        }
        guard !jobs.jobs.isEmpty else {
            let text =
                plan.left.isEmpty
                ? "\(plan.cards.count == 1 ? "the only card" : "all \(plan.cards.count) cards") of the rack "
                    + "\(plan.cards.count == 1 ? "is" : "are") done; `piflash redo NODE RACK` writes one again"
                : "no card was written: put in others for \(Self.list(jobs.waiting))"
            renderer.render(.notice(text))
            BatchRenderer(console: console, form: form, nodes: []).summarize([], waiting: jobs.waiting, failure: nil)
            return
        }
        try Confirmation(console: console, yes: yes).ask(
            Self.description(of: jobs),
            jobs.jobs.count == 1 ? "write this card" : "write these \(jobs.jobs.count) cards",
            otherwise: "nothing was written")
        let show = BatchRenderer(console: console, form: form, nodes: jobs.jobs.map(\.card.name))
        let outcomes = await batch.run(jobs, events: show.render, isCancelled: context.isCancelled)
        let failure = Self.failure(outcomes, waiting: jobs.waiting)
        show.summarize(outcomes, waiting: jobs.waiting, failure: failure)
        if let failure { throw failure }
    }

    private func choose(with chooser: CardChooser, in context: CommandContext) throws -> [ChosenTarget] {
        var targets: [ChosenTarget] = []
        var refusals: [Failure] = []
        var known: [String: String] = [:]
        for name in device {
            do throws(Failure) {
                let target = try chooser.choose(context.absolute(name))
                // Links are followed: two names may be one card, and a loop device is the file behind it.
                var key = target.path.string
                if case .device(let facts) = target, let file = facts.backingFile { key = file }
                if let other = known.updateValue(name, forKey: key) {
                    throw Failure(
                        .usage, severity: .usage,
                        other == name ? "\(name) is named twice" : "\(name) and \(other) are the same card",
                        hint: "name each card once")
                }
                targets.append(target)
            } catch {
                refusals.append(error)
            }
        }
        guard let first = refusals.first else { return targets }
        guard refusals.count > 1 else { throw first }
        throw Failure(
            first.code, severity: refusals.contains { $0.severity == .refused } ? .refused : first.severity,
            refusals.map(\.message).joined(separator: "\n"),
            hint: refusals.compactMap(\.hint).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
                .joined(separator: "; "))
    }

    private static func description(of plan: BatchPlan) -> String {
        var rows = plan.jobs.map { job in
            [
                job.target.path.string, job.card.name,
                job.work == .write ? "write \(job.card.image.sourceName)" : "new settings only",
                job.previous.map { "card of \($0)" } ?? Confirmation.summary(job.target),
            ]
        }
        rows += plan.spare.map { [$0.path.string, "-", "spare, if a card fails", Confirmation.summary($0)] }
        return TextTable.columns(["DEVICE", "NODE", "WORK", "ON IT NOW"], rows)
    }

    /// What the run failed with as a whole; nil when no card did.
    static func failure(_ outcomes: [BatchOutcome], waiting: [String]) -> Failure? {
        let good = Set(outcomes.filter { $0.failure == nil }.map(\.node))
        let bad = outcomes.filter { $0.failure != nil && !good.contains($0.node) }
        if bad.contains(where: \.isInterrupted) {
            return Failure(
                .cancelled, "stopped: \(good.count) cards are done, \(bad.count) are not",
                hint: "give the same command again: it goes on with \(list(bad.map(\.node).sorted() + waiting))")
        }
        guard !bad.isEmpty else { return nil }
        return Failure(
            .init("commands.cards-failed"), severity: good.isEmpty ? .failed : .someCardsFailed,
            "\(bad.count) of \(good.count + bad.count) cards failed: \(list(bad.map(\.node).sorted()))",
            hint: "put in other cards and give the same command again: it writes only what is left")
    }

    static func list(_ names: [String]) -> String {
        names.count <= 8
            ? names.joined(separator: " ") : names.prefix(7).joined(separator: " ") + " and \(names.count - 7) more"
    }
}
