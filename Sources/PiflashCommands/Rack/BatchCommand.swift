import ArgumentParser
import Cards
import Diagnostics
import Planning
import Racks
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
            Without --device, piflash waits for cards: put them in, in any reader. Each
            gets the next node, is written and read back; then piflash rings the bell and
            shows the node's name, so that you take the card out and label it. Cards that
            are in a reader at the start stay as they are, unless --reader names the
            reader. Keys: s skip, p pick a node, r redo one, q quit after the running
            cards, ? help.

            With --device, each device gets one of the next nodes, all at the same time,
            and the run ends when they are done. A device may be a file that ends in .img.

            Everything is checked before the first byte is written. A card that fails
            does not stop the others, and its node waits for another card. Finished cards
            are recorded in the ledger beside the recipes: if a run was stopped or killed,
            run the same command again to continue. A card of the rack that has the right
            image already gets only its settings; a finished one is left alone.

            EXAMPLES
              piflash batch recipes/red
              piflash batch recipes/red --reader left=/dev/sdb --reader right=/dev/sdc
              piflash batch recipes/red --device /dev/sdb --device /dev/sdc
              piflash batch recipes/red --yes --device red00.img --device red01.img

            Exit codes: 0 all done, 4 some cards failed, 1 all failed or stopped.
            """)

    @OptionGroup var rack: RackOptions
    @OptionGroup var writing: WriteOptions

    @Option(
        name: [.short, .long], help: ArgumentHelp("A card's device. Repeat it for each card.", valueName: "device"),
        completion: .file())
    var device: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A reader, with your name for it; a card in it is written too.",
            valueName: "name=device"))
    var reader: [String] = []

    @Flag(name: .long, help: "Write the whole image, even if the card has it.")
    var rewrite = false

    @Flag(name: [.short, .long], help: "Do not ask before writing. Safety checks still apply.")
    var yes = false

    @Flag(name: .long, help: "Print events as JSON lines (docs/events.md).")
    var json = false

    func run(in context: CommandContext) async throws {
        let console = context.console
        let renderer = EventRenderer(console: console, form: OutputForm(json: json, console: console))
        do {
            if device.isEmpty {
                try await runStation(in: context, renderer: renderer)
            } else if let first = reader.first {
                throw Failure(
                    .usage, severity: .usage, "--reader \(first): with --device, every card is named already",
                    hint: "leave --device out to write cards when you put them in")
            } else {
                try await run(in: context, renderer: renderer)
            }
        } catch let failure as Failure {
            renderer.renderFailure(failure)
            throw failure
        } catch let mistakes as DiagnosticReport {
            renderer.renderMistakes(mistakes)
            throw mistakes
        }
    }

    private func run(in context: CommandContext, renderer: EventRenderer) async throws {
        let console = context.console
        // A device that is refused should be reported before an image is unpacked.
        let nodes = try context.loadRack(rack.racks, requireImage: true).nodes
        let chooser = context.chooser(for: nodes)
        let targets = try choose(with: chooser, in: context)
        let batch = try Batch(
            nodes, planner: context.planner(reading: context.secrets), since: context.nowText,
            options: writing.options,
            open: { target, size throws(Failure) in try chooser.open(target, imageSize: size) })
        let plan = try await batch.comparingSecrets(of: rack.plan(in: context, renderer: renderer))
        let jobs = BatchPlan(plan, on: targets, rewrites: rewrite)
        let isAlone = jobs.jobs.count == 1
        let warnings = try await batch.validate(
            jobs.jobs, isCancelled: context.isCancelled,
            { target, size throws(Failure) in
                do throws(Failure) { try chooser.validate(target, imageSize: size) } catch {
                    // A card that is too small fails alone, when its turn comes.
                    guard error.code == .tooSmall, !isAlone else { throw error }
                    renderer.notice("\(error.message): this card will fail")
                }
            })
        renderer.report(DiagnosticReport(warnings.filter { !plan.warnings.contains($0) }))
        for card in jobs.finished {
            renderer.notice("\(card.target.path): is \(card.node)'s card, which is done; it is left alone")
        }
        guard !jobs.jobs.isEmpty else {
            let text =
                plan.left.isEmpty
                ? "\(plan.cards.count == 1 ? "the only card" : "all \(plan.cards.count) cards") of the rack "
                    + "\(plan.cards.count == 1 ? "is" : "are") done; `piflash redo NODE RACK` writes one again"
                : "no card was written: put in others for \(shortList(jobs.waiting))"
            renderer.notice(text)
            BatchRenderer(console: console, form: renderer.form, nodes: []).summarize(
                [], waiting: jobs.waiting, failure: nil)
            return
        }
        try Confirmation(console: console, yes: yes).ask(
            Self.description(of: jobs),
            jobs.jobs.count == 1 ? "write this card" : "write these \(jobs.jobs.count) cards",
            otherwise: "nothing was written")
        let show = BatchRenderer(console: console, form: renderer.form, nodes: jobs.jobs.map(\.card.name))
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

    /// The failure of the whole run; nil if no card failed.
    static func failure(_ outcomes: [BatchOutcome], waiting: [String]) -> Failure? {
        let good = Set(outcomes.filter { $0.failure == nil }.map(\.node))
        let bad = outcomes.filter { $0.failure != nil && !good.contains($0.node) }
        if bad.contains(where: \.isInterrupted) {
            return Failure(
                .cancelled, "stopped: \(good.count) cards are done, \(bad.count) are not",
                hint: "run the same command again: it goes on with \(shortList(bad.map(\.node).sorted() + waiting))")
        }
        guard !bad.isEmpty else { return nil }
        return Failure(
            .init("commands.cards-failed"), severity: good.isEmpty ? .failed : .someCardsFailed,
            "\(bad.count) of \(good.count + bad.count) cards failed: \(shortList(bad.map(\.node).sorted()))",
            hint: "put in other cards and run the same command again: it writes only what is left")
    }
}
