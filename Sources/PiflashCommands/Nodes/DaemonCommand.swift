import Text
import ArgumentParser
import Diagnostics
import Docker
import Remote
import Provisioning
import Recipes

struct DaemonCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "daemon",
        abstract: "Show, update or check the Docker configuration of nodes.",
        discussion: """
            Prints each node's daemon.json. --diff connects over ssh and shows what would
            change on the nodes, with secrets masked. --apply changes it: keys that
            piflash did not write stay; Docker is restarted if something changed; if it
            does not start, it gets its old configuration back. Managers are changed one
            after another, all other nodes --jobs at a time.

            --check validates daemon.json files, given in place of recipes, and
            contacts no node. It finds what dockerd refuses and what it ignores.

            --diff and --apply need ssh without a password, and sudo without a
            password on the nodes.

            EXAMPLES
              piflash daemon recipes/red/red01.yaml
              piflash daemon --diff recipes/red
              piflash daemon --apply recipes/red
              piflash daemon --check --engine 20.10.24 daemon.json
            """)

    @OptionGroup var remote: RemoteOptions

    @Flag(name: .long, help: "Show what --apply would change on the nodes.")
    var diff = false

    @Flag(name: .long, help: "Change it on the nodes, and restart their Docker.")
    var apply = false

    @Option(name: .long, help: ArgumentHelp("Time for Docker to start again.", valueName: "seconds"))
    var timeout = 90

    @Flag(name: .long, help: "Check daemon.json files, given in place of recipes.")
    var check = false

    @Option(
        name: .long, help: ArgumentHelp("With --check: Docker's version (default: any).", valueName: "version"))
    var engine: String?

    func validate() throws {
        if [diff, apply, check].count(where: { $0 }) > 1 {
            throw ValidationError("use only one of --diff, --apply and --check")
        }
        if let engine {
            guard check else { throw ValidationError("--engine is only for --check") }
            guard EngineVersion(engine) != nil else {
                throw ValidationError("\"\(engine)\" is not a version of Docker (20.10.24)")
            }
        }
        guard (1...3600).contains(timeout) else { throw ValidationError("--timeout must be 1 to 3600 seconds") }
    }

    func run(in context: CommandContext) async throws {
        if check { return try DaemonCheck(engine: engine).run(on: remote.recipes, in: context) }
        var nodes = try remote.nodes(in: context)
        guard diff || apply else { return try show(nodes, in: context) }
        let secrets = context.secrets
        for index in nodes.indices { nodes[index] = try await nodes[index].readingProxies(by: secrets) }
        let read = nodes
        try await remote.work(on: read, in: context) { ssh, renderer in
            let round = DaemonRound(
                ssh: ssh, jobs: remote.jobs, wait: timeout, events: renderer.render)
            return diff ? await differences(of: read, round, renderer, in: context) : await round.apply(to: read)
        }
    }

    private func show(_ nodes: [Node], in context: CommandContext) throws {
        var report = DiagnosticReport()
        var texts: [(String, String)] = []
        for node in nodes {
            guard let daemon = NodeDaemon(node, engine: nil, architecture: nil, report: &report) else {
                context.console.note("\(node.hostname.value): its recipe has no Docker settings")
                continue
            }
            // The address of a proxy that a tag names is not read for this.
            let text = JSONValue.object(daemon.members).prettyText
            texts.append((node.hostname.value, text.replacing(bytes: Node.Proxy.unread, with: "********")))
        }
        guard !report.hasErrors else { throw report }
        context.console.report(report)
        for (name, text) in texts {
            context.console.output(texts.count > 1 ? "==> \(name) <==\n\(text)" : text)
        }
    }

    private func differences(
        of nodes: [Node], _ round: DaemonRound, _ renderer: NodeRenderer, in context: CommandContext
    ) async -> [NodeOutcome] {
        var outcomes: [NodeOutcome] = []
        for (node, change) in await round.compare(nodes) {
            let name = node.hostname.value
            let outcome: NodeOutcome
            switch change {
            case .failure(let failure): outcome = NodeOutcome(name, failed: failure)
            case .success(let change):
                for warning in change.warnings { context.console.note("\(name): \(warning)") }
                let log = renderer.difference(change.difference(from: name))
                let engine = "Docker \(change.engine)\(change.isManager ? ", a manager" : "")"
                outcome =
                    change.needsRestart
                    ? NodeOutcome(name, .done, "differs (\(engine))", log: log)
                    : NodeOutcome(name, .unchanged, "is as the recipe wants it (\(engine))")
            }
            renderer.render(.done(outcome))
            outcomes.append(outcome)
        }
        return outcomes
    }
}
