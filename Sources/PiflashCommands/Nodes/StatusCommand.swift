import ArgumentParser
import Diagnostics
import Remote
import Systems
import Recipes

struct StatusCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the state of nodes: first boot, Docker, swarm, clock, heat.",
        discussion: """
            Asks all nodes at once, over ssh. The first boot reports to the file
            \(BootPath.status) on the node's boot partition. If a node does not answer,
            shows the reason. Exits with 4 if some nodes do not answer or their first
            boot failed, and with 1 if that is true of all nodes.

            EXAMPLES
              piflash status recipes/red
              piflash status --watch --accept-new class/class.yaml
              piflash status --watch --for 1800 recipes/red
              piflash status --json recipes/red
            """)

    @OptionGroup var remote: RemoteOptions

    @Flag(name: .long, help: "Repeat until every first boot is finished.")
    var watch = false

    @Option(name: .long, help: ArgumentHelp("Time between two rounds of --watch.", valueName: "seconds"))
    var interval = 5

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("Time limit for --watch (default: none).", valueName: "seconds"))
    var patience: Int?

    @Option(name: .long, help: ArgumentHelp("Time limit for a node's answer.", valueName: "seconds"))
    var timeout = 60

    func validate() throws {
        guard timeout >= 1, interval >= 1, patience ?? 1 >= 1 else {
            throw ValidationError("--timeout, --interval and --for must be at least 1 second")
        }
        if patience != nil, !watch { throw ValidationError("--for needs --watch") }
    }

    func run(in context: CommandContext) async throws {
        let nodes = try remote.nodes(in: context)
        let rows = try await remote.connected(to: nodes, in: context) { ssh in
            let round = StatusRound(ssh: ssh, jobs: remote.jobs, limit: .seconds(timeout), now: context.now)
            let screen = StatusScreen(console: context.console, json: remote.json, redraws: watch)
            screen.begin(nodes.count, timeout: timeout)
            var rows = await round.ask(nodes)
            let end = patience.map { ContinuousClock.now + .seconds($0) }
            while watch, !Task.isCancelled {
                let now = ContinuousClock.now
                let isLast = rows.allSatisfy(\.isSettled) || end.map { now >= $0 } ?? false
                screen.show(rows, isLast: isLast)
                if isLast { return rows }
                let next = now + .seconds(interval)
                try? await Task.sleep(until: end.map { min($0, next) } ?? next)
                if Task.isCancelled { break }
                rows = await round.ask(nodes)
            }
            if !watch { screen.show(rows, isLast: true) }
            return rows
        }
        if let failure = outcomes(of: rows).failure { throw failure }
    }

    private func outcomes(of rows: [StatusRound.Row]) -> [NodeOutcome] {
        rows.map { row in
            let name = row.node.hostname.value
            switch row.result {
            case .success(let status):
                // With --watch, a node that is not finished in time counts as failed; without it, its state is only
                // shown.
                let isBad = status.hasFailed || watch && !status.isSettled
                return NodeOutcome(name, isBad ? .failed : .done, status.firstBoot?.summary ?? "")
            case .failure(let failure): return NodeOutcome(name, failed: failure)
            }
        }
    }
}
