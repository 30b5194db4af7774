import ArgumentParser
import Diagnostics
import Remote
import Host
import Racks
import Recipes
import SystemPackage

/// The arguments and options of all commands that work on running nodes.
struct RemoteOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp("Recipe files, or directories of them.", valueName: "recipes"),
        completion: .file(extensions: ["yaml", "yml"]))
    var recipes: [String]

    @Option(name: .long, help: ArgumentHelp("Log in as this user (default: the recipe's).", valueName: "name"))
    var user: String?

    @Option(name: .long, help: ArgumentHelp("The private key for logging in.", valueName: "file"), completion: .file())
    var identity: String?

    @Option(
        name: .long, parsing: .unconditionalSingleValue,
        help: ArgumentHelp("An option of ssh_config(5), as Port=2222. Repeatable.", valueName: "option"))
    var sshOption: [String] = []

    @Flag(name: .long, help: "Accept unknown host keys.")
    var acceptNew = false

    @Option(name: .long, help: ArgumentHelp("Number of nodes at a time.", valueName: "count"))
    var jobs = 16

    @Flag(name: .long, help: "Print events as JSON lines (docs/events.md).")
    var json = false

    func validate() throws {
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs must be 1 to 256") }
    }

    /// The nodes of the recipes. If there are mistakes, throws all of them at once.
    func nodes(in context: CommandContext) throws -> [Node] {
        try context.loadRack(recipes, requireImage: false).nodes
    }

    private func settings(for nodes: [Node], in context: CommandContext) throws -> SSHSettings {
        return try SSHSettings(
            user: user, identity: identity.map { context.absolute(context.user.expandingTilde($0)).string },
            options: sshOption, acceptsNewHostKeys: acceptNew,
            timesOfWriting: Self.timesOfWriting(nodes, in: context),
            environment: context.environment)
    }

    /// When the cards of `nodes` were last written, from their ledgers. A ledger that cannot be read only makes a message
    /// shorter.
    private static func timesOfWriting(_ nodes: [Node], in context: CommandContext) -> [String: Int64] {
        var ledgers: [FilePath: Ledger] = [:]
        var times: [String: Int64] = [:]
        for node in nodes {
            let state = RackState(of: node)
            let ledger = ledgers[state.directory] ?? (try? state.ledger()) ?? Ledger()
            ledgers[state.directory] = ledger
            times[node.hostname.value] = ledger.timeOfWriting(node.hostname.value)
        }
        return times
    }

    /// Runs `work` on `nodes` with ssh connections and shows its events. Throws if it fails on a node.
    func work(
        on nodes: [Node], in context: CommandContext, output: NodeRenderer.Output = .none,
        unchanged: Bool = false,
        _ work: @escaping @Sendable (SSHRunner, NodeRenderer) async throws -> [NodeOutcome]
    ) async throws {
        let renderer = NodeRenderer(
            console: context.console, json: json, total: nodes.count, output: output, unchanged: unchanged)
        let outcomes = try await connected(to: nodes, in: context) { ssh in try await work(ssh, renderer) }
        try renderer.summarize(outcomes)
    }

    /// Runs `work` with ssh connections to `nodes`, which are closed after it. Ctrl-C ends them.
    func connected<Value: Sendable>(
        to nodes: [Node], in context: CommandContext, _ work: @escaping @Sendable (SSHRunner) async throws -> Value
    ) async throws -> Value {
        let ssh = try SSHRunner(settings: try settings(for: nodes, in: context))
        let result = await cancelled(when: context.isCancelled) { () async -> Result<Value, any Error> in
            do { return .success(try await work(ssh)) } catch { return .failure(error) }
        }
        await ssh.close()
        if context.isCancelled() { throw Failure(.cancelled, "stopped") }
        return try result.get()
    }
}
