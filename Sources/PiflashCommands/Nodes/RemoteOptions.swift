import ArgumentParser
import Diagnostics
import Fleet
import Host
import Recipes
import SystemPackage

/// What the commands that work on running nodes have in common.
struct RemoteOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp("Recipe files, or directories of them.", valueName: "recipes"),
        completion: .file(extensions: ["yaml", "yml"]))
    var recipes: [String]

    @Option(name: .long, help: ArgumentHelp("Log in as this user (default: the recipe's).", valueName: "name"))
    var user: String?

    @Option(name: .long, help: ArgumentHelp("The private key to log in with.", valueName: "file"), completion: .file())
    var identity: String?

    @Option(
        name: .long, parsing: .unconditionalSingleValue,
        help: ArgumentHelp("An option of ssh_config(5): Port=2222. Repeatable.", valueName: "option"))
    var sshOption: [String] = []

    @Flag(name: .long, help: "Take the host key of a node that was never seen as it is.")
    var acceptNew = false

    @Option(name: .long, help: ArgumentHelp("Nodes at a time.", valueName: "count"))
    var jobs = 16

    @Flag(name: .long, help: "Print events as JSON lines (docs/events.md).")
    var json = false

    func validate() throws {
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs is 1 to 256") }
    }

    /// The nodes of the recipes; every mistake in any of them at once.
    func nodes(in context: CommandContext) throws -> [Node] {
        try context.loader(requireImage: false).loadRack(recipes).nodes
    }

    func settings(in context: CommandContext) throws -> SSHSettings {
        if context.user.needsHandOver {
            context.console.note("piflash: under sudo ssh has root's keys and known hosts; sudo is not needed here")
        }
        return try SSHSettings(
            user: user, identity: identity.map { context.absolute(context.user.expandingTilde($0)).string },
            options: sshOption, acceptsNewHostKeys: acceptNew, environment: context.environment)
    }

    /// Runs `work` with connections that end with it, and that Ctrl-C ends.
    func connected<Value: Sendable>(
        in context: CommandContext, _ work: @escaping @Sendable (SSHRunner) async throws -> Value
    ) async throws -> Value {
        let ssh = try SSHRunner(settings: try settings(in: context))
        let result = await cancelled(when: context.isCancelled) { () async -> Result<Value, any Error> in
            do { return .success(try await work(ssh)) } catch { return .failure(error) }
        }
        await ssh.close()
        if context.isCancelled() { throw Failure(.cancelled, "stopped") }
        return try result.get()
    }
}
