import Text
import Cards
import Diagnostics
import Racks
import Recipes
import SystemPackage

/// `piflash batch` without devices: each card is written when it is inserted.
extension BatchCommand {
    func runStation(in context: CommandContext, renderer: EventRenderer) async throws {
        let console = context.console
        let nodes = try context.loadRack(rack.racks, requireImage: true).nodes
        let chooser = context.chooser(for: nodes)
        let tree = BlockDeviceTree()
        let named = try namedReaders(tree, in: context)
        let batch = try Batch(
            nodes, planner: context.planner(reading: context.secrets), since: context.nowText,
            options: writing.options,
            open: { target, size throws(Failure) in try chooser.open(target, imageSize: size) })
        let plan = await batch.comparingSecrets(of: try await rack.plan(in: context, renderer: renderer))
        let warnings = try await batch.validate(plan.left, isCancelled: context.isCancelled)
        renderer.report(DiagnosticReport(warnings.filter { !plan.warnings.contains($0) }))
        let present = tree.disks()
        let readers = StationReaders(named: named, present: present)
        try Confirmation(console: console, yes: yes).ask(
            Self.description(of: plan, named: named, present: present),
            "overwrite every card that is put in from now on", otherwise: "nothing was written")

        let keys = console.keys()
        let show = StationRenderer(console: console, form: renderer.form, rack: plan, hasKeys: keys != nil)
        let watch = ReaderWatch()
        let station = Station(
            batch: batch, readers: readers,
            surroundings: Station.Surroundings(
                disks: tree.disks,
                wait: {
                    watch.wait(atMost: 250)
                    tree.askReaders()
                }, choose: { facts throws(Failure) in try chooser.choose(facts.path) }),
            validate: { target, size throws(Failure) in try chooser.validate(target, imageSize: size) })
        let (commands, feed) = AsyncStream.makeStream(of: StationCommand.self)
        let typing = Task { await Self.read(keys, into: feed, show) }
        let (outcomes, left) = await station.run(
            plan, rewrites: rewrite, commands: commands, events: show.render, isCancelled: context.isCancelled)
        typing.cancel()
        await typing.value
        let untouched = left.filter { node in !outcomes.contains { $0.node == node } }
        let failure = Self.failure(outcomes, waiting: untouched)
        show.summarize(outcomes, waiting: untouched, failure: failure)
        if let failure { throw failure }
    }

    /// The readers that `--reader` names ("left=/dev/sdb" or "/dev/sdb"), with or without a card.
    private func namedReaders(_ tree: BlockDeviceTree, in context: CommandContext) throws -> [StationReaders.Named] {
        var seen: Set<String> = []
        return try reader.map { text in
            let sign = text.unicodeScalars.firstIndex(of: "=")
            let name = sign.map { String(text[..<$0]) }
            let path = context.absolute(String(sign.map { text[text.unicodeScalars.index(after: $0)...] } ?? text[...]))
            if let name, name.isEmpty || name.contains(where: { $0.isNewline }) {
                throw Failure(
                    .usage, severity: .usage, "--reader \(text): the name is empty",
                    hint: "write it as --reader left=/dev/sdb")
            }
            let facts = try CardValidation(tree: tree).disk(at: path)
            let reader = StationReaders.Named(name: name, facts)
            guard seen.insert(reader.port).inserted, name.map({ seen.insert("name \($0)").inserted }) ?? true else {
                throw Failure(.usage, severity: .usage, "--reader \(text): named twice", hint: "name each reader once")
            }
            return reader
        }
    }

    private static func read(
        _ keys: AsyncStream<Character>?, into feed: AsyncStream<StationCommand>.Continuation, _ show: StationRenderer
    ) async {
        guard let keys else { return }
        var meanings = StationKeys()
        for await key in keys {
            switch meanings.press(key) {
            case .command(let command):
                show.prompt(nil)
                feed.yield(command)
            case .prompt(let text): show.prompt(text)
            case .help: show.say(StationKeys.help)
            case nil: break
            }
        }
    }

    private static func description(
        of plan: RackPlan, named: [StationReaders.Named], present: [DeviceFacts]
    ) -> String {
        let left = plan.left.map(\.name)
        var rows = [("cards for", "\(shortList(left)) (\(left.count) of \(plan.cards.count) nodes)")]
        let changed = plan.left.filter { $0.state == .stale }.map(\.name)
        if !changed.isEmpty {
            rows.append(("done before", "\(shortList(changed)): recipe, secrets or image have changed since"))
        }
        if !named.isEmpty {
            rows.append(
                (
                    "readers",
                    named.map { [$0.name, $0.device].compactMap { $0 }.joined(separator: " ") }
                        .joined(separator: ", ")
                ))
        }
        let ports = Set(named.map(\.port))
        for facts in present where facts.size > 0 && [.usb, .mmc].contains(facts.bus) || ports.contains(facts.port) {
            guard facts.size > 0 else { continue }
            let what = ports.contains(facts.port) ? fate(of: facts, in: plan) : "stays as it is"
            rows.append((what, "\(facts.path), \(Confirmation.summary(.device(facts)))"))
        }
        rows.append(("is asked about", "cards that hold someone's files"))
        return TextTable.pairs(rows)
    }

    /// What the station will do with the card in a named reader.
    private static func fate(of facts: DeviceFacts, in plan: RackPlan) -> String {
        if let found = FoundCard(on: .device(facts)) {
            return plan.isFinished(found) ? "is done, stays" : "is written"
        }
        return CardOccupancy(of: facts) == .free ? "is written" : "is asked about"
    }
}
