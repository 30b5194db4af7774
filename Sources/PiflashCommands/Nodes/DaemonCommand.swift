import Text
import ArgumentParser
import Diagnostics
import Fleet
import Provisioning
import Recipes

struct DaemonCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "daemon",
        abstract: "Show or renew the Docker configuration of running nodes.",
        discussion: """
            Prints each node's daemon.json. --diff shows over ssh what would change on
            the nodes, with secrets masked; --apply changes it: keys that piflash did
            not write stay, Docker is restarted where something changes, and gets its
            old configuration back where it does not start with the new one. Managers
            are done one after another, everything else --jobs at a time.

            Needs ssh without a password, and sudo without one on the nodes.

            EXAMPLES
              piflash daemon recipes/red/red01.yaml
              piflash daemon --diff recipes/red
              piflash daemon --apply recipes/red
            """)

    @OptionGroup var remote: RemoteOptions

    @Flag(name: .long, help: "Show what --apply would change on the nodes.")
    var diff = false

    @Flag(name: .long, help: "Change it on the nodes, and restart their Docker.")
    var apply = false

    @Option(name: .long, help: ArgumentHelp("How long Docker may take to come back.", valueName: "seconds"))
    var timeout = 90

    func validate() throws {
        if diff, apply { throw ValidationError("--diff and --apply exclude each other") }
        guard (1...3600).contains(timeout) else { throw ValidationError("--timeout is 1 to 3600 seconds") }
    }

    func run(in context: CommandContext) async throws {
        let nodes = try remote.nodes(in: context)
        guard diff || apply else { return try show(nodes, in: context) }
        let renderer = NodeRenderer(console: context.console, json: remote.json, total: nodes.count)
        if diff {
            try await showDifferences(of: nodes, renderer, in: context)
        } else {
            let outcomes = try await remote.connected(in: context) { ssh in
                await DaemonRound(
                    ssh: ssh, jobs: remote.jobs, wait: timeout, judge: Self.judge, events: renderer.render
                ).apply(to: nodes)
            }
            try renderer.summarize(outcomes)
        }
    }

    static let judge: DaemonJudge = NodeDaemon.judge

    private func show(_ nodes: [Node], in context: CommandContext) throws {
        var report = DiagnosticReport()
        var texts: [(String, String)] = []
        for node in nodes {
            guard let daemon = NodeDaemon(node, engine: nil, architecture: nil, report: &report) else {
                context.console.note("\(node.hostname.value): its recipe says nothing about Docker")
                continue
            }
            texts.append((node.hostname.value, JSONValue.object(daemon.members).prettyText))
        }
        guard !report.hasErrors else { throw report }
        context.console.report(report)
        for (name, text) in texts {
            context.console.output(texts.count > 1 ? "==> \(name) <==\n\(text)" : text)
        }
    }

    private func showDifferences(of nodes: [Node], _ renderer: NodeRenderer, in context: CommandContext) async throws {
        let outcomes = try await remote.connected(in: context) { ssh in
            var outcomes: [NodeOutcome] = []
            let round = DaemonRound(ssh: ssh, jobs: remote.jobs, judge: Self.judge, events: renderer.render)
            for (node, change) in await round.compare(nodes) {
                let name = node.hostname.value
                let outcome: NodeOutcome
                switch change {
                case .failure(let failure): outcome = NodeOutcome(name, failed: failure)
                case .success(let change):
                    for warning in change.warnings { context.console.note("\(name): \(warning)") }
                    let text = change.difference(from: name)
                    if !remote.json, !text.isEmpty {
                        renderer.close()
                        context.console.output(text)
                    }
                    let engine = "Docker \(change.engine)\(change.isManager ? ", a manager" : "")"
                    outcome =
                        change.needsRestart
                        ? NodeOutcome(name, .done, "differs (\(engine))", log: remote.json ? [text] : [])
                        : NodeOutcome(name, .unchanged, "is as the recipe wants it (\(engine))")
                }
                renderer.render(.done(outcome))
                outcomes.append(outcome)
            }
            return outcomes
        }
        try renderer.summarize(outcomes)
    }
}
